// A watcher over a temporary tree, run step by step on the test's own thread.
#pragma once

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/watch/watcher.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::host {

class Watching {
  public:
    explicit Watching(const std::vector<std::filesystem::path>& roots, IgnoredFolder ignored = nullptr,
                      DebounceTimes times = {}) {
        auto opened = Watcher::open(io_.get_executor(), roots, std::move(ignored), times);
        if (!opened) {
            ADD_FAILURE() << opened.error().message;
            return;
        }
        watcher_.emplace(*std::move(opened));
    }

    // The next batch; `cancelled` after `patience` without one.
    Result<Batch> next(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
        std::optional<Result<Batch>> batch;
        boost::asio::cancellation_signal stop;
        boost::asio::co_spawn(
            io_, watcher_->next(),
            boost::asio::bind_cancellation_slot(
                stop.slot(), [&](const std::exception_ptr&, Result<Batch> got) { batch = std::move(got); }));
        io_.restart();
        io_.run_for(patience);
        if (!batch) {
            stop.emit(boost::asio::cancellation_type::terminal);
            io_.run();
        }
        return *std::move(batch);
    }
    // The paths of the first root that the next batch names; one that stands for all below it ends in "/...".
    std::vector<std::string> names() {
        const auto batch = next();
        std::vector<std::string> out;
        if (!batch) return {"error: " + batch.error().message};
        if (batch->rescan) out.emplace_back("rescan");
        for (const PathEvent& event : batch->paths) {
            const bool is_whole = std::ranges::find(batch->arrived, event) != batch->arrived.end();
            out.push_back(event.path + (is_whole ? "/..." : ""));
        }
        return out;
    }
    // The paths of the batches up to the one that names `last`.
    std::vector<std::string> names_until(const std::string& last) {
        std::vector<std::string> all;
        while (std::ranges::find(all, last) == all.end()) {
            for (std::string& name : names()) {
                if (name.starts_with("error: ")) return {name};
                if (std::ranges::find(all, name) == all.end()) all.push_back(std::move(name));
            }
        }
        std::ranges::sort(all);
        return all;
    }
    Watcher& watcher() { return *watcher_; }
    boost::asio::io_context& io() { return io_; }

  private:
    boost::asio::io_context io_;
    std::optional<Watcher> watcher_;
};

}  // namespace synchost::host
