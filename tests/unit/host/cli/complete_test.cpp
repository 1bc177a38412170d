#include "host/cli/complete.hpp"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>
#include <filesystem>

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A program like ours, in CLI11's own terms.
class Complete : public testing::Test {
  protected:
    Complete() : app("A program.", "synchost") {
        CLI::App* build = app.add_subcommand("build", "Build an image\nin two lines");
        build->add_option("context", text, "Folder to read")->type_name("FOLDER");
        build->add_option("-t,--tag", text, "Its name");
        build->add_option("--file", text, "Dockerfile")->check(CLI::ExistingFile);
        build->add_option("--arg", texts, "NAME=value")->allow_extra_args(false);
        build->add_flag("--push", flag, "Push it");
        build->add_option("--compression", number, "Of layers")
            ->transform(CLI::CheckedTransformer(std::map<std::string, int>{{"gzip", 0}, {"zstd", 1}}));
        build->add_option("--context", text, "Of the kubeconfig")->type_name("CONTEXT");
        app.add_subcommand("bundle", "Hidden")->group("");
        CLI::App* push = app.add_subcommand("push", "Push an image");
        push->add_option("image", text, "Its name")->type_name("IMAGE");
        push->add_option("file", text, "Where to")->type_name("FILE");
        push->add_option("--profile", texts, "Of synchost.yaml")
            ->type_name("PROFILE")
            ->allow_extra_args(false);
    }
    Candidates at(std::vector<std::string> words) {
        return complete(command_table(app), words, [](std::string_view kind) {
            return kind == "IMAGE"     ? std::vector<std::string>{"api", "ui"}
                   : kind == "PROFILE" ? std::vector<std::string>{"debug", "fast"}
                                       : std::vector<std::string>{"k3d-dev", "kind-dev"};
        });
    }
    std::vector<std::string> words_at(std::vector<std::string> words) {
        std::vector<std::string> out;
        for (const Candidate& candidate : at(std::move(words)).words) out.push_back(candidate.word);
        return out;
    }
    CLI::App app;
    std::string text;
    std::vector<std::string> texts;
    bool flag = false;
    int number = 0;
};

TEST_F(Complete, CommandsByTheirBeginningWithTheirFirstLine) {
    EXPECT_THAT(at({"bu"}).words, ElementsAre(Candidate{"build", "Build an image"}));
    EXPECT_THAT(words_at({""}), ElementsAre("build", "push"));
    EXPECT_THAT(words_at({"x"}), IsEmpty());
}

TEST_F(Complete, OptionsOfTheCommandThatWereNotGivenYet) {
    EXPECT_THAT(words_at({"build", "--"}),
                ElementsAre("--help", "--tag", "--file", "--arg", "--push", "--compression", "--context"));
    EXPECT_THAT(words_at({"build", "-t", "x", "--push", "--arg", "A=1", "--context=a", "--"}),
                ElementsAre("--help", "--file", "--arg", "--compression"));
    EXPECT_THAT(words_at({"build", "--co"}), ElementsAre("--compression", "--context"));
    EXPECT_THAT(words_at({"--"}), ElementsAre("--help"));
}

TEST_F(Complete, ValuesByWhatTheyAre) {
    EXPECT_EQ(at({"build", "--file", ""}).paths, PathKind::files);
    EXPECT_EQ(at({"build", ""}).paths, PathKind::folders);
    EXPECT_THAT(words_at({"build", "--compression", ""}), ElementsAre("gzip", "zstd"));
    EXPECT_THAT(words_at({"build", "--compression=z"}), ElementsAre("--compression=zstd"));
    EXPECT_THAT(words_at({"build", "--context", "k3"}), ElementsAre("k3d-dev"));
    EXPECT_THAT(words_at({"push", ""}), ElementsAre("api", "ui"));
    EXPECT_THAT(words_at({"push", "--profile", "d"}), ElementsAre("debug"));
    EXPECT_THAT(words_at({"push", "--profile=debug", "--profile="}),
                ElementsAre("--profile=debug", "--profile=fast"));
    EXPECT_EQ(at({"push", "api", ""}).paths, PathKind::files);
}

TEST_F(Complete, NothingWhereNothingFits) {
    EXPECT_THAT(words_at({"build", "--tag", ""}), IsEmpty());
    EXPECT_EQ(at({"build", "--tag", ""}).paths, PathKind::none);
    EXPECT_EQ(at({"build", ".", ""}).paths, PathKind::none) << "it takes one folder";
    EXPECT_THAT(words_at({"build", "--push=x"}), IsEmpty());
    EXPECT_THAT(words_at({"build", "--nothing=x"}), IsEmpty());
    EXPECT_THAT(words_at({"build", "--", "--t"}), IsEmpty()) << "options have ended";
    EXPECT_THAT(words_at({}), IsEmpty());
}

TEST_F(Complete, TheAnswerIsOneLineForEachCandidate) {
    EXPECT_EQ(format_candidates(at({"bu"})), ":none\nbuild\tBuild an image\n");
    EXPECT_EQ(format_candidates({PathKind::files, {{"a\nb", "c\td"}}}), ":files\na\\x0ab\tc\\x09d\n");
}

TEST(CompletionScript, IsThereForThreeShells) {
    for (const char* shell : {"bash", "zsh", "fish"})
        EXPECT_THAT(std::string(completion_script(shell)), testing::HasSubstr(std::string(kCompleteCommand)));
    EXPECT_EQ(completion_script("csh"), "");
}

}  // namespace
}  // namespace synchost::host
