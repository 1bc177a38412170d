// The ids of /etc/subuid and /etc/subgid that are a user's to give out (subuid(5)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::images {

struct IdRange {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    bool operator==(const IdRange&) const = default;
};

// Of the user, by name or by number, in the file's order; lines that say nothing are passed over.
std::vector<IdRange> parse_id_ranges(std::string_view file, std::string_view name, std::uint32_t uid);

// For newuidmap and newgidmap, after the process: 0 is `own`, and from 1 on come the ranges.
std::vector<std::string> id_map(std::uint32_t own, const std::vector<IdRange>& ranges);

}  // namespace synchost::images
