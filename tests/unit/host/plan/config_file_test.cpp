#include <gmock/gmock.h>

#include "host/plan/config.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;

class ConfigFile : public testing::Test {
  protected:
    ConfigFile() {
        tree.write("app/Dockerfile", "FROM scratch\n");
        tree.write("app/k8s/app.yaml", "");
    }
    Result<Config> load(std::string_view text) {
        tree.write("app/synchost.yaml", text);
        return load_config(tree / "app/synchost.yaml");
    }
    test::TempTree tree;
};

TEST_F(ConfigFile, LoadsAndResolvesAgainstItsFolder) {
    const auto config = load("images: {api: }\nmanifests: [k8s, k8s/app.yaml]\n");
    ASSERT_OK(config);
    EXPECT_EQ(config->file, tree / "app/synchost.yaml");
    EXPECT_EQ(config->name, "app");
    EXPECT_EQ(config->images.at(0).dockerfile, tree / "app/Dockerfile");
}

TEST_F(ConfigFile, ValuesForChartsAreFilesThatAreThere) {
    tree.write("app/dev.yaml", "replicas: 1\n");
    const std::string rest = "images: {api: }\nmanifests: [k8s]\nhelm_values: ";
    const auto config = load(rest + "[dev.yaml, k8s/app.yaml]\n");
    ASSERT_OK(config);
    EXPECT_THAT(config->helm_values, testing::ElementsAre(tree / "app/dev.yaml", tree / "app/k8s/app.yaml"));
    EXPECT_ERROR(load(rest + "[k8s]\n"), Errc::not_found,
                 "synchost.yaml:3: there is no file " + (tree / "app/k8s").native());
}

TEST_F(ConfigFile, SaysWhichNamedFileIsNotThereAndInWhichLine) {
    EXPECT_ERROR(load("images:\n  api:\n    context: ../apii\nmanifests: [k8s]\n"), Errc::not_found,
                 "synchost.yaml:3: there is no folder " + (tree / "apii").native());
    EXPECT_ERROR(load("images:\n  api:\n    context: Dockerfile\nmanifests: [k8s]\n"), Errc::not_found,
                 "synchost.yaml:3: there is no folder ");
    EXPECT_ERROR(load("images:\n  api:\n    dockerfile: Other\nmanifests: [k8s]\n"), Errc::not_found,
                 "synchost.yaml:3: there is no Dockerfile " + (tree / "app/Other").native());
    EXPECT_ERROR(load("images:\n  api:\n    context: k8s\nmanifests: [k8s]\n"), Errc::not_found,
                 "synchost.yaml:2: there is no Dockerfile " + (tree / "app/k8s/Dockerfile").native());
    EXPECT_ERROR(load("images:\n  api:\nmanifests:\n  - k8z\n"), Errc::not_found,
                 "synchost.yaml:3: there is no file or folder " + (tree / "app/k8z").native());
}

TEST_F(ConfigFile, AMissingFileHasANextStepAndALargeOneIsNotRead) {
    const auto missing = load_config(tree / "app/absent.yaml");
    EXPECT_ERROR(missing, Errc::not_found, "app/absent.yaml");
    EXPECT_THAT(missing.error().next_step, HasSubstr("README.md"));
    EXPECT_ERROR(load(std::string(kMaxConfigBytes + 1, '#')), Errc::invalid_input,
                 "larger than 1048576 bytes");
}

TEST_F(ConfigFile, IsFoundInAFolderAboveTheStart) {
    tree.write("app/synchost.yaml", "");
    tree.folder("app/src/deep");
    const fs::path expected = fs::canonical(tree.root()) / "app/synchost.yaml";
    EXPECT_EQ(find_config(tree / "app/src/deep").value(), expected);
    EXPECT_EQ(find_config(tree / "app").value(), expected);
}

TEST_F(ConfigFile, IsNotLookedForAboveTheGitRepository) {
    tree.write("synchost.yaml", "");
    tree.folder("app/.git");
    const auto found = find_config(tree / "app/k8s");
    EXPECT_ERROR(found, Errc::not_found, "no synchost.yaml in " + fs::canonical(tree / "app/k8s").native());
    EXPECT_THAT(found.error().message, EndsWith("app, the top of the git repository"));
    EXPECT_EQ(found.error().next_step, "Create one; README.md shows an example");
}

TEST_F(ConfigFile, IsLookedForUpToTheRootOutsideOfGit) {
    EXPECT_ERROR(find_config("/proc/self"), Errc::not_found, " or the folders above it up to /");
    EXPECT_ERROR(find_config("/"), Errc::not_found, "no synchost.yaml in /");
    EXPECT_ERROR(find_config(tree / "absent"), Errc::not_found, "absent");
}

}  // namespace
}  // namespace synchost::host
