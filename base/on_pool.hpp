// Blocking work off the io thread: co_await on_pool(pool, f) runs f on the pool and resumes on the io thread.
// An exception of a library that f lets out becomes an Error here, at the edge.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace synchost {

// `work` returns a Result<T>; what it captures by reference must outlive the await.
template <typename Work>
boost::asio::awaitable<std::invoke_result_t<Work>> on_pool(boost::asio::thread_pool& pool, Work work) {
    std::optional<std::invoke_result_t<Work>> result;
    auto initiate = [&](auto handler) {
        const auto home = boost::asio::get_associated_executor(handler);
        // Tracked, so that the io_context does not run out of work while the pool has it.
        auto tracked = boost::asio::prefer(home, boost::asio::execution::outstanding_work.tracked);
        boost::asio::post(pool, [&work, &result, tracked, handler = std::move(handler)]() mutable {
            try {
                result.emplace(work());
            } catch (const std::exception& failure) {
                result.emplace(fail(Errc::io, std::string("unexpected: ") + failure.what()));
            }
            boost::asio::post(tracked, std::move(handler));
        });
    };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        initiate, boost::asio::use_awaitable);
    co_return *std::move(result);
}

}  // namespace synchost
