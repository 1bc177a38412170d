#include "host/control/snapshot.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "base/timestamp.hpp"
#include "host/logs/log_record.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

// Within a record no other text can look so: a quote in a text is escaped.
constexpr std::string_view kTimeKey = R"("time":")";

struct Line {
    std::string time;  // as it is written; empty for what came first and has none
    std::string json;
};

std::string time_in(std::string_view json) {
    const std::size_t key = json.find(kTimeKey);
    if (key == std::string_view::npos) return {};
    const std::string_view rest = json.substr(key + kTimeKey.size());
    return std::string(rest.substr(0, rest.find('"')));
}

// The newest lines of a service that have room.
class LastLines {
  public:
    explicit LastLines(std::size_t room) : room_(room) {}

    void add(std::string_view bytes) {
        partial_ += bytes;
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1)
            add_line(partial_.substr(begin, end - begin));
        partial_.erase(0, begin);
    }
    // In their order, and how many bytes they are.
    std::pair<std::deque<Line>, std::size_t> take() {
        if (dropped_)
            lines_.push_front({lines_.empty() ? "" : lines_.front().time, std::string(kLogGapJson)});
        return {std::move(lines_), bytes_};
    }

  private:
    void add_line(std::string json) {
        std::string time = time_in(json);
        // A gap is of the time of what stands before it.
        if (time.empty() && !lines_.empty()) time = lines_.back().time;
        bytes_ += json.size();
        lines_.push_back({std::move(time), std::move(json)});
        while (bytes_ > room_) {
            bytes_ -= lines_.front().json.size();
            lines_.pop_front();
            dropped_ = true;
        }
    }
    std::size_t room_;
    std::size_t bytes_ = 0;
    bool dropped_ = false;
    std::deque<Line> lines_;
    std::string partial_;
};

class SnapshotSource final : public ByteSource {
  public:
    SnapshotSource(std::string head, std::vector<std::string> services, OpenLogs logs, SnapshotLimits limits)
        : head_(std::move(head)), services_(std::move(services)), logs_(std::move(logs)), limits_(limits) {}

    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (!begun_) {
            begun_ = true;
            co_return std::exchange(head_, {}) + ",\"logs\":[";
        }
        if (!services_.empty()) co_await gather();
        if (ended_) co_return std::nullopt;
        std::string out;
        while (!lines_.empty() && out.size() < kPieceBytes) {
            out += std::exchange(between_, ",\n");
            out += lines_.extract(lines_.begin()).mapped();
        }
        if (lines_.empty()) {
            ended_ = true;
            out += "]}\n";
        }
        co_return out;
    }
    // It has something to say until its end.
    boost::asio::awaitable<void> wait() override { co_return; }
    [[nodiscard]] std::string heartbeat() const override { return {}; }

  private:
    boost::asio::awaitable<void> gather() {
        std::size_t room = limits_.log_bytes;
        for (std::size_t i = 0; i < services_.size(); ++i) {
            // What the earlier ones did not need is there for the later ones.
            auto [lines, bytes] = co_await last_lines_of(services_[i], room / (services_.size() - i));
            room -= std::min(room, bytes);
            for (Line& line : lines) lines_.emplace(std::move(line.time), std::move(line.json));
        }
        services_.clear();
    }

    boost::asio::awaitable<std::pair<std::deque<Line>, std::size_t>> last_lines_of(const std::string& service,
                                                                                   std::size_t room) {
        LastLines out(room);
        LogRequest request;
        request.workloads = {service};
        request.tail = std::to_string(limits_.lines);
        auto source = co_await logs_(std::move(request));
        while (source) {
            const auto piece = co_await (*source)->next();
            if (!piece) break;
            out.add(*piece);
        }
        co_return out.take();
    }

    std::string head_;
    std::vector<std::string> services_;
    OpenLogs logs_;
    SnapshotLimits limits_;
    std::multimap<std::string, std::string> lines_;  // by their times, those of one time as they came
    const char* between_ = "\n";
    bool begun_ = false;
    bool ended_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> make_snapshot(std::string head, std::vector<std::string> services, OpenLogs logs,
                                          SnapshotLimits limits) {
    return std::make_unique<SnapshotSource>(std::move(head), std::move(services), std::move(logs), limits);
}

std::string snapshot_name(std::string_view project, std::int64_t time_ns) {
    constexpr std::string_view kDigits = "0123456789";
    std::string out = std::string(project) + '-';
    // "2026-01-31T10:00:00.000000000Z"
    const std::string time = format_timestamp_ns(time_ns);
    for (const char c : std::string_view(time).substr(0, time.find('.'))) {
        if (kDigits.contains(c)) out += c;
        if (c == 'T') out += '-';
    }
    return out;
}

}  // namespace synchost::host
