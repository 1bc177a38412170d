#include "host/cli/cache_limit.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/rel_path.hpp"

namespace synchost::host {
namespace {

constexpr std::uint64_t kDefaultLimit = 20'000'000'000;
constexpr std::uint64_t kPartOfDisk = 10;
constexpr double kMaxBytes = 1e18;
constexpr const char* kVariable = "SYNCHOST_CACHE_LIMIT";

// The factor of "", "B", "k", "KB", "KiB", and so on, whatever the case; 0 where it is no unit.
double factor_of(std::string unit) {
    std::ranges::transform(unit, unit.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    if (unit.empty() || unit == "b") return 1;
    const std::size_t power = std::string_view("kmgt").find(unit[0]);
    if (power == std::string_view::npos) return 0;
    const std::string rest = unit.substr(1);
    if (rest != "" && rest != "b" && rest != "ib") return 0;
    return std::pow(rest == "ib" ? 1024.0 : 1000.0, static_cast<double>(power + 1));
}

}  // namespace

Result<std::uint64_t> parse_byte_size(std::string_view text) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    const double bytes = error == std::errc{} ? number * factor_of(std::string(unit)) : -1;
    const bool is_zero = error == std::errc{} && number == 0 && factor_of(std::string(unit)) > 0;
    if (!(bytes >= 1 || is_zero) || bytes > kMaxBytes) {
        return fail(Errc::invalid_input, printable(text.substr(0, 60)) + " is no size",
                    "Write a number and a unit: 5GB, 512MiB.");
    }
    return static_cast<std::uint64_t>(bytes);
}

std::uint64_t default_cache_limit(const std::filesystem::path& store) {
    std::error_code ignored;
    std::filesystem::path at = store;
    while (!at.empty() && at != at.parent_path() && !std::filesystem::exists(at, ignored))
        at = at.parent_path();
    struct statvfs disk{};
    if (::statvfs(at.c_str(), &disk) != 0) return kDefaultLimit;
    return std::min(kDefaultLimit, std::uint64_t{disk.f_blocks} * disk.f_frsize / kPartOfDisk);
}

Result<std::optional<std::uint64_t>> choose_cache_limit(const std::string& option,
                                                        const std::filesystem::path& store) {
    const char* variable = std::getenv(kVariable);
    std::string text = option;
    if (text.empty() && variable != nullptr) text = variable;
    if (text.empty()) return default_cache_limit(store);
    if (text == "none") return std::nullopt;
    auto size = parse_byte_size(text);
    if (!size)
        return std::unexpected(std::move(size.error()).context(option.empty() ? kVariable : "--cache-limit"));
    return *size;
}

}  // namespace synchost::host
