#include "k8s/client/detail/watchdog.hpp"

#include <cerrno>
#include <utility>

namespace synchost::k8s::detail {

std::string shown_time(std::chrono::milliseconds time) {
    return time.count() < 1000 ? std::to_string(time.count()) + " ms"
                               : std::to_string(time.count() / 1000) + " s";
}

void Kennel::close() {
    closed_ = true;
    const auto now = all_;
    for (Watchdog* one : now) {
        // A watchdog that fires may end others.
        if (all_.contains(one)) one->fire({Errc::cancelled, "stopped", 0, {}});
    }
}

Watchdog::Watchdog(const boost::asio::any_io_executor& executor, Kennel& kennel, std::function<void()> stop)
    : kennel_(kennel), stop_(std::move(stop)), timer_(executor) {
    kennel_.all_.insert(this);
    if (kennel_.closed()) fire({Errc::cancelled, "stopped", 0, {}});
}

Watchdog::~Watchdog() {
    kennel_.all_.erase(this);
}

void Watchdog::expires_after(std::chrono::milliseconds time, std::string what) {
    if (reason_) return;
    timer_.expires_after(time);
    // A wait that has ended already may still be queued when this is gone, or has been given another time.
    timer_.async_wait([this, alive = std::weak_ptr(alive_), what = std::move(what)](auto error) mutable {
        if (error || alive.expired() || timer_.expiry() > boost::asio::steady_timer::clock_type::now())
            return;
        fire({Errc::timeout, std::move(what), ETIMEDOUT, {}});
    });
}

void Watchdog::rest() {
    timer_.expires_at(boost::asio::steady_timer::time_point::max());
}

void Watchdog::fire(Error reason) {
    if (reason_) return;
    reason_ = std::move(reason);
    timer_.cancel();
    stop_();
}

}  // namespace synchost::k8s::detail
