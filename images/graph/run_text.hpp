// What RUN runs: its three forms as words of a command, and what it prints as lines.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/dockerfile/parser.hpp"

namespace synchost::images {

struct RunCommand {
    std::vector<std::string> argv;
    std::string script;  // a heredoc that begins with "#!": the file at kScriptPath, which `argv` runs
};

inline constexpr std::string_view kScriptPath = ".synchost-script";  // relative to the root

//   RUN echo a           SHELL and the text
//   RUN ["echo", "a"]    the words
//   RUN <<EOF            the heredoc's text as a command, or as a program where it begins with "#!"
//   RUN cat <<EOF        the text with its heredocs behind it, for the shell
Result<RunCommand> run_command_of(const Instruction& instruction, const std::vector<std::string>& shell);

// Cuts output into lines for the terminal, without control characters, and keeps the last ones.
class OutputLines {
  public:
    static constexpr std::size_t kKept = 10;
    static constexpr std::size_t kMaxLineBytes = 4096;

    explicit OutputLines(std::function<void(const std::string&)> sink) : sink_(std::move(sink)) {}
    void write(std::string_view bytes);
    void finish();  // what came after the last line's end
    [[nodiscard]] const std::deque<std::string>& last() const { return last_; }

  private:
    void end_line();
    std::function<void(const std::string&)> sink_;
    std::string line_;
    std::deque<std::string> last_;
};

}  // namespace synchost::images
