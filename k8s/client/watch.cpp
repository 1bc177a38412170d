// List and watch
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes): a list says
// the version from which to follow; every event and bookmark moves it on; a broken stream goes on from it;
// 410 Gone means that the server has forgotten it, and everything is listed again.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "k8s/client/api_client.hpp"
#include "k8s/client/api_error.hpp"
#include "k8s/detail/fields.hpp"

namespace synchost::k8s {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLastPause{2'000};
constexpr std::size_t kMaxEventBytes = std::size_t{8} << 20;
constexpr int kPageSize = 500;

std::string version_of(const Json& object) {
    const Json* metadata = field(object, "metadata");
    return metadata == nullptr ? "" : text_field(*metadata, "resourceVersion").value_or("");
}

std::string joined(const std::string& collection, const std::string& query, const std::string& more) {
    return collection + "?" + query + (query.empty() ? "" : "&") + more;
}

}  // namespace

asio::awaitable<Result<std::string>> ApiClient::list_for_watch(const std::string& collection,
                                                               const std::string& query,
                                                               const WatchHandler& handler) {
    std::vector<Json> objects;
    std::string more = "limit=" + std::to_string(kPageSize);
    for (;;) {
        CO_TRY_ASSIGN(Json list, co_await json({.target = joined(collection, query, more)}, collection));
        CO_TRY_ASSIGN(Json * items, list_field(list, "items"));
        if (items != nullptr) {
            for (Json& item : *items) objects.push_back(std::move(item));
        }
        const Json* metadata = field(list, "metadata");
        const std::string next = metadata == nullptr ? "" : text_field(*metadata, "continue").value_or("");
        if (next.empty()) {
            handler.listed(std::move(objects));
            co_return version_of(list);
        }
        more = "limit=" + std::to_string(kPageSize) + "&continue=" + percent_encoded(next);
    }
}

asio::awaitable<Result<>> ApiClient::follow(const std::string& collection, const std::string& query,
                                            std::string& version, const WatchHandler& handler) {
    auto take = [&](std::string_view line) -> Result<> {
        if (line.empty()) return {};
        Json event = Json::parse(line, nullptr, false);
        const Json* object = event.is_object() ? field(event, "object") : nullptr;
        const std::string type = event.is_object() ? text_field(event, "type").value_or("") : "";
        if (object == nullptr || !object->is_object())
            return fail(Errc::protocol, "watch " + collection + ": not an event");
        if (type == "ERROR") {
            const Json* code = field(*object, "code");
            const int status = code != nullptr && code->is_number_integer() ? code->get<int>() : 500;
            return std::unexpected(error_of_status(status, object->dump(), "watch " + collection));
        }
        if (const std::string now = version_of(*object); !now.empty()) version = now;
        if (type != "BOOKMARK") handler.changed(type, std::move(event["object"]));
        return {};
    };
    std::string line;
    auto on_bytes = [&](std::string_view bytes) -> Result<> {
        while (!bytes.empty()) {
            const std::size_t end = bytes.find('\n');
            line += bytes.substr(0, end);
            if (line.size() > kMaxEventBytes)
                return fail(Errc::protocol, "watch " + collection + ": an event of more than 8 MiB");
            if (end == std::string_view::npos) return {};
            bytes.remove_prefix(end + 1);
            TRY(take(std::exchange(line, {})));
        }
        return {};
    };
    // The server ends the stream after this time; a new one shows that it is still there.
    const std::string more =
        "watch=true&allowWatchBookmarks=true&timeoutSeconds=290&resourceVersion=" + percent_encoded(version);
    CO_TRY_ASSIGN(const HttpAnswer answer,
                  co_await transport_.stream({.target = joined(collection, query, more)}, on_bytes));
    if (answer.status / 100 == 2) co_return Result<>{};
    co_return std::unexpected(error_of_status(answer.status, answer.body, "watch " + collection));
}

asio::awaitable<void> ApiClient::watch(std::string collection, std::string query, WatchHandler handler) {
    std::string version;
    auto wait = kFirstPause;
    bool told = false;
    for (;;) {
        Result<> outcome;
        if (version.empty()) {
            auto listed = co_await list_for_watch(collection, query, handler);
            if (listed) {
                version = *listed;
                told = false;
                wait = kFirstPause;
                continue;
            }
            outcome = std::unexpected(std::move(listed.error()));
        } else {
            const std::string before = version;
            outcome = co_await follow(collection, query, version, handler);
            if (outcome || version != before) {
                wait = kFirstPause;
                told = false;
            }
            if (!outcome && is_gone(outcome.error())) {
                version.clear();
                continue;
            }
        }
        if (!outcome) {
            if (outcome.error().code == Errc::cancelled) co_return;
            if (!std::exchange(told, true) && handler.trouble) handler.trouble(outcome.error());
        }
        if (!co_await transport_.pause(wait)) co_return;
        if (!outcome) wait = std::min(wait * 2, kLastPause);
    }
}

}  // namespace synchost::k8s
