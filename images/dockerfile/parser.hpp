// Dockerfile text as a list of instructions, as BuildKit's parser cuts it
// (moby/buildkit frontend/dockerfile/parser/parser.go, line_parsers.go, split_command.go). Words keep their
// quotes and variables: expansion depends on scopes that only the build knows (dockerfile/expand.hpp).
//
// Nothing is refused here for what it means: an instruction's own rules are the build's (graph/).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "images/dockerfile/heredoc.hpp"

namespace synchost::images {

struct Instruction {
    int line = 0;                    // where it starts, from 1
    int last_line = 0;               // where its continuation or its last heredoc ends
    std::string name;                // upper case: "COPY"
    std::vector<std::string> flags;  // "--from=build", in order, quotes processed
    // The rest, by the instruction's own rule: words (COPY), one string (WORKDIR, CMD's shell form), the
    // strings of a JSON array, or for ENV and LABEL name, value, and "=" ("" in the form `ENV name value`),
    // over and over. HEALTHCHECK has its type first; ONBUILD has none.
    std::vector<std::string> args;
    bool json = false;                 // the args (HEALTHCHECK: those after the type) were a JSON array
    std::string text;                  // the instruction as one line, for history and messages
    std::vector<Heredoc> heredocs;     // in the order of their words among the args
    std::vector<Instruction> trigger;  // of ONBUILD: the one instruction that it keeps, its heredocs with it
};

struct Dockerfile {
    std::string name;  // as messages name it: "Dockerfile"
    char escape = '\\';
    std::string
        syntax;  // the directive's value: the frontend that the file asks for; "" where it asks for none
    std::vector<Instruction> instructions;

    // "Dockerfile:7: what"
    [[nodiscard]] std::string at(int line, std::string_view what) const;
};

inline constexpr std::size_t kMaxDockerfileBytes = std::size_t{1} << 20;

// Untrusted text. Errors are invalid_input and start with "NAME:LINE: ".
Result<Dockerfile> parse_dockerfile(std::string_view text, std::string_view name);

// The text of an ONBUILD trigger, as an image's config keeps it: one instruction, with its heredocs. `line`
// is the line of the FROM that brought it. Errors come without the line.
Result<Instruction> parse_trigger(std::string_view text, int line);

// What an image's config keeps of an ONBUILD: the trigger's text and its heredocs.
std::string trigger_text(const Instruction& trigger);

}  // namespace synchost::images
