// How many columns of a terminal a text takes. No table of Unicode's widths is asked, as terminals and
// tables disagree, but bounds are given that hold for all of them: below U+0300 one column for each code
// point, from there to U+10FF none (a mark that combines) or one, from U+1100 on none, one or two. Who cuts
// a text so that it fits takes the greater number; who counts the rows that it filled takes the smaller one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace synchost::host {

struct Cells {
    std::size_t least = 0;
    std::size_t most = 0;
    bool operator==(const Cells&) const = default;
};

// Of UTF-8 without control characters other than the sequences CSI ... m that colour it, which take none.
[[nodiscard]] Cells cells_of(std::string_view text);

// At most `room` columns of `text`, which holds no sequences: where it is longer it ends with "…". Code
// points stay whole.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t room);

}  // namespace synchost::host
