// A process of this machine that stays (`serve:`): started, waited for until it is ready, noticed when it
// ends by itself, ended when it is no longer wanted. It is never started again by itself: whoever owns it
// does that, when an input has changed, so that a server that cannot start does not start in a loop.
//
// All of it on the executor's thread, which is to live as long as the host (detail/step_process.hpp).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "host/plan/step_config.hpp"

namespace synchost::host {

class ServeProcess {
  public:
    struct Events {
        std::function<void(std::string_view line)> line;  // bytes as they are
        std::function<void(const Error&)> died;           // once, where it was ready and nobody ended it
    };
    struct Limits {
        std::chrono::milliseconds ready{60'000};  // until it is ready
        std::chrono::milliseconds ask{50};        // between two looks
    };

    ServeProcess(boost::asio::any_io_executor executor, StepConfig step, Events events)
        : ServeProcess(std::move(executor), std::move(step), std::move(events), Limits{}) {}
    ServeProcess(boost::asio::any_io_executor executor, StepConfig step, Events events, Limits limits);
    ~ServeProcess();  // kills it
    ServeProcess(const ServeProcess&) = delete;
    ServeProcess& operator=(const ServeProcess&) = delete;

    // Ends one that runs, starts it, and returns when it is ready. Errors have its last lines: not_found
    // where there is no such program, conflict where somebody else answers on its port, io where it ended,
    // timeout where it is not ready in time (then it is ended), cancelled where end() or start() was called
    // meanwhile.
    [[nodiscard]] boost::asio::awaitable<Result<>> start();
    // TERM now, KILL after 2 s.
    void end();
    // The same; returns when it has ended.
    [[nodiscard]] boost::asio::awaitable<void> stop();
    [[nodiscard]] bool running() const;

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace synchost::host
