// The bytes that read(2) gives on an inotify descriptor, as values: inotify(7), struct inotify_event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::host::detail {

struct InotifyEvent {
    int watch = -1;          // -1 on overflow
    std::uint32_t mask = 0;  // IN_* bits
    std::string_view name;   // in the watched folder; empty for the folder itself. Borrows from the buffer.
};

// The events of one read, in order. protocol where an event is cut short, or its name holds a '/' or is ".."
// or ".": the kernel sends none of these, and a path is made from the name.
Result<std::vector<InotifyEvent>> parse_inotify(std::span<const std::byte> bytes);

}  // namespace synchost::host::detail
