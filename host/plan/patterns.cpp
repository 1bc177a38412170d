#include "host/plan/patterns.hpp"

#include <algorithm>
#include <utility>

#include "images/context/glob.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kMaxPatternBytes = 4095;
constexpr std::size_t kMaxPatterns = 1'000;

// What is wrong with a pattern without its "!", or nullptr.
const char* fault_of(std::string_view pattern) {
    if (pattern.size() > kMaxPatternBytes) return "is longer than 4095 bytes";
    if (pattern.starts_with('/')) return "is absolute";
    if (std::ranges::any_of(pattern, [](unsigned char c) { return c < 0x20 || c == 0x7F; })) {
        return "has a control character";
    }
    bool names_something = false;
    for (std::size_t start = 0; start < pattern.size();) {
        const std::size_t end = std::min(pattern.find('/', start), pattern.size());
        const std::string_view part = pattern.substr(start, end - start);
        if (part == "..") return "leads out of the folder (\"..\")";
        names_something = names_something || (!part.empty() && part != ".");
        start = end + 1;
    }
    if (!names_something) return "is empty";
    return images::check_glob(pattern) ? nullptr : "has a [ without its ], an empty [ ], or a \\ at its end";
}

}  // namespace

Result<> PathPatterns::add(std::string_view pattern) {
    if (texts_.size() == kMaxPatterns) return fail(Errc::invalid_input, "comes after 1,000 others");
    const bool takes_back = pattern.starts_with('!');
    const std::string_view bare = pattern.substr(takes_back ? 1 : 0);
    if (bare.starts_with(' ') || bare.ends_with(' '))
        return fail(Errc::invalid_input, "begins or ends with a blank");
    if (const char* fault = fault_of(bare)) return fail(Errc::invalid_input, fault);
    // In a file, a line that begins with '#' is a comment, and one with "!!" takes back "!...".
    const bool escape = bare.starts_with('#') || bare.starts_with('!');
    file_ += std::string(takes_back ? "!" : "") + (escape ? "\\" : "") + std::string(bare) + '\n';
    texts_.emplace_back(pattern);
    TRY_ASSIGN(rules_, images::IgnoreRules::parse(file_, "patterns"));
    return {};
}

}  // namespace synchost::host
