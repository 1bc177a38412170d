#include "host/control/snapshot.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/timestamp.hpp"
#include "host/logs/log_record.hpp"
#include "host/logs/segments.hpp"

namespace synchost::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

// Within a record no other text can look so: a quote in a text is escaped.
constexpr std::string_view kTimeKey = R"("time":")";

std::string joined(const std::vector<std::string>& items) {
    std::string out;
    for (const std::string& item : items) out += (out.empty() ? "" : ",") + item;
    return out;
}

std::string json_text(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

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
    SnapshotSource(const ControlBackend& backend, SnapshotLimits limits)
        : backend_(backend), limits_(limits) {}

    boost::asio::awaitable<std::optional<std::string>> next() override {
        switch (at_) {
            case Part::head:
                at_ = Part::services;
                co_return head();
            case Part::services:
                if (described_ < services_.size()) co_return co_await describe(services_[described_]);
                at_ = Part::logs;
                co_return R"(},"events":[)" + joined(backend_.kept_events()) + R"(],"logs":[)";
            case Part::logs:
                co_await gather_lines();
                at_ = Part::lines;
                [[fallthrough]];
            case Part::lines:
                co_return some_lines();
            case Part::end:
                break;
        }
        co_return std::nullopt;
    }
    // It has something to say until its end.
    boost::asio::awaitable<void> wait() override { co_return; }
    [[nodiscard]] std::string heartbeat() const override { return {}; }

  private:
    enum class Part : std::uint8_t { head, services, logs, lines, end };

    [[nodiscard]] std::string head() {
        Status status = backend_.status();
        std::vector<std::string> changes;
        for (const ChangeRecord* change : backend_.changes().last({}, ChangeLog::kInAll))
            changes.push_back(to_json(*change));
        std::vector<std::string> builds;
        for (const BuildRecord* build : backend_.builds().list({})) builds.push_back(to_json(*build));
        std::string out = R"({"snapshot":1,"time":")" + format_timestamp_ns(now_ns()) + R"(","version":)" +
                          json_text(status.version) + R"(,"status":)" + to_json(status) + R"(,"changes":[)" +
                          joined(changes) + R"(],"builds":[)" + joined(builds) + R"(],"services":{)";
        services_ = std::move(status.services);
        end_of_descriptions_ = Clock::now() + limits_.descriptions;
        return out;
    }

    // Its pods, as the runtime tells of them now; the later ones without them where that takes too long.
    boost::asio::awaitable<std::string> describe(ServiceStatus& service) {
        const std::string before = described_++ == 0 ? "" : ",";
        const std::string name = json_text(service.workload);
        Result<ServiceDetail> detail = fail(Errc::timeout, "the snapshot did not wait for it any longer");
        if (Clock::now() < end_of_descriptions_) detail = co_await backend_.describe(service.workload);
        if (!detail)
            detail = ServiceDetail{
                .service = std::move(service), .pods = {}, .pods_problem = detail.error().message};
        co_return before + name + ":" + to_json(*detail);
    }

    boost::asio::awaitable<void> gather_lines() {
        std::vector<std::string> logs;
        for (const ServiceEntry& entry : backend_.services()) logs.push_back(entry.workload);
        for (const ImageStatus& image : backend_.status().images) logs.push_back(build_log_name(image.name));
        std::size_t room = limits_.log_bytes;
        for (std::size_t i = 0; i < logs.size(); ++i) {
            // What the earlier ones did not need is there for the later ones.
            auto [lines, bytes] = co_await last_lines_of(logs[i], room / (logs.size() - i));
            room -= std::min(room, bytes);
            for (Line& line : lines) lines_.emplace(std::move(line.time), std::move(line.json));
        }
    }

    boost::asio::awaitable<std::pair<std::deque<Line>, std::size_t>> last_lines_of(const std::string& log,
                                                                                   std::size_t room) {
        LastLines out(room);
        LogRequest request;
        request.workloads = {log};
        request.tail = std::to_string(limits_.lines);
        request.source = LogSource::all;
        auto source = co_await backend_.logs(std::move(request));
        while (source) {
            const auto piece = co_await (*source)->next();
            if (!piece) break;
            out.add(*piece);
        }
        co_return out.take();
    }

    std::string some_lines() {
        std::string out;
        while (!lines_.empty() && out.size() < kPieceBytes) {
            out += std::exchange(between_, ",\n");
            out += lines_.extract(lines_.begin()).mapped();
        }
        if (!lines_.empty()) return out;
        at_ = Part::end;
        return out += "]}\n";
    }

    const ControlBackend& backend_;
    SnapshotLimits limits_;
    Part at_ = Part::head;
    std::vector<ServiceStatus> services_;
    std::size_t described_ = 0;
    Clock::time_point end_of_descriptions_;
    std::multimap<std::string, std::string> lines_;  // by their times, those of one time as they came
    const char* between_ = "\n";
};

}  // namespace

std::unique_ptr<ByteSource> make_snapshot(const ControlBackend& backend, SnapshotLimits limits) {
    return std::make_unique<SnapshotSource>(backend, limits);
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
