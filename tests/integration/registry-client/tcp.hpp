// Plain blocking sockets of loopback for the proxies of these tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "support/raw_peer.hpp"

namespace synchost::test {

// One more portion into `buffer`; false at the end.
bool receive(int fd, std::string& buffer, std::size_t most = 65'536);
// The head of an HTTP message from the front of what comes; what follows stays in `buffer`. "" at the end.
std::string receive_head(int fd, std::string& buffer);
// Until `buffer` has so many bytes.
bool receive_body(int fd, std::string& buffer, std::size_t size);
// Until the other end has closed the connection.
void wait_until_gone(int fd);
// What comes from either goes to the other, until one ends.
void relay(int a, int b);
Fd dial_loopback(std::uint16_t port);
std::uint16_t port_in(std::string_view address);

// Serves each connection on a thread of its own. Its destructor ends them all.
class TcpServer {
  public:
    TcpServer();
    ~TcpServer();
    // On a free port. `receive_buffer`: bytes; the system's where 0.
    Result<> start(std::function<void(Fd& client)> serve, int receive_buffer = 0);
    [[nodiscard]] std::string address() const;
    // Closes a connection so that the other end sees a reset.
    void reset(Fd& client);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace synchost::test
