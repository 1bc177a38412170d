// The TCP socket that the page's server listens on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "host/ui/address.hpp"

namespace synchost::host::ui {

// The first of these that is free, so that the next watch has its page beside this one.
inline constexpr std::uint16_t kFirstPort = 10'360;
inline constexpr std::uint16_t kLastPort = 10'379;

struct Listener {
    Fd socket;
    IpAddress address;
    std::uint16_t port = 0;
    std::string passed_over;  // "port 10360 is held by node (pid 4711)" where that was wished for; else empty
};

// On an IP literal, and on this port or, where none is asked for, on the first that is free. invalid_input
// for what is no literal; conflict, with who holds it, where the port is taken.
Result<Listener> listen_on(const std::string& address, std::optional<std::uint16_t> port);

}  // namespace synchost::host::ui
