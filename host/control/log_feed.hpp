// The log store as GET /logs gives it: records from the disk, read off the io thread, and then what comes.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "host/control/api.hpp"
#include "host/logs/log_query.hpp"
#include "host/logs/log_store.hpp"

namespace synchost::host {

namespace detail {
class Doorbell;
}

// What a request asks for; invalid_input for texts that are none of their kind. `now` in nanoseconds since
// the epoch.
Result<LogQuery> log_query(const LogRequest& request, std::int64_t now);

class LogFeed {
  public:
    // Owns the store in this folder. `io` outlives the feed; `on_problem` is called from any thread.
    static Result<std::unique_ptr<LogFeed>> open(
        boost::asio::any_io_executor io, const std::filesystem::path& folder,
        std::function<void(const std::string& workload, const Error& error)> on_problem);
    ~LogFeed();
    LogFeed(const LogFeed&) = delete;
    LogFeed& operator=(const LogFeed&) = delete;

    [[nodiscard]] LogStore& store() { return *store_; }
    // On the io thread. The source does not outlive the feed.
    boost::asio::awaitable<Result<std::unique_ptr<ByteSource>>> read(LogRequest request);

  private:
    class Source;
    LogFeed(std::shared_ptr<detail::Doorbell> bell, std::unique_ptr<LogStore> store);
    std::shared_ptr<detail::Doorbell> bell_;
    std::unique_ptr<LogStore> store_;
    boost::asio::thread_pool pool_{1};
};

}  // namespace synchost::host
