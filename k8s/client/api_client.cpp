#include "k8s/client/api_client.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "k8s/client/api_error.hpp"
#include "k8s/client/detail/lines.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/json_text.hpp"

namespace synchost::k8s {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kDeadline{30};
constexpr std::chrono::seconds kLongestWait{5};  // that a server may ask for before it is asked again
constexpr int kMostAttempts = 5;
constexpr std::size_t kMaxLogLine = std::size_t{64} << 10;

Result<Json> parse_object(const std::string& text, const std::string& what) {
    auto object = parse_json(text);
    if (object && object->is_object()) return *std::move(object);
    return fail(Errc::protocol, what + ": the server's answer is no JSON object");
}

// "Deployment default/api", for messages.
std::string name_of(const Json& object) {
    const Json* metadata = field(object, "metadata");
    const std::string kind = text_field(object, "kind").value_or("");
    if (metadata == nullptr) return kind;
    const std::string space = text_field(*metadata, "namespace").value_or("");
    return kind + " " + (space.empty() ? "" : space + "/") + text_field(*metadata, "name").value_or("");
}

}  // namespace

ApiClient::ApiClient(asio::any_io_executor executor, KubeContext context, Reach reach)
    : transport_(std::move(executor), std::move(context), reach) {}

ApiClient::~ApiClient() = default;

void ApiClient::close() {
    transport_.close();
}

asio::awaitable<Result<Json>> ApiClient::json(HttpRequest request, std::string what) {
    for (int attempt = 1;; ++attempt) {
        CO_TRY_ASSIGN(const HttpAnswer answer, co_await transport_.exchange(request));
        if (answer.status / 100 == 2) co_return parse_object(answer.body, what);
        // It was not begun with, so that a POST may be sent again, too.
        const bool busy = answer.status == 429 || answer.status == 503;
        if (!busy || !answer.retry_after || *answer.retry_after > kLongestWait || attempt == kMostAttempts)
            co_return std::unexpected(error_of_status(answer.status, answer.body, what));
        CO_TRY(co_await transport_.pause(*answer.retry_after));
    }
}

asio::awaitable<Result<ServerVersion>> ApiClient::version() {
    CO_TRY_ASSIGN(const Json answer, co_await json({.target = "/version"}, "version"));
    ServerVersion version;
    CO_TRY_ASSIGN(version.git_version, text_field(answer, "gitVersion"));
    // "34" or, of a managed cluster, "34+".
    const auto number = [&](const char* key) {
        const std::string text = text_field(answer, key).value_or("");
        int value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    };
    version.major = number("major");
    version.minor = number("minor");
    if (version.major == 0)
        co_return fail(Errc::protocol, transport_.server() + " does not say which version it has");
    co_return version;
}

asio::awaitable<Result<ResourceType>> ApiClient::resource(std::string api_version, std::string kind) {
    // A CustomResourceDefinition that was applied just now may be a moment away.
    for (int attempt = 0;; ++attempt) {
        auto known = discovered_.find(api_version);
        if (known == discovered_.end()) {
            const std::string path = (api_version.contains('/') ? "/apis/" : "/api/") + api_version;
            auto list = co_await json({.target = path}, api_version);
            if (!list && list.error().code != Errc::not_found) co_return std::unexpected(list.error());
            std::vector<ResourceType> types;
            if (list) {
                CO_TRY_ASSIGN(types, parse_resource_list(*list));
            }
            known = discovered_.emplace(api_version, std::move(types)).first;
        }
        const auto found = std::ranges::find(known->second, kind, &ResourceType::kind);
        if (found != known->second.end()) co_return *found;
        discovered_.erase(known);
        if (attempt == 10)
            co_return fail(Errc::not_found,
                           "the cluster does not know the kind " + kind + " of " + api_version,
                           "Install its CustomResourceDefinition, or correct apiVersion and kind.");
        CO_TRY(co_await transport_.pause(std::chrono::milliseconds(200)));
    }
}

asio::awaitable<Result<Json>> ApiClient::get(std::string path) {
    std::string what = path;
    co_return co_await json({.target = std::move(path)}, std::move(what));
}

asio::awaitable<Result<Json>> ApiClient::apply(std::string path, Json object, bool dry_run) {
    std::string what = name_of(object);
    std::string target =
        std::move(path) + "?fieldManager=" + std::string(kFieldManager) + (dry_run ? "&dryRun=All" : "");
    // JSON is YAML; this is the media type that server-side apply has had from the beginning.
    co_return co_await json({.method = "PATCH",
                             .target = std::move(target),
                             .body = object.dump(-1, ' ', false, Json::error_handler_t::replace),
                             .content_type = "application/apply-patch+yaml"},
                            std::move(what));
}

asio::awaitable<Result<Json>> ApiClient::create(std::string collection, Json object) {
    std::string what = name_of(object);
    co_return co_await json({.method = "POST",
                             .target = std::move(collection) + "?fieldManager=" + std::string(kFieldManager),
                             .body = object.dump(-1, ' ', false, Json::error_handler_t::replace),
                             .content_type = "application/json"},
                            std::move(what));
}

asio::awaitable<Result<>> ApiClient::remove(std::string path, std::string uid, Propagation propagation) {
    Json options = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
    options["propagationPolicy"] = propagation == Propagation::foreground ? "Foreground" : "Background";
    if (!uid.empty()) options["preconditions"]["uid"] = uid;
    std::string what = "delete " + path;
    auto answer = co_await json({.method = "DELETE",
                                 .target = std::move(path),
                                 .body = options.dump(),
                                 .content_type = "application/json"},
                                std::move(what));
    if (!answer && answer.error().code != Errc::not_found) co_return std::unexpected(answer.error());
    co_return Result<>{};
}

asio::awaitable<Result<>> ApiClient::logs(std::string pod_path, LogOptions options,
                                          std::function<void(std::string_view)> on_line) {
    std::string target = pod_path + "/log?container=" + percent_encoded(options.container);
    if (options.previous) target += "&previous=true";
    if (options.follow) target += "&follow=true";
    if (options.timestamps) target += "&timestamps=true";
    if (!options.since_time.empty()) target += "&sinceTime=" + percent_encoded(options.since_time);
    detail::Lines lines(kMaxLogLine, detail::Lines::Longer::cut);
    const detail::Lines::OnLine take = [&](std::string_view line) -> Result<> {
        on_line(line);
        return {};
    };
    const HttpRequest request{.target = std::move(target),
                              .timeout = kDeadline,
                              .head = options.follow ? HeadTime::unlimited : HeadTime::limited};
    CO_TRY_ASSIGN(const HttpAnswer answer, co_await transport_.stream(request, [&](std::string_view bytes) {
        return lines.take(bytes, take);
    }));
    if (answer.status / 100 != 2)
        co_return std::unexpected(
            error_of_status(answer.status, answer.body, "logs of " + pod_path + "/" + options.container));
    if (!lines.rest().empty()) on_line(lines.rest());
    co_return Result<>{};
}

asio::awaitable<Result<std::unique_ptr<WebSocket>>> ApiClient::open_port(std::string pod_path,
                                                                         std::uint16_t port) {
    const std::string what = "port " + std::to_string(port) + " of " + pod_path;
    CO_TRY_ASSIGN(auto socket, co_await transport_.open_web_socket(
                                   pod_path + "/portforward?ports=" + std::to_string(port),
                                   {"v4.channel.k8s.io"}, [what](const HttpAnswer& answer) {
                                       return error_of_status(answer.status, answer.body, what);
                                   }));
    co_return socket;
}

}  // namespace synchost::k8s
