// List and watch
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes): a list says
// the version from which to follow; every event and bookmark moves it on; a broken stream goes on from it;
// 410 Gone means that the server has forgotten it, and everything is listed again.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "k8s/client/api_client.hpp"
#include "k8s/client/api_error.hpp"
#include "k8s/client/detail/lines.hpp"
#include "k8s/client/detail/watch_event.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/json_text.hpp"

namespace synchost::k8s {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLastPause{2'000};
constexpr std::size_t kMaxEventBytes = std::size_t{8} << 20;
constexpr int kPageSize = 500;
constexpr int kMostPages = 200;
// The server ends a stream after this time; a new one shows that it is still there.
constexpr std::chrono::seconds kStreamTime{290};
constexpr std::chrono::seconds kStreamGrace{30};
constexpr std::chrono::seconds kLongStream{10};

std::string joined(const std::string& collection, const std::string& query, const std::string& more) {
    return collection + "?" + query + (query.empty() ? "" : "&") + more;
}

}  // namespace

asio::awaitable<Result<std::string>> ApiClient::list_for_watch(const std::string& collection,
                                                               const std::string& query,
                                                               const WatchHandler& handler) {
    std::vector<Json> objects;
    std::string more = "limit=" + std::to_string(kPageSize);
    for (int page = 0; page < kMostPages; ++page) {
        CO_TRY_ASSIGN(Json list, co_await json({.target = joined(collection, query, more)}, collection));
        CO_TRY_ASSIGN(Json * items, list_field(list, "items"));
        if (items != nullptr) {
            for (Json& item : *items) objects.push_back(std::move(item));
        }
        const std::string next = text_at(list, {"metadata", "continue"});
        if (next.empty()) {
            std::string version = detail::version_of(list);
            if (version.empty())
                co_return fail(Errc::protocol, collection + ": a list has no resourceVersion");
            handler.listed(std::move(objects));
            co_return version;
        }
        more = "limit=" + std::to_string(kPageSize) + "&continue=" + percent_encoded(next);
    }
    co_return fail(Errc::unsupported,
                   collection + ": more than " + std::to_string(kMostPages * kPageSize) + " objects");
}

asio::awaitable<Result<>> ApiClient::follow(const std::string& collection, const std::string& query,
                                            Following& at, const WatchHandler& handler) {
    detail::Lines lines(kMaxEventBytes, detail::Lines::Longer::refuse);
    const auto take = [&](std::string_view line) -> Result<> {
        if (line.empty()) return {};
        TRY_ASSIGN(detail::WatchEvent event, detail::parse_watch_event(line));
        at.progress = at.progress || event.version != at.version;
        at.version = std::move(event.version);
        if (event.type != "BOOKMARK") handler.changed(event.type, std::move(event.object));
        return {};
    };
    const auto on_bytes = [&](std::string_view bytes) -> Result<> {
        at.began = true;
        auto taken = lines.take(bytes, take);
        if (!taken) return std::unexpected(std::move(taken.error()).context("watch " + collection));
        return {};
    };
    const std::string more =
        "watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(kStreamTime.count()) +
        "&resourceVersion=" + percent_encoded(at.version);
    CO_TRY_ASSIGN(const HttpAnswer answer,
                  co_await transport_.stream(
                      {.target = joined(collection, query, more), .stream_time = kStreamTime + kStreamGrace},
                      on_bytes));
    if (answer.status / 100 == 2) co_return Result<>{};
    co_return std::unexpected(error_of_status(answer.status, answer.body, "watch " + collection));
}

asio::awaitable<void> ApiClient::watch(std::string collection, std::string query, WatchHandler handler) {
    Following at;
    auto wait = kFirstPause;
    bool told = false;  // of this interruption
    for (;;) {
        Result<> outcome;
        at.began = at.progress = false;
        if (at.version.empty()) {
            auto listed = co_await list_for_watch(collection, query, handler);
            if (listed) {
                at.version = *std::move(listed);
                told = false;
                continue;
            }
            outcome = std::unexpected(std::move(listed.error()));
        } else {
            const auto since = std::chrono::steady_clock::now();
            outcome = co_await follow(collection, query, at, handler);
            const bool lasted = at.began && std::chrono::steady_clock::now() - since > kLongStream;
            if (at.began) told = false;
            if (at.progress || lasted) wait = kFirstPause;
        }
        if (!outcome && outcome.error().code == Errc::cancelled) co_return;
        if (!outcome && is_gone(outcome.error())) {
            at.version.clear();
        } else if (!outcome && !std::exchange(told, true) && handler.trouble) {
            handler.trouble(outcome.error());
        }
        // Longer each time, until something comes: a server that ends every stream at once is asked no more
        // often than one that is away.
        if (!co_await transport_.pause(wait)) co_return;
        wait = std::min(wait * 2, kLastPause);
    }
}

}  // namespace synchost::k8s
