// A text of several lines as its lines.
#pragma once

#include <string_view>
#include <vector>

namespace synchost {

// At least one; views into `text`, without the newlines. "a\n" is "a" and "".
[[nodiscard]] inline std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (;;) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return lines;
        text.remove_prefix(end + 1);
    }
}

}  // namespace synchost
