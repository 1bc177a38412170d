#include "host/logs/masker.hpp"

#include <algorithm>
#include <set>

#include "base/lines.hpp"

namespace synchost::host {
namespace {

constexpr std::string_view kMask = "[masked]";
constexpr std::size_t kMinLineBytes = 8;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

Masker::Masker(const std::vector<std::string>& values) {
    std::set<std::string> known;
    for (const std::string& value : values) {
        const std::vector<std::string_view> lines = lines_of(trimmed(value));
        const std::size_t least = lines.size() == 1 ? kMinSecretBytes : kMinLineBytes;
        for (const std::string_view line : lines) {
            const std::string_view part = trimmed(line);
            if (part.size() >= least && (lines.size() == 1 || !part.starts_with("-----")))
                known.emplace(part);
        }
    }
    values_.assign(known.begin(), known.end());
    for (const std::string& value : values_) begins_[static_cast<unsigned char>(value.front())] = true;
}

std::string Masker::masked(std::string_view text) const {
    std::string out;
    std::size_t end_of_mask = 0;  // up to here the text is in `out`, or masked
    std::size_t plain = 0;        // likewise, but for a mask that may still grow
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!begins_[static_cast<unsigned char>(text[at])]) continue;
        std::size_t end = 0;
        for (const std::string& value : values_) {
            if (text.substr(at).starts_with(value)) end = std::max(end, at + value.size());
        }
        if (end == 0) continue;
        if (at > end_of_mask || end_of_mask == 0) {
            out += text.substr(plain, at - plain);
            out += kMask;
        }
        end_of_mask = std::max(end_of_mask, end);
        plain = end_of_mask;
    }
    out += text.substr(plain);
    return out;
}

}  // namespace synchost::host
