// An io_context with a thread of its own, for tests that block at the other end of a socket, and an inbox for
// what comes out of it.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace synchost::test {

inline constexpr std::chrono::seconds kPatience{60};  // of a test, for what must come

class IoThread {
  public:
    IoThread() : work_(io_.get_executor()), thread_([this] { io_.run(); }) {}
    // Waits for all that was started in it: what does not end hangs here, and so fails.
    ~IoThread() {
        work_.reset();
        thread_.join();
    }
    IoThread(const IoThread&) = delete;
    IoThread& operator=(const IoThread&) = delete;

    [[nodiscard]] boost::asio::io_context::executor_type executor() { return io_.get_executor(); }

    template <typename T>
    std::future<T> start(boost::asio::awaitable<T> task) {
        return boost::asio::co_spawn(io_, std::move(task), boost::asio::use_future);
    }
    template <typename T>
    T await(boost::asio::awaitable<T> task) {
        return result_of(start(std::move(task)));
    }
    template <typename T>
    static T result_of(std::future<T> future) {
        if (future.wait_for(kPatience) != std::future_status::ready)
            throw std::runtime_error("a coroutine has not ended in time");
        return future.get();
    }
    // Runs it on the thread and waits for its end.
    void call(const std::function<void()>& work) {
        std::promise<void> done;
        boost::asio::post(io_, [&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }

  private:
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

template <typename T>
class Inbox {
  public:
    void push(T value) {
        const std::lock_guard lock(mutex_);
        values_.push_back(std::move(value));
        changed_.notify_all();
    }
    // The next value, or nothing where none comes in time.
    std::optional<T> next(std::chrono::milliseconds patience = kPatience) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [&] { return !values_.empty(); })) return std::nullopt;
        T value = std::move(values_.front());
        values_.pop_front();
        return value;
    }
    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return values_.size();
    }

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T> values_;
};

}  // namespace synchost::test
