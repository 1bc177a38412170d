// `synchost plan` and `synchost explain` of the real program over sample projects: golden files, JSON,
// errors.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/golden.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class PlanCommand : public testing::Test {
  protected:
    void use(const std::string& sample, const std::string& config) {
        fs::copy(fs::path(SYNCHOST_ROOT) / "tests/samples" / sample, project(), fs::copy_options::recursive);
        ASSERT_OK(make_folders(project() / "k8s"));
        ASSERT_OK(write_file_atomic(project() / "synchost.yaml", config));
    }
    [[nodiscard]] fs::path project() const { return folder_.path() / "project"; }
    // In the project's folder; states and caches of its own.
    [[nodiscard]] Completed synchost(std::vector<std::string> words) const {
        words.insert(words.begin(), {"env", "-C", project().string(), "XDG_STATE_HOME=" + at("state"),
                                     "XDG_CACHE_HOME=" + at("cache"), SYNCHOST_PROGRAM});
        auto done = run_command({.argv = std::move(words)});
        EXPECT_OK(done);
        return done ? *std::move(done) : Completed{};
    }
    [[nodiscard]] std::string at(const char* name) const { return (folder_.path() / name).string(); }
    TempDir folder_ = TempDir::make("plan").value();
};

constexpr const char* kFlask =
    "images:\n  app:\n    after: [{paths: [\"templates/**\"], do: nothing}]\n    rebuild: [NOTICE.md]\n"
    "manifests: [k8s]\n";

TEST_F(PlanCommand, TellsTheWholeContextByFolders) {
    use("flask", kFlask);
    const Completed plan = synchost({"plan"});
    EXPECT_EQ(plan.exit_code, 0) << plan.err;
    EXPECT_TRUE(test::matches_golden(plan.out, "plan/flask.txt"));
}

TEST_F(PlanCommand, TellsEachTargetOfAMonorepo) {
    use("monorepo", "images:\n  web: {target: web}\n  worker: {target: worker}\nmanifests: [k8s]\n");
    EXPECT_TRUE(test::matches_golden(synchost({"plan"}).out, "plan/monorepo.txt"));
    const Completed one = synchost({"plan", "--image", "worker"});
    EXPECT_THAT(one.out, testing::StartsWith("worker (Dockerfile, target worker)\n"));
    EXPECT_THAT(one.out, testing::Not(HasSubstr("target web")));
}

TEST_F(PlanCommand, TakesTheChosenProfiles) {
    use("monorepo",
        "images:\n  web: {target: web}\nmanifests: [k8s]\nprofiles:\n  api: {images: {web: {target: api}}}\n"
        "  both: {images: {worker: {target: worker}}}\n");
    EXPECT_THAT(synchost({"plan"}).out, testing::StartsWith("web (Dockerfile, target web)\n"));
    const Completed one = synchost({"plan", "--profile", "api"});
    EXPECT_THAT(one.out, testing::StartsWith("web (Dockerfile, target api)\n")) << one.err;
    EXPECT_THAT(one.out, testing::Not(HasSubstr("target worker")));
    const Completed two = synchost({"plan", "--profile", "api", "--profile=both"});
    EXPECT_THAT(two.out, testing::StartsWith("web (Dockerfile, target api)\n")) << two.err;
    EXPECT_THAT(two.out, HasSubstr("worker (Dockerfile, target worker)\n"));
    for (const char* command : {"watch", "plan", "inject", "down", "doctor"}) {
        const Completed wrong = synchost({command, "--profile", "bth"});
        EXPECT_EQ(wrong.exit_code, 1);
        const std::string told = wrong.out + wrong.err;
        EXPECT_THAT(told, HasSubstr("synchost.yaml: has no profile \"bth\"")) << command;
        EXPECT_THAT(told, HasSubstr("Did you mean both? Its profiles are: api, both")) << command;
    }
    const Completed explained = synchost({"explain", "--profile", "bth", "Dockerfile"});
    EXPECT_EQ(explained.exit_code, 1);
    EXPECT_THAT(explained.err, HasSubstr("has no profile")) << explained.err;
}

