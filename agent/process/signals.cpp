#include "agent/process/signals.hpp"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/file.hpp"

namespace synchost::agent {
namespace {

constexpr std::size_t kMaxStatusBytes = std::size_t{64} << 10;

// The mask after "SigCgt:\t", bit n - 1 for signal n.
std::optional<std::uint64_t> mask_of(std::string_view status, std::string_view field) {
    std::size_t at = status.starts_with(field) ? 0 : status.find("\n" + std::string(field));
    if (at == std::string_view::npos) return std::nullopt;
    status.remove_prefix(status.find(':', at) + 1);
    while (status.starts_with('\t') || status.starts_with(' ')) status.remove_prefix(1);
    std::uint64_t mask = 0;
    const auto [end, error] = std::from_chars(status.data(), status.data() + status.size(), mask, 16);
    return error == std::errc() ? std::optional(mask) : std::nullopt;
}

// signal(7)
bool ends_by_default(int number) {
    static constexpr std::array kHarmless{SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP,
                                          SIGTTIN, SIGTTOU, SIGURG,  SIGWINCH};
    return std::ranges::find(kHarmless, number) == kHarmless.end();
}

}  // namespace

std::string name_of_signal(int number) {
    const char* name = ::sigabbrev_np(number);
    return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(number);
}

bool ends_by(std::string_view status, int number) {
    if (!ends_by_default(number)) return false;
    const std::uint64_t bit = std::uint64_t{1} << (number - 1);
    bool seen = false;
    for (const std::string_view field : {"SigCgt:", "SigIgn:", "SigBlk:"}) {
        const auto mask = mask_of(status, field);
        if (!mask) continue;
        seen = true;
        if ((*mask & bit) != 0) return false;
    }
    return seen;
}

bool would_end_by(pid_t pid, int number) {
    const auto status = read_file("/proc/" + std::to_string(pid) + "/status", kMaxStatusBytes);
    return status && ends_by(*status, number);
}

}  // namespace synchost::agent
