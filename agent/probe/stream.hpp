// A blocking stream with one deadline for all that is done with it, plain or through TLS that verifies
// nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace synchost::agent {

class ProbeStream {
  public:
    using Clock = std::chrono::steady_clock;

    // Tries 127.0.0.1, ::1 and then the pod's own addresses, until one accepts.
    static Result<ProbeStream> connect_to_port(std::uint16_t port, Clock::time_point deadline);

    Result<> start_tls();
    Result<> write(std::string_view bytes);
    // At least one byte, appended to `out`; false at the end of the stream.
    Result<bool> read_some(std::string& out);

  private:
    struct Free {
        void operator()(SSL* ssl) const;
        void operator()(SSL_CTX* context) const;
    };
    ProbeStream(Fd fd, Clock::time_point deadline) : fd_(std::move(fd)), deadline_(deadline) {}
    Result<> limit_next_call();

    Fd fd_;
    Clock::time_point deadline_;
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace synchost::agent
