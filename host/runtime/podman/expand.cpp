#include "host/runtime/podman/expand.hpp"

namespace synchost::host::podman {

std::string expand(std::string_view text, const Variables& variables) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] != '$' || at + 1 == text.size()) {
            out += text[at++];
            continue;
        }
        const char next = text[at + 1];
        const std::size_t close = next == '(' ? text.find(')', at + 2) : std::string_view::npos;
        if (close != std::string_view::npos) {
            const std::string_view whole = text.substr(at, close + 1 - at);
            const auto known = variables.find(std::string(whole.substr(2, whole.size() - 3)));
            out += known == variables.end() ? whole : std::string_view(known->second);
            at = close + 1;
        } else if (next == '$') {
            out += '$';
            at += 2;
        } else {
            out += text[at++];
        }
    }
    return out;
}

}  // namespace synchost::host::podman
