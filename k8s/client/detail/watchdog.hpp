// Ends what waits on a peer: when its time is up, or when the client is closed. One for each operation that
// is under way; all on the client's executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/error.hpp"

namespace synchost::k8s::detail {

class Watchdog;

// "30 s", "50 ms"
std::string shown_time(std::chrono::milliseconds time);

// All operations of one client.
class Kennel {
  public:
    // Every watchdog fires with `cancelled`, and so does each that comes later.
    void close();
    [[nodiscard]] bool closed() const { return closed_; }

  private:
    friend class Watchdog;
    std::set<Watchdog*> all_;
    bool closed_ = false;
};

class Watchdog {
  public:
    // `stop` makes the operation end; it may be called at once, and is called once at most.
    Watchdog(const boost::asio::any_io_executor& executor, Kennel& kennel, std::function<void()> stop);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    // Fires in `time` from now with `what`; replaces an earlier time.
    void expires_after(std::chrono::milliseconds time, std::string what);
    void rest();  // no time limit until expires_after()
    // What the operation ended of, where it was ended by this.
    [[nodiscard]] const std::optional<Error>& reason() const { return reason_; }

  private:
    friend class Kennel;
    void fire(Error reason);

    Kennel& kennel_;
    std::function<void()> stop_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
    std::optional<Error> reason_;
};

}  // namespace synchost::k8s::detail
