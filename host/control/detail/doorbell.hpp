// Wakes coroutines of the io thread from any thread. Many rings in a row are one waking.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/signal.hpp"

namespace synchost::host::detail {

class Doorbell : public std::enable_shared_from_this<Doorbell> {
  public:
    // Owned by a shared_ptr. `io` outlives it.
    explicit Doorbell(boost::asio::any_io_executor io) : io_(io), rung_(std::move(io)) {}

    // From any thread.
    void ring() {
        ++rings_;
        if (waking_.exchange(true)) return;
        boost::asio::post(io_, [self = shared_from_this()] {
            self->waking_ = false;
            self->rung_.notify();
        });
    }
    // To be read before looking at what the bell is rung for.
    [[nodiscard]] std::uint64_t rings() const { return rings_; }
    // Until it has been rung since `seen`; may return early.
    boost::asio::awaitable<void> wait(std::uint64_t seen) {
        if (rings_ == seen) co_await rung_.wait();
    }

  private:
    boost::asio::any_io_executor io_;
    Signal rung_;
    std::atomic<std::uint64_t> rings_{0};
    std::atomic<bool> waking_{false};
};

}  // namespace synchost::host::detail
