#include "host/control/api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/lines.hpp"
#include "base/rel_path.hpp"
#include "host/control/snapshot.hpp"
#include "host/control/token.hpp"
#include "host/logs/segments.hpp"

extern "C" {
extern const char synchost_openapi_begin[];
extern const char synchost_openapi_end[];
}

namespace synchost::host {
namespace {

using Json = nlohmann::ordered_json;
using Reply = boost::asio::awaitable<HttpReply>;

constexpr std::string_view kEventStream = "text/event-stream";
constexpr std::string_view kLinesOfJson = "application/x-ndjson";
constexpr std::string_view kBearer = "Bearer ";

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

unsigned http_status(Errc code) {
    switch (code) {
        case Errc::invalid_input:
            return 400;
        case Errc::auth:
            return 403;
        case Errc::not_found:
            return 404;
        case Errc::conflict:
        case Errc::unsupported:
            return 409;
        case Errc::cancelled:
            return 503;
        case Errc::timeout:
            return 504;
        case Errc::cluster:
        case Errc::registry:
        case Errc::protocol:
            return 502;
        case Errc::io:
            return 500;
    }
    return 500;
}

// "{name}" stands for any one segment.
bool fits(std::string_view pattern, const std::vector<std::string>& segments) {
    std::size_t at = 0;
    while (!pattern.empty()) {
        pattern.remove_prefix(1);
        const std::string_view part = pattern.substr(0, pattern.find('/'));
        pattern.remove_prefix(part.size());
        if (at == segments.size() || (part != "{name}" && part != segments[at])) return false;
        ++at;
    }
    return at == segments.size();
}

std::optional<HttpResponse> refuse_parameters(const ControlApi::Route& route, const RequestTarget& target) {
    for (const auto& [name, value] : target.query) {
        if (std::ranges::find(route.parameters, name) == route.parameters.end())
            return error_response(
                400, std::string(route.path) + " has no parameter \"" + printable(name.substr(0, 100)) + '"');
    }
    return std::nullopt;
}

std::string value_of(const RequestTarget& target, const char* name) {
    const auto found = target.query.find(name);
    return found == target.query.end() ? std::string() : found->second;
}

Result<bool> flag_of(const RequestTarget& target, const char* name) {
    const std::string value = value_of(target, name);
    if (value.empty()) return false;
    auto flag = parse_flag(value);
    if (!flag) return std::unexpected(std::move(flag.error()).context(name));
    return flag;
}

}  // namespace

HttpResponse error_response(unsigned status, std::string message, std::string next_step) {
    return {.status = status, .body = to_json(Error{Errc::io, std::move(message), 0, std::move(next_step)})};
}

HttpResponse error_response(const Error& error) {
    return {.status = http_status(error.code), .body = to_json(error)};
}

std::optional<HttpResponse> refuse_without_token(const HttpRequest& request, const std::string& token) {
    constexpr const char* kStep = "Send the content of the file `token` in the project's state folder.";
    if (!request.authorization.starts_with(kBearer)) {
        HttpResponse out = error_response(401, "this needs the header Authorization: Bearer TOKEN", kStep);
        out.headers.emplace_back("WWW-Authenticate", "Bearer");
        return out;
    }
    if (same_token(std::string_view(request.authorization).substr(kBearer.size()), token))
        return std::nullopt;
    return error_response(403, "this is not the token of the watch that runs", kStep);
}

std::string_view embedded_openapi() {
    return {synchost_openapi_begin, synchost_openapi_end};
}

std::span<const ControlApi::Route> ControlApi::routes() {
    static const std::vector<Route> kRoutes = {
        {"GET", "/api/v1/status", false, {"verify"}, &ControlApi::get_status},
        {"GET", "/api/v1/events", false, {}, &ControlApi::get_events},
        {"GET",
         "/api/v1/logs",
         false,
         {"service", "pod", "container", "since", "until", "grep", "tail", "follow", "source"},
         &ControlApi::get_logs},
        {"GET", "/api/v1/snapshot", false, {}, &ControlApi::get_snapshot},
        {"GET", "/api/v1/openapi.json", false, {}, &ControlApi::get_description},
        {"GET", "/api/v1/changes", false, {"service", "limit"}, &ControlApi::get_changes},
        {"GET", "/api/v1/builds", false, {"image"}, &ControlApi::get_builds},
        {"GET", "/api/v1/services/{name}", false, {}, &ControlApi::get_service},
        {"POST", "/api/v1/services/{name}/restart", true, {}, &ControlApi::restart},
        {"POST", "/api/v1/services/{name}/trigger", true, {}, &ControlApi::trigger},
        {"POST", "/api/v1/services/{name}/pause", true, {}, &ControlApi::pause},
        {"POST", "/api/v1/services/{name}/resume", true, {}, &ControlApi::resume},
        {"POST", "/api/v1/services/{name}/stop", true, {}, &ControlApi::stop},
        {"POST", "/api/v1/services/{name}/start", true, {}, &ControlApi::start},
    };
    return kRoutes;
}

Reply ControlApi::answer(const HttpRequest& request) {
    const auto target = parse_target(request.target);
    if (!target) co_return error_response(target.error());
    std::string allowed;
    for (const Route& route : routes()) {
        if (!fits(route.path, target->segments)) continue;
        if (route.method != request.method) {
            allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
            continue;
        }
        if (route.changes) {
            if (auto refused = refuse_without_token(request, token_)) co_return *std::move(refused);
        }
        if (auto refused = refuse_parameters(route, *target)) co_return *std::move(refused);
        co_return co_await (this->*route.answer)(*target, request);
    }
    if (allowed.empty())
        co_return error_response(404, "there is no " + printable(request.target.substr(0, 200)),
                                 "GET /api/v1/openapi.json tells what there is.");
    HttpResponse out = error_response(405, "this takes " + allowed + " alone");
    out.headers.emplace_back("Allow", allowed);
    co_return out;
}

Result<std::vector<std::string>> ControlApi::workloads_named(std::string_view name) const {
    return find_service(name, backend_.services());
}

Result<std::vector<std::string>> ControlApi::logs_named(std::string_view name, LogSource source) const {
    const std::vector<ServiceEntry> entries = backend_.services();
    std::vector<std::string> out;
    const auto add_build = [&](const std::string& image) {
        std::string log = build_log_name(image);
        if (std::ranges::find(out, log) == out.end()) out.push_back(std::move(log));
    };
    if (source != LogSource::runtime && is_build_log(name)) {
        for (const ServiceEntry& entry : entries) {
            for (const std::string& image : entry.images) {
                if (build_log_name(image) == name) add_build(image);
            }
        }
        if (!out.empty()) return out;
    }
    TRY_ASSIGN(const std::vector<std::string> workloads, find_service(name, entries));
    for (const std::string& workload : workloads) {
        if (source != LogSource::build) out.push_back(workload);
        const auto entry = std::ranges::find(entries, workload, &ServiceEntry::workload);
        if (source == LogSource::runtime || entry == entries.end()) continue;
        for (const std::string& image : entry->images) add_build(image);
    }
    if (!out.empty()) return out;
    return fail(Errc::unsupported, printable(name.substr(0, 253)) + " has no image that is built here");
}

Reply ControlApi::get_status(const RequestTarget& target, const HttpRequest&) {
    const auto verify = flag_of(target, "verify");
    if (!verify) co_return error_response(verify.error());
    if (!*verify) co_return HttpResponse{.body = to_json(backend_.status())};
    co_return HttpResponse{.body = to_json(co_await backend_.verified_status())};
}

Reply ControlApi::get_events(const RequestTarget&, const HttpRequest& request) {
    co_return HttpStream{std::string(kEventStream), backend_.events(parse_event_id(request.last_event_id))};
}

Reply ControlApi::get_logs(const RequestTarget& target, const HttpRequest& request) {
    LogRequest asked{.workloads = {},
                     .pod = value_of(target, "pod"),
                     .container = value_of(target, "container"),
                     .since = value_of(target, "since"),
                     .until = value_of(target, "until"),
                     .grep = value_of(target, "grep"),
                     .tail = value_of(target, "tail"),
                     .follow = false,
                     .as_events = request.accept.contains(kEventStream)};
    const auto follow = flag_of(target, "follow");
    if (!follow) co_return error_response(follow.error());
    asked.follow = *follow;
    const auto source_asked = parse_log_source(value_of(target, "source"));
    if (!source_asked) co_return error_response(source_asked.error());
    asked.source = *source_asked;
    std::string names = value_of(target, "service");
    std::ranges::replace(names, ',', '\n');
    for (const std::string_view name : lines_of(names)) {
        if (names.empty()) break;
        auto workloads = logs_named(name, asked.source);
        if (!workloads) co_return error_response(workloads.error());
        for (std::string& workload : *workloads) asked.workloads.push_back(std::move(workload));
    }
    const bool as_events = asked.as_events;
    auto source = co_await backend_.logs(std::move(asked));
    if (!source) co_return error_response(source.error());
    co_return HttpStream{std::string(as_events ? kEventStream : kLinesOfJson), *std::move(source)};
}

Reply ControlApi::get_snapshot(const RequestTarget&, const HttpRequest&) {
    co_return HttpStream{"application/json", make_snapshot(backend_)};
}

Reply ControlApi::get_changes(const RequestTarget& target, const HttpRequest&) {
    constexpr std::uint64_t kMost = 500;
    constexpr std::uint64_t kUnlessAsked = 200;
    std::vector<std::string> workloads;
    if (const std::string name = value_of(target, "service"); !name.empty()) {
        auto found = workloads_named(name);
        if (!found) co_return error_response(found.error());
        workloads = *std::move(found);
    }
    std::uint64_t limit = kUnlessAsked;
    if (const std::string text = value_of(target, "limit"); !text.empty()) {
        auto read = parse_count(text, kMost);
        if (!read) co_return error_response(std::move(read.error()).context("limit"));
        limit = *read;
    }
    co_return HttpResponse{.body = changes_json(backend_.changes().last(workloads, limit))};
}

Reply ControlApi::get_builds(const RequestTarget& target, const HttpRequest&) {
    co_return HttpResponse{.body = builds_json(backend_.builds().list(value_of(target, "image")))};
}

Reply ControlApi::get_service(const RequestTarget& target, const HttpRequest&) {
    auto workloads = workloads_named(target.segments[3]);
    if (!workloads) co_return error_response(workloads.error());
    if (workloads->size() > 1) {
        std::string all;
        for (const std::string& one : *workloads) all += (all.empty() ? "" : ", ") + one;
        co_return error_response(409, "that could be any of " + printable(all), "Name one of them.");
    }
    const auto detail = co_await backend_.describe(workloads->front());
    if (!detail) co_return error_response(detail.error());
    co_return HttpResponse{.body = to_json(*detail)};
}

HttpResponse ControlApi::set_paused(const RequestTarget& target, bool paused) const {
    const std::string& name = target.segments[3];
    const auto workloads = workloads_named(name);
    if (!workloads) return error_response(workloads.error());
    if (auto set = backend_.set_paused(*workloads, paused); !set) return error_response(set.error());
    return {.body = dumped({{"service", name}, {"paused", paused}})};
}

HttpResponse ControlApi::set_stopped(const RequestTarget& target, bool stopped) const {
    const std::string& name = target.segments[3];
    const auto workloads = workloads_named(name);
    if (!workloads) return error_response(workloads.error());
    if (auto set = backend_.set_stopped(*workloads, stopped); !set) return error_response(set.error());
    return {.body = dumped({{"service", name}, {"stopped", stopped}})};
}

Reply ControlApi::pause(const RequestTarget& target, const HttpRequest&) {
    co_return set_paused(target, true);
}

Reply ControlApi::resume(const RequestTarget& target, const HttpRequest&) {
    co_return set_paused(target, false);
}

Reply ControlApi::stop(const RequestTarget& target, const HttpRequest&) {
    co_return set_stopped(target, true);
}

Reply ControlApi::start(const RequestTarget& target, const HttpRequest&) {
    co_return set_stopped(target, false);
}

Reply ControlApi::get_description(const RequestTarget&, const HttpRequest&) {
    co_return HttpResponse{.body = std::string(embedded_openapi())};
}

Reply ControlApi::restart(const RequestTarget& target, const HttpRequest&) {
    const std::string& name = target.segments[3];
    auto workloads = workloads_named(name);
    if (!workloads) co_return error_response(workloads.error());
    const auto outcome = co_await backend_.restart(*std::move(workloads));
    if (!outcome) co_return error_response(outcome.error());
    co_return HttpResponse{
        .body =
            dumped({{"service", name}, {"containers", outcome->containers}, {"ms", outcome->time.count()}})};
}

Reply ControlApi::trigger(const RequestTarget& target, const HttpRequest&) {
    const std::string& name = target.segments[3];
    auto workloads = workloads_named(name);
    if (!workloads) co_return error_response(workloads.error());
    const auto outcomes = co_await backend_.trigger(*std::move(workloads));
    if (!outcomes) co_return error_response(outcomes.error());
    Json images = Json::array();
    for (const TriggerOutcome& one : *outcomes)
        images.push_back({{"name", one.image}, {"outcome", one.outcome}});
    co_return HttpResponse{.body = dumped({{"service", name}, {"images", std::move(images)}})};
}

}  // namespace synchost::host
