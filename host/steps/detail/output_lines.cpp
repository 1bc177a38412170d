#include "host/steps/detail/output_lines.hpp"

#include <algorithm>
#include <utility>

namespace synchost::host::detail {

void OutputLines::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        // The newline right after a full piece ends that line, and makes no empty one.
        if (std::exchange(cut_, false) && bytes.front() == '\n') {
            bytes.remove_prefix(1);
            continue;
        }
        const std::size_t end = bytes.find('\n');
        const std::size_t take = std::min({end, bytes.size(), kMaxStepLineBytes - partial_.size()});
        partial_.append(bytes.substr(0, take));
        bytes.remove_prefix(take);
        const bool ends = take == end;
        if (ends) bytes.remove_prefix(1);
        cut_ = !ends && partial_.size() == kMaxStepLineBytes;
        if (!ends && !cut_) break;
        sink_(std::exchange(partial_, {}));
    }
}

void OutputLines::finish() {
    if (!partial_.empty()) sink_(std::exchange(partial_, {}));
}

}  // namespace synchost::host::detail
