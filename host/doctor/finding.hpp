// What `synchost doctor` says of one part of the machine: a verdict, what was measured, and what mends it.
// Pure; the probes (host/doctor/probes.hpp) make findings of measurements.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace synchost::host {

enum class Verdict : std::uint8_t {
    ok,
    warning,  // works, but a part of it will not, or not for long
    problem,  // `synchost watch` will fail by this
};

struct Finding {
    std::string part;  // "inotify"
    Verdict verdict = Verdict::ok;
    std::string measured;  // one line
    std::string mend;      // a command or a sentence; empty where nothing is to be mended
};

[[nodiscard]] std::string_view to_string(Verdict verdict);
[[nodiscard]] bool has_problem(std::span<const Finding> findings);

// A line for each, what mends it below it, and a line with the sum.
std::string findings_text(std::span<const Finding> findings);
// {"ok": bool, "findings": [{"part", "verdict", "measured", "mend"}]}, one line.
std::string findings_json(std::span<const Finding> findings);

}  // namespace synchost::host
