// A TCP server of a few lines for what no proper one does: each connection is played by a function, on a
// thread of its own, with blocking reads and writes of at most ten seconds.
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.hpp"

namespace synchost::test {

class RawConnection {
  public:
    explicit RawConnection(Fd fd);
    // Up to and with the empty line, and the body that its Content-Length says; "" at the end.
    std::string request();
    // At least a byte, or "" at the end.
    std::string some();
    bool send(std::string_view bytes);
    // Bytes both ways between this and that port of 127.0.0.1, until one end closes.
    void relay(std::uint16_t port);
    // Returns when the other end has closed.
    void wait_for_end();
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    Fd fd_;
    std::string buffer_;
};

class RawPeer {
  public:
    // `number` counts connections from 0.
    explicit RawPeer(std::function<void(RawConnection&, int number)> play);
    ~RawPeer();
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int connections() const { return count_; }

  private:
    void accept();
    std::function<void(RawConnection&, int)> play_;
    Fd listening_;
    std::uint16_t port_ = 0;
    std::atomic<int> count_ = 0;
    std::mutex mutex_;
    std::vector<int> open_;  // ended at the end
    bool stopped_ = false;
    std::vector<std::thread> players_;
    std::thread thread_;
};

// A connection to this port of 127.0.0.1.
Fd dial_local(std::uint16_t port);
sockaddr_in loopback(std::uint16_t port);
bool send_all(int fd, std::string_view bytes);

}  // namespace synchost::test
