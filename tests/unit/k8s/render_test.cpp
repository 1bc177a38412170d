#include "k8s/render.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <set>

#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::k8s {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

constexpr const char* kObject = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";

class Render : public testing::Test {
  protected:
    void SetUp() override {
        tree_.write("chart/Chart.yaml", "name: chart\n");
        tree_.write("overlay/kustomization.yaml", "resources: []\n");
        const char* path = std::getenv("PATH");
        path_ = path == nullptr ? "" : path;
        ::setenv("PATH", ((tree_ / "bin").native() + ":" + path_).c_str(), 1);
    }
    void TearDown() override { ::setenv("PATH", path_.c_str(), 1); }
    // A program that comes before any other of this name.
    void program(const std::string& name, const std::string& script) {
        tree_.write("bin/" + name, "#!/bin/sh\n" + script + "\n");
        ::chmod((tree_ / "bin" / name).c_str(), 0755);
    }
    test::TempTree tree_;
    std::string path_;
};

IsThere only(std::set<std::string, std::less<>> programs) {
    return [programs = std::move(programs)](std::string_view program) { return programs.contains(program); };
}

TEST_F(Render, IsKnownByTheFilesOfAFolder) {
    EXPECT_EQ(renderer_of(tree_ / "chart"), Renderer::helm);
    EXPECT_EQ(renderer_of(tree_ / "overlay"), Renderer::kustomize);
    for (const char* name : {"kustomization.yml", "Kustomization"}) {
        tree_.write(std::string("other/") + name, "");
        EXPECT_EQ(renderer_of(tree_ / "other"), Renderer::kustomize) << name;
        tree_.remove("other");
    }
    tree_.write("plain/api.yaml", kObject);
    EXPECT_EQ(renderer_of(tree_ / "plain"), Renderer::none);
    EXPECT_EQ(renderer_of(tree_ / "plain/api.yaml"), Renderer::none);
    EXPECT_EQ(renderer_of(tree_ / "nothing"), Renderer::none);
}

TEST_F(Render, TakesTheProgramThatIsThere) {
    const LoadOptions options = {.pod_templates = {},
                                 .release = "todo",
                                 .namespace_name = "dev",
                                 .helm_values = {"/k8s/dev.yaml", "/mine.yaml"}};
    EXPECT_THAT(render_command("/k8s", Renderer::kustomize, {}, only({"kustomize", "kubectl"})).value(),
                ElementsAre("kustomize", "build", "/k8s"));
    EXPECT_THAT(render_command("/k8s", Renderer::kustomize, {}, only({"kubectl"})).value(),
                ElementsAre("kubectl", "kustomize", "/k8s"));
    EXPECT_THAT(render_command("/k8s", Renderer::helm, options, only({"helm"})).value(),
                ElementsAre("helm", "template", "todo", "/k8s", "--include-crds", "--skip-tests",
                            "--namespace", "dev", "--values", "/k8s/dev.yaml", "--values", "/mine.yaml"));
    EXPECT_THAT(render_command("-k8s", Renderer::kustomize, {}, only({"kubectl"})).value(),
                ElementsAre("kubectl", "kustomize", fs::absolute("-k8s").native()));
}

TEST_F(Render, SaysWhatToInstall) {
    const auto kustomize = render_command("k8s/dev", Renderer::kustomize, {}, only({"helm"}));
    EXPECT_ERROR(kustomize, Errc::unsupported,
                 "k8s/dev is a kustomization, and neither kustomize nor kubectl is there");
    EXPECT_TRUE(kustomize.error().next_step.starts_with("Install one of them"));
    const auto helm = render_command("chart", Renderer::helm, {}, only({"kubectl"}));
    EXPECT_ERROR(helm, Errc::unsupported, "chart is a Helm chart, and helm is not there");
    EXPECT_TRUE(helm.error().next_step.starts_with("Install helm"));
}

TEST_F(Render, LoadsWhatTheProgramPrints) {
    program("helm", "echo warning >&2\ncat <<END\n" + std::string(kObject) + "data: {args: \"$*\"}\nEND");
    const auto manifests =
        load_manifests({tree_ / "chart"}, {.pod_templates = {}, .release = "todo", .namespace_name = {}});
    ASSERT_OK(manifests);
    ASSERT_EQ(manifests->size(), 1U);
    EXPECT_EQ(manifests->at(0).object["data"]["args"],
              "template todo " + (tree_ / "chart").native() + " --include-crds --skip-tests");
    EXPECT_EQ(manifests->at(0).source, (tree_ / "chart").native() + " (helm template):1");
}

