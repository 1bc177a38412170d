// Dockerfile text as a list of instructions, as BuildKit's parser cuts it
// (moby/buildkit frontend/dockerfile/parser/parser.go, line_parsers.go, split_command.go). Words keep their
// quotes and variables: expansion depends on scopes that only the build knows (dockerfile/expand.hpp).
//
// A heredoc is recognised, so that its text is never taken for instructions, and refused.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace synchost::images {

struct Instruction {
    int line = 0;                    // where it starts, from 1
    int last_line = 0;               // where its continuation ends
    std::string name;                // upper case: "COPY"
    std::vector<std::string> flags;  // "--from=build", in order, quotes processed
    // The rest, by the instruction's own rule: words (COPY), one string (WORKDIR, CMD's shell form), the
    // strings of a JSON array, or for ENV and LABEL name, value, and "=" ("" in the form `ENV name value`),
    // over and over.
    std::vector<std::string> args;
    bool json = false;  // the args were a JSON array
    std::string text;   // the instruction as one line, for history and messages
};

struct Dockerfile {
    std::string name;  // as messages name it: "Dockerfile"
    char escape = '\\';
    std::vector<Instruction> instructions;

    // "Dockerfile:7: what"
    [[nodiscard]] std::string at(int line, std::string_view what) const;
};

inline constexpr std::size_t kMaxDockerfileBytes = std::size_t{1} << 20;

// Untrusted text. Errors are invalid_input (unsupported for heredocs) and start with "NAME:LINE: ".
Result<Dockerfile> parse_dockerfile(std::string_view text, std::string_view name);

}  // namespace synchost::images
