#include "host/control/api.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "host/control/token.hpp"
#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ControlApiTest : public testing::Test {
  protected:
    ControlBackend backend() {
        return {
            .status = [] { return Status{.version = "told", .project = "p", .folder = "/p", .pid = 1}; },
            .verified_status = []() -> boost::asio::awaitable<Status> {
                co_return Status{.version = "verified", .project = "p", .folder = "/p", .pid = 1};
            },
            .services =
                [] {
                    return std::vector<ServiceEntry>{{"Deployment/api", "api", {"todo-api"}},
                                                     {"Job/api", "migrate", {"todo-api"}},
                                                     {"Deployment/ui", "ui", {"todo-ui"}}};
                },
            .restart =
                [this](std::vector<std::string> workloads) -> boost::asio::awaitable<Result<RestartOutcome>> {
                named_ = std::move(workloads);
                if (failure_) co_return std::unexpected(*failure_);
                co_return RestartOutcome{2, std::chrono::milliseconds(112)};
            },
            .trigger = [this](std::vector<std::string> workloads)
                -> boost::asio::awaitable<Result<std::vector<TriggerOutcome>>> {
                named_ = std::move(workloads);
                co_return std::vector<TriggerOutcome>{{"todo-api", "unchanged"}};
            },
            .set_paused =
                [this](const std::vector<std::string>& workloads, bool paused) {
                    named_ = workloads;
                    asked_ = paused ? "pause" : "resume";
                    return failure_ ? Result<>(std::unexpected(*failure_)) : Result<>();
                },
            .set_stopped =
                [this](const std::vector<std::string>& workloads, bool stopped) {
                    named_ = workloads;
                    asked_ = stopped ? "stop" : "start";
                    return failure_ ? Result<>(std::unexpected(*failure_)) : Result<>();
                },
            .describe = [this](std::string workload) -> boost::asio::awaitable<Result<ServiceDetail>> {
                if (failure_) co_return std::unexpected(*failure_);
                ServiceDetail out;
                out.service.workload = std::move(workload);
                out.pods_problem = "no cluster";
                co_return out;
            },
            .changes = [this]() -> const ChangeLog& { return changes_; },
            .builds = [this]() -> const BuildLog& { return builds_; },
            .events =
                [this](std::optional<std::uint64_t> last) {
                    last_ = last;
                    return std::unique_ptr<ByteSource>();
                },
            .logs =
                [this](LogRequest request) -> boost::asio::awaitable<Result<std::unique_ptr<ByteSource>>> {
                logs_ = std::move(request);
                co_return std::unique_ptr<ByteSource>();
            }};
    }
    HttpReply reply(HttpRequest request) { return io_.await(api_.answer(request)); }
    HttpResponse ask(std::string method, std::string target, std::string authorization = {}) {
        auto got = reply({.method = std::move(method),
                          .target = std::move(target),
                          .authorization = std::move(authorization)});
        const auto* response = std::get_if<HttpResponse>(&got);
        EXPECT_NE(response, nullptr) << "a stream";
        return response == nullptr ? HttpResponse{} : *response;
    }
    static std::string error_of(const HttpResponse& response) {
        const auto error = parse_error(response.body);
        EXPECT_OK(error);
        return error ? error->message + " | " + error->next_step : "";
    }

    std::vector<std::string> named_;
    std::string asked_;
    ChangeLog changes_;
    BuildLog builds_;
    std::optional<Error> failure_;
    std::optional<std::uint64_t> last_;
    std::optional<LogRequest> logs_;
    test::IoThread io_;
    ControlApi api_{backend(), "secret"};
};

TEST_F(ControlApiTest, TellsTheStatus) {
    EXPECT_EQ(parse_status(ask("GET", "/api/v1/status").body).value_or(Status{}).version, "told");
    EXPECT_EQ(parse_status(ask("GET", "/api/v1/status?verify=false").body).value_or(Status{}).version,
              "told");
    EXPECT_EQ(parse_status(ask("GET", "/api/v1/status?verify=true").body).value_or(Status{}).version,
              "verified");
    const HttpResponse wrong = ask("GET", "/api/v1/status?verify=yes");
    EXPECT_EQ(wrong.status, 400u);
    EXPECT_THAT(error_of(wrong), HasSubstr("verify: \"yes\" is neither"));
}

