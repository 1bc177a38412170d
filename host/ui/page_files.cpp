#include "host/ui/page_files.hpp"

#include <algorithm>

#include "base/digest.hpp"

namespace synchost::host::ui {
namespace {

constexpr std::string_view kRoomForToken = R"(<meta name="synchost-token" content=")";
constexpr std::size_t kEtagDigits = 32;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t";
    const std::size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
    return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

}  // namespace

const PageFile* find_page_file(std::span<const PageFile> files, std::string_view path) {
    const auto found = std::ranges::find(files, path, &PageFile::path);
    return found == files.end() ? nullptr : &*found;
}

std::string with_token(std::string_view index_html, std::string_view token) {
    std::string out(index_html);
    const std::size_t room = out.find(kRoomForToken);
    if (room != std::string::npos) out.insert(room + kRoomForToken.size(), token);
    return out;
}

std::string etag_of(std::string_view content) {
    return '"' + sha256(content).hex().substr(0, kEtagDigits) + '"';
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
    if (trimmed(if_none_match) == "*") return true;
    // No tag of ours has a comma in it.
    while (!if_none_match.empty()) {
        const std::string_view item = if_none_match.substr(0, if_none_match.find(','));
        if_none_match.remove_prefix(std::min(if_none_match.size(), item.size() + 1));
        std::string_view tag = trimmed(item);
        if (tag.starts_with("W/")) tag.remove_prefix(2);
        if (tag == etag) return true;
    }
    return false;
}

}  // namespace synchost::host::ui
