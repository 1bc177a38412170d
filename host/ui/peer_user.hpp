// Which user of this machine is at the other end of a TCP connection over loopback: TCP tells no credentials
// as a unix socket does, but the kernel, asked for the socket with exactly these two addresses and ports,
// tells who owns it (sock_diag(7)).
#pragma once

#include "host/control/http.hpp"

namespace synchost::host::ui {

// `socket` is connected. Asks the kernel, which answers at once. `unknown` where the peer is of no socket
// that this machine's network namespace has, or has let go of it: who has closed a socket is no user any
// more.
PeerUser peer_user(int socket);

}  // namespace synchost::host::ui
