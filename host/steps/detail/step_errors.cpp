#include "host/steps/detail/step_errors.hpp"

#include <string.h>

#include "base/rel_path.hpp"

namespace synchost::host::detail {
namespace {

constexpr std::size_t kLines = 10;
constexpr std::size_t kLineBytes = 500;

}  // namespace

void LastLines::add(std::string_view line) {
    if (lines_.size() == kLines) lines_.pop_front();
    lines_.push_back(printable(line.substr(0, kLineBytes)) + (line.size() > kLineBytes ? "..." : ""));
}

std::string text_of(const StepEnd& end) {
    if (end.signal == 0) return "exit code " + std::to_string(end.exit_code);
    const char* name = ::sigabbrev_np(end.signal);
    return "signal " + (name != nullptr ? std::string(name) : std::to_string(end.signal));
}

Error step_error(const StepConfig& step, Errc code, const std::string& why, const LastLines& last,
                 std::string next_step) {
    Error out{code, "step " + step.name + ": " + why, 0, std::move(next_step)};
    for (const std::string& line : last.lines()) out.message += "\n    " + line;
    return out;
}

Error start_error(const StepConfig& step, Error cause) {
    if (cause.code == Errc::not_found) {
        cause.next_step = "Is it installed? The step runs without a shell; write [sh, -c, \"...\"] for one";
    }
    return std::move(cause).context("step " + step.name);
}

}  // namespace synchost::host::detail
