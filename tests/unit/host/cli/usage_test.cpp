#include "host/cli/usage.hpp"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace synchost::host {
namespace {

class Usage : public testing::Test {
  protected:
    Usage() : app("A program.", "synchost") {
        use_plain_help(app);
        app.require_subcommand(1);
        CLI::App* build = app.add_subcommand("build", "Build an image");
        build->add_option("context", context, "Folder to read");
        build->add_option("-t,--tag", tag, "Its name")->required();
        build->add_option("--compression", number, "Of layers")
            ->transform(CLI::CheckedTransformer(std::map<std::string, int>{{"gzip", 0}, {"zstd", 1}}));
        CLI::App* config = app.add_subcommand("config", "Of the file");
        config->require_subcommand(1);
        config->add_subcommand("schema", "Its schema");
    }
    // "message / next step" of a command line that is wrong.
    std::string wrong(std::vector<std::string> words) {
        std::ranges::reverse(words);  // as CLI11 takes them
        try {
            app.parse(std::move(words));
        } catch (const CLI::ParseError& error) {
            const Error out = describe_usage_error(app, error);
            EXPECT_EQ(out.code, Errc::invalid_input);
            return out.message + " / " + out.next_step;
        }
        return "was taken";
    }
    CLI::App app;
    std::string context;
    std::string tag;
    int number = 0;
};

TEST_F(Usage, AMistypedCommandNamesTheNearOne) {
    EXPECT_EQ(wrong({"biuld"}), "unknown command \"biuld\" / Did you mean build?");
    EXPECT_EQ(wrong({"deploy"}), "unknown command \"deploy\" / The commands are: build, config");
    EXPECT_EQ(wrong({"config", "shema"}), "config: unknown command \"shema\" / Did you mean schema?");
}

TEST_F(Usage, AMistypedOptionNamesTheNearOneThoughARequiredOneIsMissing) {
    EXPECT_EQ(wrong({"build", "--tga", "x"}), "build: unknown option \"--tga\" / Did you mean --tag?");
    EXPECT_EQ(wrong({"build", "-t", "x", "--tga=y"}),
              "build: unknown option \"--tga\" / Did you mean --tag?");
    EXPECT_EQ(wrong({"build", "-t", "x", "--whatever"}),
              "build: unknown option \"--whatever\" / See: synchost build --help");
    EXPECT_EQ(wrong({"--verison"}), "unknown option \"--verison\" / See: synchost --help");
}

TEST_F(Usage, WhatIsMissingOrTooMuchIsSaid) {
    EXPECT_EQ(wrong({}), "a command is missing / The commands are: build, config");
    EXPECT_EQ(wrong({"build"}), "build: --tag is required / See: synchost build --help");
    EXPECT_EQ(wrong({"build", "-t", "x", "a", "b"}),
              "build: unexpected argument \"b\" / See: synchost build --help");
}

TEST_F(Usage, AValueThatIsNoChoiceNamesTheChoices) {
    EXPECT_EQ(wrong({"build", "-t", "x", "--compression", "lzma"}),
              "build: --compression: must be one of gzip, zstd / See: synchost build --help");
}

TEST_F(Usage, ControlCharactersOfTheCommandLineDoNotReachTheTerminal) {
    EXPECT_EQ(wrong({"\x1b[2Jx"}), "unknown command \"\\x1b[2Jx\" / The commands are: build, config");
}

TEST_F(Usage, HelpShowsWhatValuesAreInPlaceOfTypes) {
    const std::string help = app.get_subcommand("build")->help();
    EXPECT_NE(help.find("--compression gzip|zstd"), std::string::npos) << help;
    EXPECT_NE(help.find("-t,--tag TEXT REQUIRED"), std::string::npos) << help;
    EXPECT_EQ(help.find("->"), std::string::npos) << help;
}

}  // namespace
}  // namespace synchost::host
