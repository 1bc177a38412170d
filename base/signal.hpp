// Wakes coroutines of one io thread that wait for "something changed". Nothing is queued: a waiter looks at
// the state again when it wakes.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <set>
#include <utility>

namespace synchost {

class Signal {
  public:
    using Time = boost::asio::steady_timer::time_point;

    explicit Signal(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
    ~Signal() { notify(); }
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    void notify() {
        for (boost::asio::steady_timer* waiter : *waiters_) waiter->cancel();
    }
    boost::asio::awaitable<void> wait() { return wait_until(Time::max()); }
    // Until notify() or this time, whichever comes first. It may outlive the signal.
    boost::asio::awaitable<void> wait_until(Time time) {
        const auto waiters = waiters_;
        boost::asio::steady_timer timer(executor_, time);
        waiters->insert(&timer);
        co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        waiters->erase(&timer);
    }

  private:
    boost::asio::any_io_executor executor_;
    std::shared_ptr<std::set<boost::asio::steady_timer*>> waiters_ =
        std::make_shared<std::set<boost::asio::steady_timer*>>();
};

}  // namespace synchost