TEST_F(ControlApiTest, WhatItDoesNotKnowIsToldApart) {
    EXPECT_EQ(ask("GET", "/api/v1/nothing").status, 404u);
    EXPECT_EQ(ask("GET", "/").status, 404u);
    EXPECT_EQ(ask("GET", "/api/v1/status/").status, 404u);
    EXPECT_EQ(ask("GET", "/api/v1/%zz").status, 400u);
    EXPECT_EQ(ask("GET", "/api/v1/status?vrify=true").status, 400u);
    const HttpResponse wrong = ask("DELETE", "/api/v1/status");
    EXPECT_EQ(wrong.status, 405u);
    EXPECT_THAT(wrong.headers, ElementsAre(testing::Pair("Allow", "GET")));
}

TEST_F(ControlApiTest, AChangeNeedsTheToken) {
    const char* target = "/api/v1/services/api/restart";
    const HttpResponse none = ask("POST", target);
    EXPECT_EQ(none.status, 401u);
    EXPECT_THAT(none.headers, ElementsAre(testing::Pair("WWW-Authenticate", "Bearer")));
    EXPECT_EQ(ask("POST", target, "Basic secret").status, 401u);
    for (const char* token : {"Bearer ", "Bearer secre", "Bearer secrets", "Bearer Secret"})
        EXPECT_EQ(ask("POST", target, token).status, 403u) << token;
    EXPECT_THAT(named_, testing::IsEmpty());
    EXPECT_EQ(ask("POST", target, "Bearer secret").status, 200u);
}

TEST_F(ControlApiTest, EveryRouteThatChangesSomethingAsksForTheToken) {
    for (const ControlApi::Route& route : ControlApi::routes()) {
        EXPECT_EQ(route.changes, route.method != "GET") << route.path;
        if (route.method != "GET")
            EXPECT_EQ(ask(std::string(route.method), std::string(route.path)).status, 401u);
    }
}

TEST_F(ControlApiTest, RestartsWhatWasNamed) {
    const HttpResponse done = ask("POST", "/api/v1/services/Deployment%2Fapi/restart", "Bearer secret");
    EXPECT_EQ(done.body, R"({"service":"Deployment/api","containers":2,"ms":112})");
    EXPECT_THAT(named_, ElementsAre("Deployment/api"));
    (void)ask("POST", "/api/v1/services/todo-api/restart", "Bearer secret");
    EXPECT_THAT(named_, ElementsAre("Deployment/api", "Job/api"));
    (void)ask("POST", "/api/v1/services/migrate/restart", "Bearer secret");
    EXPECT_THAT(named_, ElementsAre("Job/api")) << "by the name that synchost.yaml gives it";
    (void)ask("POST", "/api/v1/services/api/restart", "Bearer secret");
    EXPECT_THAT(named_, ElementsAre("Deployment/api"));
    failure_ = Error{Errc::unsupported, "it has none", 0, "Do this."};
    const HttpResponse failed = ask("POST", "/api/v1/services/ui/restart", "Bearer secret");
    EXPECT_EQ(failed.status, 409u);
    EXPECT_EQ(error_of(failed), "it has none | Do this.");
}

TEST_F(ControlApiTest, TriggersWhatWasNamed) {
    const HttpResponse done = ask("POST", "/api/v1/services/ui/trigger", "Bearer secret");
    EXPECT_EQ(done.body, R"({"service":"ui","images":[{"name":"todo-api","outcome":"unchanged"}]})");
    EXPECT_THAT(named_, ElementsAre("Deployment/ui"));
}

