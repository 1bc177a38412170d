#include "host/view/cells.hpp"

#include <cstdint>

namespace synchost::host {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
constexpr std::uint32_t kEllipsisPoint = 0x2026;
constexpr std::uint32_t kFirstCombining = 0x0300;
constexpr std::uint32_t kFirstWide = 0x1100;

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t bytes = 1;
};

// Of valid UTF-8; a byte that is no part of it counts for itself.
CodePoint first_of(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t bytes = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (bytes == 1 || bytes > text.size()) return {lead, 1};
    std::uint32_t value = lead & (0xFFU >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i)
        value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
    return {value, bytes};
}

Cells cells_of(std::uint32_t point) {
    if (point < kFirstCombining || point == kEllipsisPoint) return {1, 1};
    return {0, point < kFirstWide ? std::size_t{1} : std::size_t{2}};
}

// The length of the sequence CSI ... m that begins here, or 0.
std::size_t colour_at(std::string_view text) {
    if (!text.starts_with("\x1b[")) return 0;
    const std::size_t end = text.find('m');
    return end == std::string_view::npos ? 0 : end + 1;
}

}  // namespace

Cells cells_of(std::string_view text) {
    Cells out;
    while (!text.empty()) {
        if (const std::size_t skipped = colour_at(text); skipped > 0) {
            text.remove_prefix(skipped);
            continue;
        }
        const CodePoint point = first_of(text);
        const Cells own = cells_of(point.value);
        out.least += own.least;
        out.most += own.most;
        text.remove_prefix(point.bytes);
    }
    return out;
}

std::string cut_to(std::string_view text, std::size_t room) {
    std::size_t used = 0;
    std::size_t fits = 0;  // bytes that leave a column for the ellipsis
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = first_of(text.substr(at));
        used += cells_of(point.value).most;
        if (used > room)
            return room == 0 ? std::string() : std::string(text.substr(0, fits)).append(kEllipsis);
        at += point.bytes;
        if (used < room) fits = at;
    }
    return std::string(text);
}

}  // namespace synchost::host
