#include "host/runtime/podman/log_line.hpp"

#include <algorithm>
#include <utility>

#include "base/timestamp.hpp"

namespace synchost::host::podman {
namespace {

std::optional<std::string_view> next_word(std::string_view& rest) {
    const std::size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    const std::string_view word = rest.substr(0, blank);
    rest.remove_prefix(blank + 1);
    return word;
}

}  // namespace

void LogLines::take(std::string_view record, std::vector<ContainerLine>& out) {
    const auto time = next_word(record);
    const auto stream = next_word(record);
    auto flags = next_word(record);
    if (!time || !stream) return;
    if (!flags) {  // an empty line may lack the blank after its flag
        flags = record;
        record = {};
    }
    const bool error_stream = *stream == "stderr";
    if ((!error_stream && *stream != "stdout") || (*flags != "F" && *flags != "P")) return;
    const std::int64_t time_ns = parse_timestamp_ns(*time).value_or(0);
    std::string& partial = partial_[error_stream ? 1 : 0];
    partial.append(record);
    while (partial.size() > kMaxLineBytes) {
        out.push_back({partial.substr(0, kMaxLineBytes), error_stream, time_ns});
        partial.erase(0, kMaxLineBytes);
    }
    if (*flags == "F") out.push_back({std::exchange(partial, {}), error_stream, time_ns});
}

std::vector<ContainerLine> LogLines::feed(std::string_view bytes) {
    std::vector<ContainerLine> out;
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::size_t room = 2 * kMaxLineBytes - std::min(record_.size(), 2 * kMaxLineBytes);
        record_.append(bytes.substr(0, std::min(end, room)));
        if (end == std::string_view::npos) break;
        take(record_, out);
        record_.clear();
        bytes.remove_prefix(end + 1);
    }
    return out;
}

}  // namespace synchost::host::podman
