#include "images/rootless/id_ranges.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace synchost::images {
namespace {

constexpr std::size_t kMaxRanges = 300;  // the kernel takes 340 lines
constexpr std::uint64_t kLastId = 0xFFFFFFFE;

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::vector<IdRange> parse_id_ranges(std::string_view file, std::string_view name, std::uint32_t uid) {
    const std::string own = std::to_string(uid);
    std::vector<IdRange> out;
    std::uint64_t sum = 1;
    while (!file.empty() && out.size() < kMaxRanges) {
        const std::string_view line = file.substr(0, file.find('\n'));
        file.remove_prefix(std::min(line.size() + 1, file.size()));
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) continue;
        const std::string_view who = line.substr(0, first);
        if (who.empty() || (who != name && who != own)) continue;
        const auto start = number(line.substr(first + 1, second - first - 1));
        const auto count = number(line.substr(second + 1));
        if (!start || !count || *count == 0 || std::uint64_t{*start} + *count - 1 > kLastId) continue;
        if (sum + *count > kLastId) break;
        sum += *count;
        out.push_back({*start, *count});
    }
    return out;
}

std::vector<std::string> id_map(std::uint32_t own, const std::vector<IdRange>& ranges) {
    std::vector<std::string> out = {"0", std::to_string(own), "1"};
    std::uint64_t inside = 1;
    for (const IdRange& range : ranges) {
        out.insert(out.end(),
                   {std::to_string(inside), std::to_string(range.first), std::to_string(range.count)});
        inside += range.count;
    }
    return out;
}

}  // namespace synchost::images