TEST_F(PlanCommand, ExplainsWhatAStepReadsAndMakes) {
    use("cpp", read_file(fs::path(SYNCHOST_ROOT) / "tests/samples/cpp/synchost.yaml", 4096).value());
    const Completed early = synchost({"explain", "src/main.cpp"});
    EXPECT_EQ(early.exit_code, 1);
    EXPECT_THAT(early.err, HasSubstr("Step compile makes bin/server, and has not run yet")) << early.err;
    ASSERT_OK(make_folders(project() / "bin"));
    ASSERT_OK(write_file_atomic(project() / "bin/server", "compiled"));
    const Completed explained = synchost({"explain", "src/main.cpp", "bin/server", "config/server.yaml"});
    EXPECT_EQ(explained.exit_code, 0) << explained.err;
    EXPECT_TRUE(test::matches_golden(explained.out, "plan/steps.txt"));
    const auto json =
        nlohmann::json::parse(synchost({"explain", "--json", "src/main.cpp", "schema/001.sql"}).out);
    EXPECT_EQ(json["files"][0]["steps"],
              nlohmann::json::parse(R"([{"step": "compile", "action": "runs", "outputs": ["bin/server"]}])"));
    EXPECT_EQ(json["files"][1]["steps"], nlohmann::json::array());
}

TEST_F(PlanCommand, ExplainsFilesFoldersAndWhatIsNotThere) {
    use("flask", kFlask);
    const Completed explained =
        synchost({"explain", "app.py", "templates/index.html", "requirements.txt", "NOTICE.md", "README.md",
                  "new/of/tomorrow.py", "tests", "templates", "/etc/passwd", ".dockerignore"});
    EXPECT_EQ(explained.exit_code, 0) << explained.err;
    EXPECT_TRUE(test::matches_golden(explained.out, "plan/explain.txt"));
}

TEST_F(PlanCommand, JsonNamesEachFile) {
    use("flask", kFlask);
    const auto plan = nlohmann::json::parse(synchost({"plan", "--json"}).out);
    ASSERT_EQ(plan.at("images").size(), 1U);
    std::vector<std::string> paths;
    for (const auto& file : plan["images"][0].at("files")) paths.push_back(file.at("path"));
    EXPECT_THAT(paths, ElementsAre(".dockerignore", "Dockerfile", "NOTICE.md", "README.md", "app.py",
                                   "requirements.txt", "synchost.yaml", "templates/index.html",
                                   "templates/parts/head.html", "tests/"));
    const auto explained = nlohmann::json::parse(synchost({"explain", "--json", "app.py", "gone.py"}).out);
    const auto& files = explained.at("files");
    ASSERT_EQ(files.size(), 2U);
    EXPECT_TRUE(files[0].at("exists"));
    EXPECT_FALSE(files[1].at("exists"));
    const auto& app = files[0].at("images").at(0);
    EXPECT_EQ(app.at("image"), "app");
    EXPECT_EQ(app.at("files").at(0).at("action"), "sync");
    EXPECT_EQ(app.at("files").at(0).at("targets").at(0).at("path"), "/app/app.py");
    EXPECT_EQ(app.at("files").at(0).at("after"), "restart");
}

TEST_F(PlanCommand, ErrorsNameTheNextStep) {
    use("flask", kFlask);
    const Completed unknown = synchost({"plan", "--image", "other"});
    EXPECT_EQ(unknown.exit_code, 1);
    EXPECT_EQ(unknown.err, "synchost: synchost.yaml has no image other\n  It has: app\n");
    ASSERT_OK(write_file_atomic(project() / "Dockerfile", "FROM a\nCOPPY . .\n"));
    const Completed broken = synchost({"explain", "app.py"});
    EXPECT_EQ(broken.exit_code, 1);
    EXPECT_THAT(broken.err, HasSubstr("Dockerfile:2: "));
    EXPECT_THAT(broken.err, HasSubstr("Did you mean COPY?"));
    EXPECT_EQ(broken.out, "");
}

}  // namespace
}  // namespace synchost::host
