// A sidecar of a few lines on a unix socket, for the cases that a real one does not do: it accepts one stream
// after the other on a thread of its own and lets a function play the peer, after TLS.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "protocol/psk.hpp"
#include "protocol/tls.hpp"

namespace synchost::test {

class LoopbackAgent {
  public:
    // One accepted stream. Reads and writes block for at most ten seconds.
    class Stream {
      public:
        Stream(Fd fd, const protocol::PskKey& key)
            : fd_(std::move(fd)), tls_(protocol::TlsRole::server, key) {}
        bool handshake();
        // Plain bytes received so far, after at least one more read; "" at the end of the stream.
        std::string receive();
        void send(std::string_view plaintext);

      private:
        void flush();
        Fd fd_;
        protocol::TlsEngine tls_;
        std::string early_;  // received with the handshake
    };

    explicit LoopbackAgent(std::function<void(Stream&, int number)> play);
    ~LoopbackAgent();
    [[nodiscard]] std::filesystem::path socket() const { return dir_.path() / "host.sock"; }
    [[nodiscard]] const protocol::PskKey& key() const { return key_; }

  private:
    void run();
    TempDir dir_;
    protocol::PskKey key_;
    std::function<void(Stream&, int)> play_;
    Fd listening_;
    std::atomic<bool> stop_ = false;
    std::atomic<int> playing_ = -1;  // the accepted stream
    std::thread thread_;
};

}  // namespace synchost::test
