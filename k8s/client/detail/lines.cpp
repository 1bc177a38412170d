#include "k8s/client/detail/lines.hpp"

#include <algorithm>
#include <utility>

namespace synchost::k8s::detail {

Result<> Lines::take(std::string_view bytes, const OnLine& on_line) {
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const std::size_t room = max_bytes_ - line_.size();
        if (end > room && longer_ == Longer::refuse)
            return fail(Errc::protocol, "a line of more than " + std::to_string(max_bytes_) + " bytes");
        const std::size_t taken = std::min(end, room);
        line_ += bytes.substr(0, taken);
        bytes.remove_prefix(taken);
        if (bytes.empty()) return {};
        if (bytes.front() == '\n') bytes.remove_prefix(1);
        TRY(on_line(std::exchange(line_, {})));
    }
    return {};
}

}  // namespace synchost::k8s::detail
