#include "host/runtime/kubernetes/logs.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <utility>

#include "base/timestamp.hpp"

namespace synchost::host::kubernetes {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kAgain{300};
constexpr std::size_t kFractionDigits = 9;

// RFC 3339 with a trimmed fraction, as Go writes it, in full length; empty where it is no UTC time.
std::string full_time(std::string_view text) {
    if (text.size() < 20 || text.back() != 'Z' || text[10] != 'T') return {};
    text.remove_suffix(1);
    std::string out(text);
    const std::size_t dot = out.find('.');
    if (dot == std::string::npos) out += '.';
    const std::size_t digits = out.size() - out.find('.') - 1;
    if (digits > kFractionDigits) return {};
    return out + std::string(kFractionDigits - digits, '0') + "Z";
}

const PodContainer* container_of(const PodBook& book, const std::string& uid, const std::string& name) {
    const auto pod = book.pods().find(uid);
    if (pod == book.pods().end()) return nullptr;
    const auto found = std::ranges::find(pod->second.containers, name, &PodContainer::name);
    return found == pod->second.containers.end() ? nullptr : &*found;
}

}  // namespace

std::optional<std::string_view> LogCursor::take(std::string_view line) {
    const std::size_t blank = line.find(' ');
    const std::string time = full_time(line.substr(0, blank));
    const std::string_view text = blank == std::string_view::npos ? "" : line.substr(blank + 1);
    has_lost_ = false;
    if (time.empty()) return line;  // no timestamp: an error of the log's own
    const bool is_first = std::exchange(is_first_, false);
    has_lost_ = is_first && !newest_.empty() && time > newest_;
    if (time < newest_) return std::nullopt;
    if (time == newest_) {
        if (again_ < at_newest_) {
            ++again_;
            return std::nullopt;
        }
    } else {
        newest_ = time;
        at_newest_ = 0;
    }
    ++at_newest_;
    again_ = at_newest_;
    return text;
}

Logs::Logs(asio::any_io_executor executor, std::shared_ptr<k8s::ApiClient> client, PodBook& pods)
    : executor_(std::move(executor)), client_(std::move(client)), pods_(pods) {}

void Logs::start(std::function<void(const LogLine&)> on_line) {
    on_line_ = std::move(on_line);
    look();
}

void Logs::look() {
    if (!on_line_) return;
    for (const auto& [uid, pod] : pods_.pods()) {
        for (const PodContainer& container : pod.containers) {
            if (!container.has_log || !followed_.insert(uid + "/" + container.name).second) continue;
            asio::co_spawn(executor_, follow(uid, container.name), asio::detached);
        }
    }
}

asio::awaitable<void> Logs::follow(std::string uid, std::string container) {
    const PodView pod = pods_.pods().at(uid);
    LogCursor cursor;
    bool last_try = false;
    std::string run_before;
    for (;;) {
        const PodContainer* now = container_of(pods_, uid, container);
        const std::string run = now == nullptr ? "" : now->id;
        // The log of a container that was started again begins anew: nothing of it is lost by that.
        const bool goes_on = run == std::exchange(run_before, run);
        cursor.rewind();
        auto outcome = co_await client_->logs(
            pod.path(),
            {.container = container, .follow = true, .timestamps = true, .since_time = cursor.since()},
            [&](std::string_view line) {
                const auto text = cursor.take(line);
                if (!text) return;
                LogLine told{.workload = pod.workload,
                             .pod = pod.name,
                             .container = container,
                             .text = {},
                             .time_ns = parse_timestamp_ns(cursor.since()).value_or(now_ns()),
                             .source = uid,
                             .gap = goes_on && cursor.has_lost()};
                if (std::exchange(told.gap, false)) {
                    LogLine gap = told;
                    gap.gap = true;
                    on_line_(gap);
                }
                told.text = *text;
                on_line_(told);
            });
        if (!outcome && outcome.error().code == Errc::cancelled) break;
        if (!co_await client_->transport().pause(kAgain)) break;
        now = container_of(pods_, uid, container);
        if (now == nullptr) break;  // the pod has gone
        const bool ended = outcome && !now->runs && now->id == run;
        // Once more after its end, for what was written while the stream ended.
        if (ended && std::exchange(last_try, true)) {
            while (now != nullptr && !now->runs && now->id == run) {
                co_await pods_.changed().wait();
                now = container_of(pods_, uid, container);
            }
            if (now == nullptr) break;
        }
        if (now->id != run) last_try = false;
    }
    followed_.erase(uid + "/" + container);
}

}  // namespace synchost::host::kubernetes
