// The agent's command line, word by word. Own code, because a parser library costs more than the agent may
// weigh.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::agent {

class Arguments {
  public:
    explicit Arguments(std::span<char*> words) : words_(words) {}

    // The next word before "--", or nullopt at "--" or at the end.
    std::optional<std::string_view> next();
    // The value of option `name`: the word that follows it.
    Result<std::string> value_of(std::string_view name);
    // All words after "--".
    [[nodiscard]] std::vector<std::string> rest() const;

  private:
    std::span<char*> words_;
    std::size_t at_ = 0;
};

// "5000ms", "5s", "0" or a plain number of milliseconds; at most a day.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
Result<std::uint16_t> parse_port(std::string_view text);  // 1 to 65535
Result<std::uint32_t> parse_number(std::string_view text);

std::unexpected<Error> unknown_option(std::string_view word);

// Exit codes of the agent, beside those that an app gives to `run`.
enum class ExitCode : int { ok = 0, failed = 1, usage = 2 };

// The commands; `words` begin after the command's own name. Each returns the process's exit code; an Error is
// printed and becomes 2 for invalid_input, else 1.
Result<int> run_command_line(Arguments words);
Result<int> serve_command_line(Arguments words);
Result<int> check_command_line(Arguments words);
Result<int> probe_command_line(Arguments words);
Result<int> install_command_line(Arguments words);
Result<int> seed_command_line(Arguments words);

}  // namespace synchost::agent
