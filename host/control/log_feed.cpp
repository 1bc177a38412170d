#include "host/control/log_feed.hpp"

#include <utility>

#include "base/on_pool.hpp"
#include "base/timestamp.hpp"
#include "host/control/detail/doorbell.hpp"
#include "host/control/query.hpp"
#include "host/logs/log_reader.hpp"

namespace synchost::host {

Result<LogQuery> log_query(const LogRequest& request, std::int64_t now) {
    LogQuery query{.workloads = request.workloads,
                   .source = request.source,
                   .pod = request.pod,
                   .container = request.container,
                   .grep = request.grep,
                   .since_ns = {},
                   .until_ns = {},
                   .tail = {}};
    if (!request.since.empty()) {
        TRY_ASSIGN(query.since_ns, parse_since(request.since, now));
    }
    if (!request.until.empty()) {
        if (request.follow)
            return fail(Errc::invalid_input, "what is followed has no end: give `until` or `follow`");
        TRY_ASSIGN(query.until_ns, parse_since(request.until, now));
    }
    if (!request.tail.empty()) {
        TRY_ASSIGN(query.tail, parse_count(request.tail, kMaxLogTail));
    }
    return query;
}

class LogFeed::Source final : public ByteSource {
  public:
    Source(LogFeed& feed, LogReader reader, const LogRequest& request)
        : feed_(feed), reader_(std::move(reader)), follow_(request.follow), as_events_(request.as_events) {}

    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (ended_) co_return std::nullopt;
        seen_ = feed_.bell_->rings();
        while (true) {
            const auto batch = co_await on_pool(
                feed_.pool_, [this]() -> Result<LogReader::Batch> { return reader_.next(); });
            if (!batch) co_return std::nullopt;
            std::string out;
            if (batch->gap) add(out, "gap", kLogGapJson);
            for (const LogReader::Item& item : batch->items)
                add(out, item.record.kind == LogKind::gap ? "gap" : "log",
                    to_json(item.record, item.workload));
            ended_ = batch->at_end && !follow_;
            if (out.empty() && ended_) co_return std::nullopt;
            if (!out.empty() || batch->at_end) co_return out;
        }
    }
    boost::asio::awaitable<void> wait() override { return feed_.bell_->wait(seen_); }
    [[nodiscard]] std::string heartbeat() const override { return as_events_ ? ":\n\n" : ""; }

  private:
    void add(std::string& out, std::string_view event, std::string_view json) const {
        if (as_events_) out.append("event: ").append(event).append("\ndata: ");
        out.append(json).append(as_events_ ? "\n\n" : "\n");
    }
    LogFeed& feed_;
    LogReader reader_;
    bool follow_;
    bool as_events_;
    bool ended_ = false;
    std::uint64_t seen_ = 0;
};

LogFeed::LogFeed(std::shared_ptr<detail::Doorbell> bell, std::unique_ptr<LogStore> store)
    : bell_(std::move(bell)), store_(std::move(store)) {}

LogFeed::~LogFeed() {
    pool_.join();
}

Result<std::unique_ptr<LogFeed>> LogFeed::open(
    boost::asio::any_io_executor io, const std::filesystem::path& folder,
    std::function<void(const std::string& workload, const Error& error)> on_problem) {
    auto bell = std::make_shared<detail::Doorbell>(std::move(io));
    TRY_ASSIGN(auto store, LogStore::open(folder, {.on_written = [bell] { bell->ring(); },
                                                   .on_problem = std::move(on_problem)}));
    return std::unique_ptr<LogFeed>(new LogFeed(std::move(bell), std::move(store)));
}

boost::asio::awaitable<Result<std::unique_ptr<ByteSource>>> LogFeed::read(LogRequest request) {
    CO_TRY_ASSIGN(LogQuery query, log_query(request, now_ns()));
    auto opened = co_await on_pool(pool_, [&]() -> Result<LogReader> {
        store_->flush();
        return LogReader::open(store_->root(), std::move(query));
    });
    if (!opened) co_return std::unexpected(std::move(opened.error()));
    co_return std::make_unique<Source>(*this, *std::move(opened), request);
}

}  // namespace synchost::host