TEST_F(Render, GivesTheProgramsOwnWords) {
    program("kustomize", "echo 'Error: accumulating resources: no such file' >&2; exit 1");
    const auto refused = load_manifests({tree_ / "overlay"});
    EXPECT_ERROR(refused, Errc::invalid_input,
                 "overlay (kustomize build): Error: accumulating resources: no such file");
    EXPECT_FALSE(refused.error().next_step.empty());
    program("kustomize", "echo 'no: [manifest'");
    EXPECT_ERROR(load_manifests({tree_ / "overlay"}), Errc::invalid_input, "overlay (kustomize build):");
}

TEST_F(Render, KeepsNoMoreThanItsBound) {
    program("kustomize", "exec head -c 17000000 /dev/zero");
    EXPECT_ERROR(load_manifests({tree_ / "overlay"}), Errc::invalid_input, "more than 16 MiB");
    program("kustomize", "head -c 100000 /dev/zero | tr '\\0' 'x' >&2; exit 1");
    const auto refused = load_manifests({tree_ / "overlay"});
    ASSERT_FALSE(refused);
    EXPECT_LT(refused.error().message.size(), 3'000U);
}

TEST_F(Render, KnowsTheFilesOfAPlainFolderAndOfAFile) {
    tree_.write("plain/a.yaml", kObject);
    tree_.write("plain/sub/b.yaml", kObject);
    tree_.write("single.yaml", kObject);
    const auto folders = source_folders({tree_ / "plain", tree_ / "single.yaml"});
    EXPECT_TRUE(is_source(tree_ / "plain/a.yaml", folders));
    EXPECT_TRUE(is_source(tree_ / "plain/new.json", folders));
    EXPECT_TRUE(is_source(tree_ / "single.yaml", folders));
    EXPECT_FALSE(is_source(tree_ / "plain/notes.txt", folders));
    EXPECT_FALSE(is_source(tree_ / "plain/sub/b.yaml", folders));
    EXPECT_FALSE(is_source(tree_ / "other.yaml", folders));
    EXPECT_TRUE(is_beside(tree_ / "plain/sub", folders));
    EXPECT_FALSE(is_beside(tree_ / "plain", folders));
    EXPECT_FALSE(is_beside(tree_.root(), folders));
}

TEST_F(Render, KnowsTheFilesOfAChart) {
    tree_.write("chart/templates/tests/a.yaml", "{{ x }}");
    const auto folders = source_folders({tree_ / "chart"});
    for (const char* file :
         {"values.yaml", "templates/_helpers.tpl", "templates/tests/a.yaml", "files/x.conf"})
        EXPECT_TRUE(is_source(tree_ / "chart" / file, folders)) << file;
    for (const char* file : {".values.yaml.swp", "values.yaml~", ".git/index"})
        EXPECT_FALSE(is_source(tree_ / "chart" / file, folders)) << file;
    EXPECT_FALSE(is_beside(tree_ / "chart/templates/tests", folders));
    EXPECT_TRUE(is_beside(tree_ / "chartless", folders));
}

TEST_F(Render, KnowsWhatAKustomizationNamesOutsideOfItself) {
    tree_.write("base/kustomization.yaml", "resources: [api.yaml, ../shared, https://example.test/x]\n");
    tree_.write("base/api.yaml", kObject);
    tree_.write("shared/Kustomization", "resources: [../base]\n");  // in a circle
    tree_.write("patch.yaml", kObject);
    tree_.write("overlay/kustomization.yaml",
                "resources: [../base]\npatchesStrategicMerge: [../patch.yaml]\n");
    const auto folders = source_folders({tree_ / "overlay"});
    for (const char* file :
         {"overlay/kustomization.yaml", "base/api.yaml", "shared/Kustomization", "patch.yaml"})
        EXPECT_TRUE(is_source(tree_ / file, folders)) << file;
    EXPECT_FALSE(is_source(tree_ / "other.yaml", folders));
    tree_.write("overlay/kustomization.yaml", "resources: {broken\n");
    EXPECT_EQ(source_folders({tree_ / "overlay"}).size(), 1U);
}

}  // namespace
}  // namespace synchost::k8s
