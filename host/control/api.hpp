// The API of a running `watch`, /api/v1 of openapi.json: from a request to its reply, with no socket in
// between, so that another listener may carry the same. The engine is known as the functions of a
// ControlBackend.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/control/build_log.hpp"
#include "host/control/change_log.hpp"
#include "host/control/event_feed.hpp"
#include "host/control/http.hpp"
#include "host/control/query.hpp"
#include "host/control/service_name.hpp"
#include "host/control/status.hpp"
#include "host/logs/log_query.hpp"

namespace synchost::host {

struct RestartOutcome {
    std::size_t containers = 0;
    std::chrono::milliseconds time{};
};

struct TriggerOutcome {
    std::string image;
    std::string outcome;  // "built", "unchanged" or "failed"
};

// What GET /logs asks for; the fields are those of its parameters.
struct LogRequest {
    std::vector<std::string> workloads;  // all where empty
    std::string pod;
    std::string container;
    std::string since;
    std::string until;
    std::string grep;
    std::string tail;
    bool follow = false;
    bool as_events = false;  // Server-Sent Events, else a JSON object in each line
    LogSource source = LogSource::runtime;
};

// Called on the io thread. What the functions refer to outlives the API.
struct ControlBackend {
    std::function<Status()> status;
    std::function<boost::asio::awaitable<Status>()> verified_status;
    std::function<std::vector<ServiceEntry>()> services;
    // Of workloads that services() names.
    std::function<boost::asio::awaitable<Result<RestartOutcome>>(std::vector<std::string> workloads)> restart;
    std::function<boost::asio::awaitable<Result<std::vector<TriggerOutcome>>>(
        std::vector<std::string> workloads)>
        trigger;
    // Whether saves wait, and whether there are pods. unsupported for a workload that has nothing to pause.
    std::function<Result<>(const std::vector<std::string>& workloads, bool paused)> set_paused;
    std::function<Result<>(const std::vector<std::string>& workloads, bool stopped)> set_stopped;
    std::function<boost::asio::awaitable<Result<ServiceDetail>>(std::string workload)> describe;
    std::function<const ChangeLog&()> changes;
    std::function<const BuildLog&()> builds;
    std::function<std::unique_ptr<ByteSource>(std::optional<std::uint64_t> last)> events;
    std::function<std::vector<std::string>()> kept_events;  // each as JSON, oldest first
    std::function<boost::asio::awaitable<Result<std::unique_ptr<ByteSource>>>(LogRequest request)> logs;
};

class ControlApi {
  public:
    struct Route {
        std::string_view method;
        std::string_view path;  // "/api/v1/services/{name}/restart"
        bool changes = false;   // asks for the token
        std::vector<std::string_view> parameters;
        boost::asio::awaitable<HttpReply> (ControlApi::*answer)(const RequestTarget&, const HttpRequest&);
    };
    static std::span<const Route> routes();

    ControlApi(ControlBackend backend, std::string token)
        : backend_(std::move(backend)), token_(std::move(token)) {}

    boost::asio::awaitable<HttpReply> answer(const HttpRequest& request);

  private:
    boost::asio::awaitable<HttpReply> get_status(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> get_events(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> get_logs(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> get_snapshot(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> get_description(const RequestTarget& target,
                                                      const HttpRequest& request);
    boost::asio::awaitable<HttpReply> restart(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> trigger(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> pause(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> resume(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> stop(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> start(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> get_service(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> get_changes(const RequestTarget& target, const HttpRequest& request);
    boost::asio::awaitable<HttpReply> get_builds(const RequestTarget& target, const HttpRequest& request);
    HttpResponse set_paused(const RequestTarget& target, bool paused) const;
    HttpResponse set_stopped(const RequestTarget& target, bool stopped) const;
    Result<std::vector<std::string>> workloads_named(std::string_view name) const;
    // What the store keeps of it, by what LogRequest::workloads says.
    Result<std::vector<std::string>> logs_named(std::string_view name, LogSource source) const;

    ControlBackend backend_;
    std::string token_;
};

// {"error": ..., "next_step": ...} with the HTTP status that stands for the error's code.
HttpResponse error_response(const Error& error);
// The same with another HTTP status.
HttpResponse error_response(unsigned status, std::string message, std::string next_step = {});

// What the answer is where a request does not show this token: 401 where it shows none, else 403.
std::optional<HttpResponse> refuse_without_token(const HttpRequest& request, const std::string& token);

// openapi.json, as it was when this program was built.
std::string_view embedded_openapi();

}  // namespace synchost::host
