#include "host/watch/detail/inotify_event.hpp"

#include <sys/inotify.h>

#include <cstring>

namespace synchost::host::detail {

Result<std::vector<InotifyEvent>> parse_inotify(std::span<const std::byte> bytes) {
    std::vector<InotifyEvent> events;
    while (!bytes.empty()) {
        inotify_event head{};
        if (bytes.size() < sizeof head) return fail(Errc::protocol, "inotify: event cut short");
        std::memcpy(&head, bytes.data(), sizeof head);
        bytes = bytes.subspan(sizeof head);
        if (head.len > bytes.size()) return fail(Errc::protocol, "inotify: name cut short");
        // The name is padded with NULs to an alignment of the kernel's choice.
        const auto* text = reinterpret_cast<const char*>(bytes.data());
        const std::string_view name(text, ::strnlen(text, head.len));
        if (name == "." || name == ".." || name.find('/') != std::string_view::npos) {
            return fail(Errc::protocol, "inotify: name is not a file name");
        }
        events.push_back({head.wd, head.mask, name});
        bytes = bytes.subspan(head.len);
    }
    return events;
}

}  // namespace synchost::host::detail
