// Prints what the API really says, a JSON document for each schema of openapi.json that stands for an answer:
// openapi_test.py holds the two together.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <string>

#include "host/control/api.hpp"
#include "host/control/build_log.hpp"
#include "host/control/change_log.hpp"
#include "host/control/event_feed.hpp"
#include "host/control/snapshot.hpp"
#include "host/control/status.hpp"
#include "host/logs/log_record.hpp"

using namespace synchost;
using namespace synchost::host;

namespace {

void print(const char* schema, const std::string& json) {
    std::printf("%s %s\n", schema, json.c_str());
}

Status whole_status() {
    ContainerStatus held{.name = "web", .image = "api", .state = "held", .generation = 6, .starts = 2};
    held.exit_code = 139;
    held.gate = GateOutcome::without_host;
    held.last_error = "no space left";
    held.next_step = "Free some.";
    held.last_output = "boom\n";
    held.verified = Verification{.paths = 2,
                                 .differing = 1,
                                 .differences = {{"/app/a.py", "missing"}},
                                 .foreign = 1,
                                 .foreign_paths = {"/app/b.pyc"}};
    const ContainerStatus fresh{.name = "other", .image = "api", .state = "running", .current = true};
    ServiceStatus api{.name = "api", .workload = "Deployment/api", .images = {"api"}};
    api.labels = {{"app", "api"}};
    api.depends_on = {"Deployment/db"};
    api.manual = true;
    api.state = ServiceState::crashed;
    api.reason = "exit code 139";
    api.since_ns = 1'767'225'600'000'000'001;
    api.replicas = {.wanted = 1, .there = 1, .current = 0};
    api.ports = {{.port = 80, .local = 8080, .url = "http://127.0.0.1:8080", .problem = "taken"},
                 {.port = 81}};
    api.links = {{"Admin", "http://localhost:8080/admin"}};
    api.probes = {{"web", "readiness", "http GET :8080/ every 10 s"}};
    api.last_change = 17;
    const ServiceStatus job{.name = "migrate", .workload = "Job/migrate", .state = ServiceState::ended};
    return {.version = "1",
            .project = "p",
            .folder = "/p",
            .pid = 1,
            .runtime = "podman runtime",
            .images = {{.name = "api", .digest = "sha256:00", .generation = 7, .paths = 2}},
            .pods = {{.name = "api-0",
                      .workload = "Deployment/api",
                      .connected = true,
                      .containers = {held, fresh}}},
            .services = {api, job}};
}

class KeptLines final : public ByteSource {
  public:
    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (std::exchange(told_, true)) co_return std::nullopt;
        co_return to_json(LogRecord{.pod = "api-0", .container = "app", .text = "a"}, "Deployment/api") +
            '\n' + std::string(kLogGapJson) + '\n';
    }
    boost::asio::awaitable<void> wait() override { co_return; }
    [[nodiscard]] std::string heartbeat() const override { return {}; }

  private:
    bool told_ = false;
};

boost::asio::awaitable<void> print_snapshot(const ControlBackend& backend) {
    const auto source = make_snapshot(backend);
    std::string out;
    while (const auto piece = co_await source->next()) out += *piece;
    std::erase(out, '\n');
    print("Snapshot", out);
}

void print_snapshot() {
    boost::asio::io_context io(1);
    const ControlBackend backend{
        .status = whole_status,
        .verified_status = {},
        .services = [] { return std::vector<ServiceEntry>{{"Deployment/api", "api", {}}}; },
        .restart = {},
        .trigger = {},
        .set_paused = {},
        .set_stopped = {},
        .describe = [](std::string) -> boost::asio::awaitable<Result<ServiceDetail>> {
            co_return fail(Errc::cluster, "it does not answer");
        },
        .changes = []() -> const ChangeLog& {
            static ChangeLog log;
            if (log.last({}, 1).empty()) log.add({.image = "api", .services = {}, .sources = {}});
            return log;
        },
        .builds = []() -> const BuildLog& {
            static BuildLog log;
            if (log.list({}).empty()) log.add({.image = "api", .steps = {}});
            return log;
        },
        .events = {},
        .kept_events =
            [] { return std::vector<std::string>{to_json(Event{.kind = "synced", .tone = "good"})}; },
        .logs = [](LogRequest) -> boost::asio::awaitable<Result<std::unique_ptr<ByteSource>>> {
            co_return std::make_unique<KeptLines>();
        }};
    boost::asio::co_spawn(io, print_snapshot(backend), boost::asio::detached);
    io.run();
}

}  // namespace

