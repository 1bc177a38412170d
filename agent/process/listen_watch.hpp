// Finds out when a process that was started again takes connections where the one before it did: which ports
// those are is seen from what listens before it ends and no longer afterwards, so that nobody has to name
// them. Of the network namespace: of a pod's other containers nothing is gone meanwhile. On one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace synchost::agent {

class ListenWatch {
  public:
    // `on_listening` is called once for each start after which it listens again, with the time from that
    // start on; never where the process before listened nowhere, where the kernel does not tell, and after a
    // minute.
    ListenWatch(boost::asio::any_io_executor executor,
                std::function<void(std::chrono::microseconds)> on_listening);

    // The process that runs is about to be ended.
    void before_end();
    // A process was started now.
    void started();
    // It has ended: the next one is to listen where this one, or the one before it, should have.
    void ended();

  private:
    using Clock = std::chrono::steady_clock;
    void look_after(std::chrono::milliseconds time);
    void look();

    boost::asio::steady_timer timer_;
    std::function<void(std::chrono::microseconds)> on_listening_;
    std::vector<std::uint16_t> before_;  // ports at which something listened before the end, ascending
    std::vector<std::uint16_t> own_;     // of these, those that were gone afterwards: the process's own
    bool is_awaited_ = false;            // it has not listened again yet
    Clock::time_point begun_;
};

}  // namespace synchost::agent
