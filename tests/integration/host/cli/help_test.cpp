// What the real program says: every help page and the common errors of usage as golden files, and completion
// in real shells.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/file.hpp"
#include "base/lines.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/golden.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

Completed synchost(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), SYNCHOST_PROGRAM);
    auto done = run_command({.argv = arguments});
    EXPECT_OK(done);
    return done ? *std::move(done) : Completed{};
}

// The commands that the program itself offers.
std::vector<std::string> commands() {
    std::vector<std::string> names;
    const std::string answer = synchost({"__complete", ""}).out;
    for (const std::string_view line : lines_of(answer)) {
        if (!line.empty() && !line.starts_with(':')) names.emplace_back(line.substr(0, line.find('\t')));
    }
    return names;
}

TEST(Help, EveryPageIsAsItWasRead) {
    const auto all = commands();
    ASSERT_GE(all.size(), 10U);
    std::vector<std::string> expected{"synchost"};
    EXPECT_TRUE(test::matches_golden(synchost({"--help"}).out, "help/synchost.txt"));
    for (const std::string& command : all) {
        const Completed help = synchost({command, "--help"});
        EXPECT_EQ(help.exit_code, 0);
        EXPECT_TRUE(test::matches_golden(help.out, "help/" + command + ".txt"));
        expected.push_back(command);
    }
    std::ranges::sort(expected);
    EXPECT_EQ(test::golden_names("help", ".txt"), expected) << "a page of a command that is gone";
}

TEST(Help, ThePageNamesTheProgramAndNotItsPath) {
    const Completed help = synchost({"status", "--help"});
    EXPECT_NE(help.out.find("Usage: synchost status [OPTIONS]"), std::string::npos) << help.out;
    EXPECT_EQ(help.out.find(fs::path(SYNCHOST_PROGRAM).parent_path().native()), std::string::npos);
}

TEST(Help, CommonErrorsOfUsageAreAsTheyWereRead) {
    std::string text;
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {},
             {"statsu"},
             {"deploy"},
             {"--verison"},
             {"status", "--jsno"},
             {"status", "a", "b"},
             {"watch", "--runtime", "docker"},
             {"watch", "--runtime"},
             {"watch", "--kubeconfig", "absent"},
             {"copy", "--al", "a", "b"},
             {"copy", "a"},
             {"push"},
             {"config"},
             {"config", "shema"},
             {"completion", "csh"},
         }) {
        text += "$ synchost";
        for (const std::string& word : words) text += " " + word;
        const Completed done = synchost(words);
        EXPECT_EQ(done.out, "");
        text += "\n" + done.err + "exit code " + std::to_string(done.exit_code) + "\n\n";
    }
    EXPECT_TRUE(test::matches_golden(text, "usage_errors.txt"));
}

TEST(Version, IsTheSameInBothForms) {
    const std::string plain = synchost({"version"}).out;
    EXPECT_TRUE(plain.starts_with("synchost " SYNCHOST_VERSION "\nprotocol ")) << plain;
    const std::string json = synchost({"version", "--json"}).out;
    EXPECT_TRUE(json.starts_with("{\"version\":\"" SYNCHOST_VERSION "\",\"protocol\":")) << json;
    EXPECT_EQ(synchost({"--version"}).out, "synchost " SYNCHOST_VERSION "\n");
}

// A folder with a project, a kubeconfig and a script, and the program in PATH.
class Completion : public testing::Test {
  protected:
    void SetUp() override {
        auto dir = TempDir::make("completion");
        ASSERT_OK(dir);
        dir_.emplace(*std::move(dir));
        write("synchost.yaml", "images: {todo-api: , todo-ui: }\nmanifests: [k8s]\n");
        write("kubeconfig",
              "contexts:\n- {name: k3d-dev, context: {cluster: a}}\n"
              "- {name: team, context: {cluster: a}}\n");
        write("k8s/app.yaml", "");
    }
    void write(const std::string& path, const std::string& text) {
        fs::create_directories((dir_->path() / path).parent_path());
        ASSERT_OK(write_file_atomic(dir_->path() / path, text));
    }
    std::string run(std::vector<std::string> argv) {
        const std::string path =
            fs::path(SYNCHOST_PROGRAM).parent_path().native() + ":/usr/local/bin:/usr/bin:/bin";
        auto done = run_command({.argv = std::move(argv),
                                 .env = {{"PATH", path},
                                         {"HOME", dir_->path().native()},
                                         {"XDG_CONFIG_HOME", dir_->path().native()},
                                         {"KUBECONFIG", (dir_->path() / "kubeconfig").native()}},
                                 .cwd = dir_->path()});
        EXPECT_OK(done);
        if (done) EXPECT_EQ(done->err, "");
        return done ? done->out : std::string();
    }
    // What bash would offer at the end of the line, without the trailing newline.
    std::string in_bash(const std::string& line) {
        return run({"bash", "--norc", "-c",
                    "source <(synchost completion bash)\nCOMP_LINE=\"$1\" COMP_POINT=${#1} "
                    "COMP_WORDS=(synchost)\n_synchost\nprintf '%s ' \"${COMPREPLY[@]}\"",
                    "bash", line});
    }
    // What fish offers, by its own `complete -C`.
    std::string in_fish(const std::string& line) {
        return run(
            {"fish", "--no-config", "-c", "synchost completion fish | source\ncomplete -C $argv[1]", line});
    }
    std::optional<TempDir> dir_;
};

TEST_F(Completion, OfBashInABash) {
    EXPECT_EQ(in_bash("synchost stat"), "status ");
    EXPECT_EQ(in_bash("synchost status --v"), "--verify ");
    EXPECT_EQ(in_bash("synchost watch --runtime "), "auto kubernetes podman ");
    EXPECT_EQ(in_bash("synchost watch --runtime=p"), "podman ");
    EXPECT_EQ(in_bash("synchost watch --context "), "k3d-dev team ");
    EXPECT_EQ(in_bash("synchost push "), "todo-api todo-ui ");
    EXPECT_EQ(in_bash("synchost inject -f k8s/"), "k8s/app.yaml ");
    EXPECT_EQ(in_bash("synchost watch k"), "k8s ");
    EXPECT_EQ(in_bash("KUBECONFIG=kubeconfig synchost completion z"), "zsh ");
}

TEST_F(Completion, OfFishInAFish) {
    EXPECT_EQ(in_fish("synchost status --v"),
              "--verify\tHash the synced files in every pod anew, and list those that differ from yours\n");
    EXPECT_EQ(in_fish("synchost watch --runtime p"), "podman\n");
    EXPECT_EQ(in_fish("synchost push todo-u"), "todo-ui\n");
    EXPECT_EQ(in_fish("synchost inject -f k8s/ap"), "k8s/app.yaml\n");
}

TEST_F(Completion, OfZshIsReadByAZsh) {
    EXPECT_EQ(
        run({"zsh", "-f", "-c",
             "autoload -U compinit && compinit -D -u && source <(synchost completion zsh) && print -r -- "
             "$_comps[synchost]"}),
        "_synchost\n");
}

}  // namespace
}  // namespace synchost::host
