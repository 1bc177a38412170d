// The parser and the lexer against BuildKit's own test data, in the folder SYNCHOST_CONFORMANCE of the
// environment or of CMake. Skips, and says so, where it is absent.
#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "images/dockerfile/expand.hpp"
#include "images/dockerfile/parser.hpp"
#include "images/dockerfile/words.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;

fs::path data_folder() {
    const char* given = std::getenv("SYNCHOST_CONFORMANCE");
    return given != nullptr ? given : SYNCHOST_CONFORMANCE_FOLDER;
}

std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<fs::path> folders(const fs::path& in) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(in)) out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
}

std::string trim_end(std::string text) {
    while (!text.empty() && is_blank(text.back())) text.pop_back();
    return text;
}

// As Go's %q: characters beyond ASCII as they are.
std::string go_quoted(std::string_view text) {
    static const std::map<char, std::string_view> kNamed = {
        {'"', "\\\""}, {'\\', "\\\\"}, {'\t', "\\t"}, {'\n', "\\n"},   {'\r', "\\r"},    {'\b', "\\b"},
        {'\f', "\\f"}, {'\v', "\\v"},  {'\a', "\\a"}, {'\0', "\\x00"}, {'\x7f', "\\x7f"}};
    std::string out = "\"";
    for (const char c : text) {
        const auto named = kNamed.find(c);
        out += named == kNamed.end() ? std::string_view(&c, 1) : named->second;
    }
    return out + '"';
}

std::string expression(const Instruction& instruction) {
    std::string out = "(";
    for (const char c : instruction.name) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (!instruction.flags.empty()) {
        out += " [";
        for (const std::string& flag : instruction.flags)
            out += std::string(out.ends_with('[') ? "" : " ") + go_quoted(flag);
        out += "]";
    }
    for (const Instruction& trigger : instruction.trigger) out += " " + expression(trigger);
    for (const std::string& arg : instruction.args) out += " " + go_quoted(arg);
    return out + ")";
}

class Conformance : public testing::Test {
  protected:
    void SetUp() override {
        if (!fs::is_directory(data_folder()))
            GTEST_SKIP() << "no test data in " << data_folder() << ": set SYNCHOST_CONFORMANCE";
    }
};

TEST_F(Conformance, ParserGivesTheSameTrees) {
    std::size_t files = 0;
    std::size_t lines = 0;
    for (const fs::path& folder : folders(data_folder() / "dockerfile-parser/testfiles")) {
        const auto parsed = parse_dockerfile(contents(folder / "Dockerfile"), "Dockerfile");
        ASSERT_OK(parsed) << folder;
        std::string tree;
        for (const Instruction& instruction : parsed->instructions) tree += expression(instruction) + "\n";
        EXPECT_EQ(tree, trim_end(contents(folder / "result")) + "\n") << folder;
        ++files;
        lines += parsed->instructions.size();
    }
    std::cout << "parser: " << files << " files, " << lines << " instructions compared\n";
    EXPECT_GE(files, 33u);
}

TEST_F(Conformance, ParserRefusesWhatMustBeRefused) {
    std::size_t files = 0;
    for (const fs::path& folder : folders(data_folder() / "dockerfile-parser/testfiles-negative")) {
        EXPECT_ERROR(parse_dockerfile(contents(folder / "Dockerfile"), "Dockerfile"), Errc::invalid_input,
                     "Dockerfile:")
            << folder;
        ++files;
    }
    std::cout << "parser: " << files << " files refused\n";
    EXPECT_GE(files, 4u);
}

TEST_F(Conformance, ParserCountsTheSameLines) {
    const auto parsed = parse_dockerfile(
        contents(data_folder() / "dockerfile-parser/testfile-line/Dockerfile"), "Dockerfile");
    ASSERT_OK(parsed);
    std::vector<std::pair<int, int>> lines;
    for (const Instruction& instruction : parsed->instructions)
        lines.emplace_back(instruction.line, instruction.last_line);
    EXPECT_THAT(lines, testing::ElementsAre(std::pair(5, 5), std::pair(11, 12), std::pair(17, 31)));
    std::cout << "parser: " << lines.size() << " instructions' lines compared\n";
}

// "a | b | c": the fields, without blanks around them.
std::vector<std::string> fields(const std::string& line) {
    std::vector<std::string> out;
    std::istringstream in(line + "|");
    for (std::string field; std::getline(in, field, '|');) out.emplace_back(trim_blanks(field));
    return out;
}

TEST_F(Conformance, LexerExpandsTheSameWords) {
    const std::map<std::string, std::string, std::less<>> environment = {
        {"PWD", "/home"}, {"SHELL", "bash"}, {"KOREAN", "한국어"}, {"NULL", ""}};
    const Variables variables = [&](std::string_view name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
    };
    std::ifstream in(data_folder() / "dockerfile-lexer/envVarTest");
    std::array<std::size_t, 2> compared{};
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('#') || trim_blanks(line).empty()) continue;
        const std::vector<std::string> parts = fields(line);
        ASSERT_EQ(parts.size(), 3u) << line;
        ASSERT_THAT(parts[0], testing::AnyOf("A", "U", "W"));
        if (parts[0] == "W") continue;
        EXPECT_EQ(expand(parts[1], variables, '\\').value_or("error"), parts[2]) << line;
        ++compared[parts[0] == "A" ? 0 : 1];
    }
    std::cout << "lexer: " << compared[0] << " lines A and " << compared[1] << " lines U compared\n";
    EXPECT_GE(compared[0] + compared[1], 200u);
}

TEST_F(Conformance, LexerCutsTheSameWords) {
    std::map<std::string, std::string, std::less<>> environment;
    const Variables variables = [&](std::string_view name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
    };
    std::ifstream in(data_folder() / "dockerfile-lexer/wordsTest");
    std::size_t compared = 0;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('#')) continue;
        if (line.starts_with("ENV ")) {
            const std::size_t equals = line.find('=');
            environment[line.substr(4, equals - 4)] = line.substr(equals + 1);
            continue;
        }
        const std::size_t bar = line.find('|');
        ASSERT_NE(bar, std::string::npos) << line;
        std::vector<std::string> expected;
        std::istringstream words(line.substr(std::min(line.find_first_not_of(' ', bar + 1), line.size())));
        for (std::string word; std::getline(words, word, ',');) expected.push_back(word);
        EXPECT_EQ(expand_words(trim_blanks(line.substr(0, bar)), variables, '\\')
                      .value_or(std::vector<std::string>{"error"}),
                  expected)
            << line;
        ++compared;
    }
    std::cout << "lexer: " << compared << " lines of words compared\n";
    EXPECT_GE(compared, 20u);
}

}  // namespace
}  // namespace synchost::images
