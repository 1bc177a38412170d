#include "host/control/status.hpp"

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

Status example() {
    Status out{.version = "0.1.0",
               .project = "todo",
               .folder = "/home/u/todo",
               .pid = 4711,
               .ui = "http://127.0.0.1:10360",
               .runtime = "podman runtime",
               .deploying = true,
               .images = {},
               .pods = {},
               .services = {}};
    out.images = {{.name = "api", .digest = "sha256:11", .generation = 7, .paths = 14},
                  {.name = "ui", .digest = "", .building = true, .build_failed = true}};
    ContainerStatus web{
        .name = "web", .image = "api", .state = "running", .generation = 7, .current = true, .starts = 3};
    web.gate = GateOutcome::current;
    web.verified = Verification{.paths = 14, .foreign = 12};
    for (int i = 0; i < 12; ++i)
        web.verified->foreign_paths.push_back("/app/__pycache__/" + std::to_string(i));
    ContainerStatus worker{.name = "worker", .image = "api", .state = "held", .generation = 6, .starts = 1};
    worker.exit_code = 139;
    worker.gate = GateOutcome::without_host;
    worker.last_error = "apply a.py: No space left\nand more";
    worker.next_step = "Free some.";
    worker.last_output = "Traceback\n\x1b[31mboom\n";
    worker.verified = Verification{.paths = 14,
                                   .differing = 3,
                                   .differences = {{"/app/a.py", "content differs"}, {"/app/b", "missing"}}};
    ContainerStatus away{.name = "away", .image = "ui", .state = "unknown"};
    away.verified = Verification{.problem = "the agent is not connected"};
    out.pods = {
        {.name = "api-0", .workload = "Deployment/api", .connected = true, .containers = {web, worker}},
        {.name = "ui-0", .workload = "Pod/ui", .containers = {away}}};
    ServiceStatus api{.name = "api", .workload = "Deployment/api", .images = {"api"}};
    api.labels = {{"app", "api"}};
    api.depends_on = {"Job/migrate"};
    api.manual = true;
    api.state = ServiceState::crashed;
    api.reason = "api-0/worker: exit code 139\nit starts again";
    api.next_step = "Save.";
    api.since_ns = 1'767'225'600'000'000'001;
    api.replicas = {.wanted = 2, .there = 1, .current = 0};
    api.restarts = 2;
    api.paused = true;
    api.ports = {
        {.port = 80, .local = 41'000, .url = "http://127.0.0.1:41000", .problem = "port 80 is taken"},
        {.port = 81}};
    api.links = {{"Admin", "http://localhost/admin"}};
    api.probes = {{"web", "liveness", "tcp :80 every 10 s"}};
    api.last_change = 17;
    out.services = {api, {.name = "migrate", .workload = "Job/migrate", .state = ServiceState::ended}};
    return out;
}

TEST(StatusJson, IsReadBackAsItWas) {
    const auto back = parse_status(to_json(example()));
    ASSERT_OK(back);
    EXPECT_EQ(*back, example());
    EXPECT_OK(parse_status(to_json(Status{})));
}

TEST(StatusJson, IsOneLineOfUtf8WhateverIsInIt) {
    Status status = example();
    status.pods[0].containers[0].last_output = "a\nb\xff\xfe";
    const std::string json = to_json(status);
    EXPECT_FALSE(json.contains('\n'));
    const auto back = parse_status(json);
    ASSERT_OK(back);
    EXPECT_EQ(back->pods[0].containers[0].last_output, "a\nb\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(StatusJson, EveryTruncationIsAnError) {
    const std::string json = to_json(example());
    for (std::size_t size = 0; size < json.size(); ++size)
        EXPECT_ERROR(parse_status(json.substr(0, size)), Errc::protocol, "synchost watch");
}

// Every value of every object, one at a time.
void spoil_each(const nlohmann::json& whole, const nlohmann::json::json_pointer& at, int& spoiled) {
    const nlohmann::json& here = whole.at(at);
    if (!here.is_structured()) {
        const bool ignored = at.back() == "equal" || at.back() == "well" || at.back() == "exit_code";
        if (ignored) return;
        nlohmann::json wrong = whole;
        wrong[at] = nlohmann::json::array({nlohmann::json::array()});
        EXPECT_ERROR(parse_status(wrong.dump()), Errc::protocol, "synchost watch") << at.to_string();
        ++spoiled;
        return;
    }
    for (const auto& [key, value] : here.items())
        spoil_each(whole, here.is_array() ? at / static_cast<std::size_t>(std::stoul(key)) : at / key,
                   spoiled);
}

TEST(StatusJson, EveryWrongTypeIsAnError) {
    int spoiled = 0;
    spoil_each(nlohmann::json::parse(to_json(example())), nlohmann::json::json_pointer(), spoiled);
    EXPECT_GT(spoiled, 60);
    for (const char* text : {"[]", "1", "null", "\"x\"", R"({"images": {}, "pods": []})", R"({"pods": [1]})"})
        EXPECT_ERROR(parse_status(text), Errc::protocol, "is not what it should be") << text;
}

TEST(StatusJson, NumbersKeepToTheirBounds) {
    nlohmann::json json = nlohmann::json::parse(to_json(example()));
    json["pods"][0]["containers"][0]["exit_code"] = 255;
    EXPECT_OK(parse_status(json.dump()));
    json["pods"][0]["containers"][0]["exit_code"] = 256;
    EXPECT_ERROR(parse_status(json.dump()), Errc::protocol, "exit_code");
    json["pods"][0]["containers"][0]["exit_code"] = nullptr;
    json["pid"] = -1;
    EXPECT_ERROR(parse_status(json.dump()), Errc::protocol, "pid");
    json["pid"] = 1.5;
    EXPECT_ERROR(parse_status(json.dump()), Errc::protocol, "pid");
}

TEST(StatusJson, APortIsOpenWhereItHasALocalOne) {
    nlohmann::json json = nlohmann::json::parse(to_json(example()));
    EXPECT_EQ(json["services"][0]["ports"][1]["local"], nullptr);
    nlohmann::json wrong = json;
    wrong["services"][0]["ports"][0]["state"] = "closed";
    EXPECT_ERROR(parse_status(wrong.dump()), Errc::protocol, "state");
    wrong["services"][0]["ports"][0]["state"] = "ajar";
    EXPECT_ERROR(parse_status(wrong.dump()), Errc::protocol, "state");
    json["services"][1]["since"] = "yesterday";
    EXPECT_ERROR(parse_status(json.dump()), Errc::protocol, "since");
}

TEST(StatusJson, DepthAndSizeAreBounded) {
    EXPECT_ERROR(parse_status(std::string(100'000, '[')), Errc::protocol, "past its bounds");
    EXPECT_ERROR(parse_status(std::string(kMaxStatusBytes + 1, ' ')), Errc::protocol, "past its bounds");
    EXPECT_ERROR(parse_status(std::string(kMaxStatusBytes, ' ')), Errc::protocol, "is not JSON");
    Status brackets = example();
    brackets.folder = std::string(100, '[') + "\"\\" + std::string(100, '{');
    const auto back = parse_status(to_json(brackets));
    ASSERT_OK(back);
    EXPECT_EQ(back->folder, brackets.folder);
}

TEST(ErrorJson, IsReadBackAsItWas) {
    const auto error = parse_error(to_json(Error{Errc::conflict, "it is \"so\"", 0, "Do this."}));
    ASSERT_OK(error);
    EXPECT_EQ(error->code, Errc::io);
    EXPECT_EQ(error->message, "it is \"so\"");
    EXPECT_EQ(error->next_step, "Do this.");
    for (const char* text : {R"({"error": 1, "next_step": ""})", R"({"error": "x"})", "[]", "", "not"})
        EXPECT_ERROR(parse_error(text), Errc::protocol, "synchost watch") << text;
}

TEST(Status, IsWellWhereEveryContainerIsCurrentAndEqual) {
    Status status;
    EXPECT_FALSE(status.all_well()) << "no pod is there yet";
    status.pods = {{.name = "p",
                    .workload = "Pod/p",
                    .connected = true,
                    .containers = {{.name = "c", .current = true}}}};
    EXPECT_TRUE(status.all_well());
    ContainerStatus& container = status.pods[0].containers[0];
    container.verified = Verification{.foreign = 3};
    EXPECT_TRUE(status.all_well());
    container.verified->differing = 1;
    EXPECT_FALSE(status.all_well());
    container.verified = Verification{.problem = "x"};
    EXPECT_FALSE(status.all_well());
    container.verified.reset();
    container.current = false;
    EXPECT_FALSE(status.all_well());
    container.current = true;
    status.deploying = true;
    EXPECT_FALSE(status.all_well());
    status.deploying = false;
    status.images = {{.name = "i", .build_failed = true}};
    EXPECT_FALSE(status.all_well());
}

TEST(StatusText, TellsWhatThereIs) {
    EXPECT_EQ(to_text(example()), R"(todo: synchost 0.1.0, pid 4711, /home/u/todo
page http://127.0.0.1:10360
image api: generation 7, 14 paths
image ui: generation 0, 0 paths, is being built, the last build failed
being deployed
service api (Deployment/api): crashed, 0 of 2 pods, paused
  api-0/worker: exit code 139
  it starts again
  Save.
  port 80: http://127.0.0.1:41000
  port 80: port 80 is taken
  Admin: http://localhost/admin
service migrate (Job/migrate): ended
pod api-0 (Deployment/api)
  web (api): running, generation 7, current, started with current files
    started 3 times
    equal: 14 paths
    beside them, not of your tree: 12 paths
      /app/__pycache__/0
      /app/__pycache__/1
      /app/__pycache__/2
      /app/__pycache__/3
      /app/__pycache__/4
      /app/__pycache__/5
      /app/__pycache__/6
      /app/__pycache__/7
      /app/__pycache__/8
      /app/__pycache__/9
      and 2 more
  worker (api): held, generation 6, not current, started before its files were current
    exit code 139
    error: apply a.py: No space left
    error: and more
    Free some.
    | Traceback
    | \x1b[31mboom
    differs: 3 of 14 paths
      /app/a.py: content differs
      /app/b: missing
      and 1 more
pod ui-0 (Pod/ui): not connected
  away (ui): unknown, generation 0, not current
    not verified: the agent is not connected
)");
    EXPECT_TRUE(to_text(Status{}).ends_with("no pods yet\n"));
}

}  // namespace
}  // namespace synchost::host
