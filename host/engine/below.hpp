// Paths as strings: compared component by component, a hundred thousand of them take seconds.
#pragma once

#include <optional>
#include <string>

namespace synchost::host {

// The part of the path below the folder `top`, or nothing where it does not lie there.
inline std::optional<std::string> below(const std::string& whole, const std::string& top) {
    if (whole.size() <= top.size() + 1 || !whole.starts_with(top) || whole[top.size()] != '/')
        return std::nullopt;
    return whole.substr(top.size() + 1);
}

}  // namespace synchost::host