TEST_F(ControlApiTest, PausesAndStopsWhatWasNamed) {
    EXPECT_EQ(ask("POST", "/api/v1/services/todo-api/pause", "Bearer secret").body,
              R"({"service":"todo-api","paused":true})");
    EXPECT_EQ(asked_, "pause");
    EXPECT_THAT(named_, ElementsAre("Deployment/api", "Job/api"));
    EXPECT_EQ(ask("POST", "/api/v1/services/ui/resume", "Bearer secret").body,
              R"({"service":"ui","paused":false})");
    EXPECT_EQ(asked_, "resume");
    EXPECT_EQ(ask("POST", "/api/v1/services/ui/stop", "Bearer secret").body,
              R"({"service":"ui","stopped":true})");
    EXPECT_EQ(asked_, "stop");
    EXPECT_EQ(ask("POST", "/api/v1/services/ui/start", "Bearer secret").body,
              R"({"service":"ui","stopped":false})");
    EXPECT_EQ(asked_, "start");
    EXPECT_EQ(ask("POST", "/api/v1/services/nobody/stop", "Bearer secret").status, 404u);
    failure_ = Error{Errc::unsupported, "it has none", 0, {}};
    EXPECT_EQ(ask("POST", "/api/v1/services/ui/pause", "Bearer secret").status, 409u);
    EXPECT_EQ(ask("POST", "/api/v1/services/ui/start", "Bearer secret").status, 409u);
}

TEST_F(ControlApiTest, TellsOneServiceWithItsPods) {
    const auto json = nlohmann::json::parse(ask("GET", "/api/v1/services/ui").body);
    EXPECT_EQ(json.at("service").at("workload"), "Deployment/ui");
    EXPECT_EQ(json.at("pods_problem"), "no cluster");
    const HttpResponse several = ask("GET", "/api/v1/services/todo-api");
    EXPECT_EQ(several.status, 409u);
    EXPECT_THAT(error_of(several), HasSubstr("any of Deployment/api, Job/api"));
    EXPECT_EQ(ask("GET", "/api/v1/services/nobody").status, 404u);
    failure_ = Error{Errc::not_found, "it is gone", 0, {}};
    EXPECT_EQ(ask("GET", "/api/v1/services/ui").status, 404u);
}

TEST_F(ControlApiTest, TellsChangesAndBuilds) {
    changes_.add({.image = "todo-api", .services = {"Deployment/api"}, .sources = {}});
    changes_.add({.image = "todo-ui", .services = {"Deployment/ui"}, .sources = {}});
    const auto ids = [&](const std::string& query) {
        std::vector<int> out;
        for (const auto& one :
             nlohmann::json::parse(ask("GET", "/api/v1/changes" + query).body).at("changes"))
            out.push_back(one.at("id").get<int>());
        return out;
    };
    EXPECT_THAT(ids(""), ElementsAre(1, 2));
    EXPECT_THAT(ids("?limit=1"), ElementsAre(2));
    EXPECT_THAT(ids("?service=todo-api&limit=500"), ElementsAre(1));
    EXPECT_EQ(ask("GET", "/api/v1/changes?limit=501").status, 400u);
    EXPECT_EQ(ask("GET", "/api/v1/changes?service=nobody").status, 404u);
    builds_.add({.image = "todo-api", .steps = {}});
    builds_.add({.image = "todo-ui", .steps = {}});
    const auto builds = nlohmann::json::parse(ask("GET", "/api/v1/builds?image=todo-ui").body);
    ASSERT_EQ(builds.at("builds").size(), 1u);
    EXPECT_EQ(builds.at("builds").at(0).at("id"), 2);
    EXPECT_EQ(nlohmann::json::parse(ask("GET", "/api/v1/builds").body).at("builds").size(), 2u);
}

TEST_F(ControlApiTest, LogsOfBuildsAreAskedForByServiceOrByImage) {
    const auto workloads = [&](const std::string& query) {
        logs_.reset();
        (void)reply({.method = "GET", .target = "/api/v1/logs?" + query});
        return logs_ ? logs_->workloads : std::vector<std::string>{"(refused)"};
    };
    EXPECT_THAT(workloads("source=build&service=todo-api"), ElementsAre("Build/todo-api"));
    EXPECT_EQ(logs_->source, LogSource::build);
    EXPECT_THAT(workloads("source=all&service=ui"), ElementsAre("Deployment/ui", "Build/todo-ui"));
    EXPECT_THAT(workloads("source=all&service=Build/todo-ui"), ElementsAre("Build/todo-ui"));
    EXPECT_THAT(workloads("source=build"), testing::IsEmpty());
    EXPECT_THAT(workloads("service=Build/todo-ui"), ElementsAre("(refused)"))
        << "not by what containers write";
    EXPECT_THAT(workloads("source=build&service=Build/other"), ElementsAre("(refused)"));
    EXPECT_EQ(ask("GET", "/api/v1/logs?source=both").status, 400u);
    (void)reply({.method = "GET", .target = "/api/v1/logs?until=2026-01-01T00:00:00Z"});
    EXPECT_EQ(logs_->until, "2026-01-01T00:00:00Z");
    EXPECT_EQ(logs_->source, LogSource::runtime);
}

