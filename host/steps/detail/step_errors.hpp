// What a user reads when a step fails: "step bundle: exit code 1", its last lines below, and what to do.
// Pure.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "host/plan/step_config.hpp"
#include "host/steps/detail/step_process.hpp"

namespace synchost::host::detail {

// The last lines of a program's output, made printable and cut, for its error.
class LastLines {
  public:
    void add(std::string_view line);
    [[nodiscard]] const std::deque<std::string>& lines() const { return lines_; }

  private:
    std::deque<std::string> lines_;
};

// "exit code 1", "signal KILL".
[[nodiscard]] std::string text_of(const StepEnd& end);

// "step bundle: <why>" with the lines below.
[[nodiscard]] Error step_error(const StepConfig& step, Errc code, const std::string& why,
                               const LastLines& last, std::string next_step);

// Of a program that could not be started.
[[nodiscard]] Error start_error(const StepConfig& step, Error cause);

}  // namespace synchost::host::detail
