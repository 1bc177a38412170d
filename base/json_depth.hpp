// How deep a JSON text nests, told before it is parsed: nlohmann/json has no bound of its own.
#pragma once

#include <cstddef>
#include <string_view>

namespace synchost {

// True where lists and objects lie in one another more than `most` levels deep. Of a text that is no JSON it
// says something all the same.
[[nodiscard]] inline bool nested_deeper(std::string_view json, std::size_t most) {
    std::size_t depth = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_text) {
            if (c == '\\') ++i;
            in_text = c != '"';
        } else if (c == '"') {
            in_text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > most) return true;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0 ? 1 : 0;
        }
    }
    return false;
}

}  // namespace synchost