TEST_F(ControlApiTest, AnUnknownServiceIsToldWithThoseThatThereAre) {
    const HttpResponse unknown = ask("POST", "/api/v1/services/todo-apu/restart", "Bearer secret");
    EXPECT_EQ(unknown.status, 404u);
    EXPECT_EQ(
        error_of(unknown),
        "no service \"todo-apu\"; there are api, migrate, todo-api, todo-ui, ui | Did you mean todo-api?");
    EXPECT_THAT(error_of(ask("GET", "/api/v1/logs?service=ui,nobody")), HasSubstr("no service \"nobody\""));
}

TEST_F(ControlApiTest, EventsGoOnAfterTheLastOne) {
    auto got = reply({.method = "GET", .target = "/api/v1/events", .last_event_id = "17"});
    ASSERT_TRUE(std::holds_alternative<HttpStream>(got));
    EXPECT_EQ(std::get<HttpStream>(got).content_type, "text/event-stream");
    EXPECT_EQ(last_, 17u);
    (void)reply({.method = "GET", .target = "/api/v1/events", .last_event_id = "x"});
    EXPECT_FALSE(last_);
}

TEST_F(ControlApiTest, LogsAreAskedForByTheirParameters) {
    auto got = reply(
        {.method = "GET",
         .target =
             "/api/v1/logs?service=ui,todo-api&pod=p&container=c&since=1m&grep=a%7Cb&tail=5&follow=true"});
    ASSERT_TRUE(std::holds_alternative<HttpStream>(got));
    EXPECT_EQ(std::get<HttpStream>(got).content_type, "application/x-ndjson");
    ASSERT_TRUE(logs_);
    EXPECT_THAT(logs_->workloads, ElementsAre("Deployment/ui", "Deployment/api", "Job/api"));
    EXPECT_THAT((std::vector{logs_->pod, logs_->container, logs_->since, logs_->grep, logs_->tail}),
                ElementsAre("p", "c", "1m", "a|b", "5"));
    EXPECT_TRUE(logs_->follow);
    EXPECT_FALSE(logs_->as_events);
    got = reply({.method = "GET", .target = "/api/v1/logs", .accept = "text/event-stream"});
    EXPECT_EQ(std::get<HttpStream>(got).content_type, "text/event-stream");
    EXPECT_THAT(logs_->workloads, testing::IsEmpty());
    EXPECT_TRUE(logs_->as_events);
}

// openapi.json has each route with its method and parameters, and no other.
TEST_F(ControlApiTest, IsWhatTheDescriptionSays) {
    const nlohmann::json document = nlohmann::json::parse(ask("GET", "/api/v1/openapi.json").body);
    std::set<std::string> described;
    for (const auto& [path, methods] : document.at("paths").items()) {
        for (const auto& [method, operation] : methods.items()) {
            std::string line = method + " " + path;
            for (const auto& parameter : operation.value("parameters", nlohmann::json::array())) {
                if (parameter.at("in") == "query") line += " " + parameter.at("name").get<std::string>();
            }
            described.insert(operation.contains("security") ? line + " token" : line);
        }
    }
    std::set<std::string> routed;
    for (const ControlApi::Route& route : ControlApi::routes()) {
        std::string line = (route.method == "GET" ? "get " : "post ") + std::string(route.path);
        for (const std::string_view parameter : route.parameters) line += " " + std::string(parameter);
        routed.insert(route.changes ? line + " token" : line);
    }
    EXPECT_EQ(described, routed);
}

TEST(ControlToken, IsComparedAsAWhole) {
    EXPECT_TRUE(same_token("abc", "abc"));
    EXPECT_FALSE(same_token("abc", "abd"));
    EXPECT_FALSE(same_token("abc", "ab"));
    EXPECT_FALSE(same_token("", "a"));
}

}  // namespace
}  // namespace synchost::host