int main() {
    print("Status", to_json(whole_status()));
    print("Status", to_json(Status{}));
    const ChangeRecord sync{
        .id = 17,
        .time_ns = 1'767'225'600'000'000'001,
        .image = "api",
        .services = {"Deployment/api"},
        .outcome = SaveOutcome::done,
        .sources = {"api/app.py"},
        .source_count = 1,
        .reason = "COPY lays it at /srv/api/app.py",
        .generation = 12,
        .containers = 2,
        .files = {{"/srv/api/app.py", "api/app.py", false}, {"/srv/api/old.py", "", true}},
        .file_count = 2,
        .after = "restart",
        .phases = {{"detected", std::chrono::microseconds(2'300)}},
        .total = std::chrono::microseconds(5'900),
        .build = 5,
        .error = "it broke",
        .next_step = "Mend it."};
    const ChangeRecord ignored{
        .id = 18, .services = {}, .kind = SaveKind::ignored, .outcome = SaveOutcome::done, .sources = {}};
    print("Change", to_json(sync));
    print("Change", to_json(ignored));
    const std::vector<const ChangeRecord*> changes = {&sync, &ignored};
    print("Changes", changes_json(changes));
    const BuildRecord build{.id = 5,
                            .image = "api",
                            .time_ns = 1'767'225'600'000'000'001,
                            .state = BuildState::built,
                            .time = std::chrono::milliseconds(2'400),
                            .layers = 7,
                            .cause = "requirements.txt: RUN may read it",
                            .steps = {{.line = 24,
                                       .text = "RUN pip install",
                                       .stage = "0",
                                       .time = std::chrono::milliseconds(2'000),
                                       .why = {"requirements.txt changed"}},
                                      {.line = 25, .text = "RUN exit 1", .failed = true, .why = {}}}};
    print("Build", to_json(build));
    print("Build", to_json(BuildRecord{.steps = {}}));
    const std::vector<const BuildRecord*> builds = {&build};
    print("Builds", builds_json(builds));
    ServiceDetail detail{.service = whole_status().services.front(), .pods = {}, .pods_problem = "no events"};
    detail.pods.push_back({.workload = "Deployment/api", .name = "api-0", .phase = "Running", .ready = true});
    detail.pods[0].containers = {{.name = "web", .image = "api", .state = "terminated", .exit_code = 137},
                                 {.name = "other", .image = "api", .state = "running"}};
    detail.pods[0].events = {{.type = "Warning", .reason = "BackOff", .message = "again", .count = 3}};
    print("ServiceDetail", to_json(detail));
    print("Event", to_json(Event{.id = 1'767'225'600'000'000,
                                 .time_ns = 1'767'225'600'000'000'001,
                                 .kind = "failed",
                                 .tone = "bad",
                                 .subject = "api",
                                 .text = "it\nbroke",
                                 .next_step = "Mend it."}));
    print("LogRecord", to_json(LogRecord{.time_ns = 1'767'225'600'000'000'001,
                                         .pod = "api-0",
                                         .container = "app",
                                         .text = "a\xff\n",
                                         .error_stream = true},
                               "Deployment/api"));
    print("LogGap", std::string(kLogGapJson));
    print_snapshot();
    print("Error", error_response(404, "there is none", "Make one.").body);
    return 0;
}
