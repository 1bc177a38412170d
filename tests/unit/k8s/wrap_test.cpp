#include "k8s/wrap.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

using namespace std::chrono_literals;

using testing::ElementsAre;
using Words = std::vector<std::string>;

InjectedImage image_with(Words entrypoint, Words cmd) {
    InjectedImage out;
    out.entrypoint = std::move(entrypoint);
    out.cmd = std::move(cmd);
    return out;
}

// What stands behind "--".
Words own_command(const Json& container, const InjectedImage& image) {
    const auto all = supervised_command(container, image, {});
    if (!all) return {"error: " + all.error().message};
    return {std::ranges::find(*all, "--") + 1, all->end()};
}

TEST(SupervisedCommand, FallsBackToTheImageAsKubernetesDoes) {
    const InjectedImage image = image_with({"entry"}, {"cmd"});
    EXPECT_THAT(own_command({{"name", "a"}}, image), ElementsAre("entry", "cmd"));
    EXPECT_THAT(own_command({{"name", "a"}, {"args", {"x"}}}, image), ElementsAre("entry", "x"));
    EXPECT_THAT(own_command({{"name", "a"}, {"command", {"c"}}}, image), ElementsAre("c"));
    EXPECT_THAT(own_command({{"name", "a"}, {"command", {"c"}}, {"args", {"x"}}}, image),
                ElementsAre("c", "x"));
    EXPECT_THAT(own_command({{"name", "a"}, {"command", nullptr}, {"args", Json::array()}}, image),
                ElementsAre("entry", "cmd"));
}

// The kubelet reads $$ as $, wherever it stands, and $(A) as a variable: what it makes of our words is the
// image's.
TEST(SupervisedCommand, EscapesTheWordsOfTheImageAlone) {
    const InjectedImage image = image_with({"sh"}, {"$(A) $$(B) $C $", "echo $$", "$$$x", "$("});
    EXPECT_THAT(own_command({{"name", "a"}}, image),
                ElementsAre("sh", "$$(A) $$$$(B) $C $", "echo $$$$", "$$$$$$x", "$$("));
    EXPECT_THAT(own_command({{"name", "a"}, {"args", {"$(A) $$"}}}, image), ElementsAre("sh", "$(A) $$"));
}

TEST(SupervisedCommand, WritesGateGraceRootsAndHold) {
    InjectedImage image = image_with({"run"}, {});
    image.managed_paths = {"/app/", "/etc/$(x)"};
    const auto held = supervised_command({{"name", "a"}}, image, {.gate = std::chrono::milliseconds::max()});
    ASSERT_OK(held);
    EXPECT_THAT(*held, ElementsAre("/synchost/bin/synchost-agent", "run", "--name", "a", "--socket-dir",
                                   "/synchost/run", "--root", "/app/", "--root", "/etc/$$(x)", "--gate",
                                   "hold", "--grace", "2000ms", "--", "run"));
    const auto ended =
        supervised_command({{"name", "a"}}, image, {.gate = std::chrono::milliseconds(0), .may_hold = false});
    ASSERT_OK(ended);
    EXPECT_THAT(*ended, testing::IsSupersetOf({"0", "--no-hold"}));
    EXPECT_TRUE(is_supervised(*ended));
}

TEST(SupervisedCommand, NeedsACommand) {
    EXPECT_ERROR(supervised_command({{"name", "a"}}, {}, {}), Errc::invalid_input,
                 "container a: neither the manifest nor the image names a command");
}

// The words behind "--timeout 1000ms", or the error.
Words wrapped_words(const char* probe, const char* ports = "[]") {
    const Json container = {{"name", "a"}, {"ports", Json::parse(ports)}};
    const auto wrapped = wrapped_probe(Json::parse(probe), container);
    if (!wrapped) return {wrapped.error().message};
    const auto all = (*wrapped)["exec"]["command"].get<Words>();
    return {all.begin() + 6, all.end()};
}

TEST(WrappedProbe, DoesTheUsersOwnCheck) {
    EXPECT_THAT(wrapped_words(R"({"httpGet": {"port": 80}})"),
                ElementsAre("http", "--port", "80", "--path", "/"));
    EXPECT_THAT(
        wrapped_words(R"p({"httpGet": {"port": 80, "path": "/$(x)", "scheme": "HTTPS",
                                  "httpHeaders": [{"name": "A", "value": "b"}]}})p"),
        ElementsAre("http", "--port", "80", "--path", "/$$(x)", "--scheme", "https", "--header", "A: b"));
    EXPECT_THAT(wrapped_words(R"({"tcpSocket": {"port": 80}})"), ElementsAre("tcp", "--port", "80"));
    EXPECT_THAT(wrapped_words(R"({"grpc": {"port": 80, "service": "s"}})"),
                ElementsAre("grpc", "--port", "80", "--service", "s"));
    EXPECT_THAT(wrapped_words(R"p({"exec": {"command": ["sh", "$(A)"]}})p"),
                ElementsAre("exec", "--", "sh", "$(A)"));
}

TEST(WrappedProbe, ResolvesPortsByName) {
    const char* ports =
        R"([{"containerPort": 1}, {"name": "web", "containerPort": 8080}, {"name": "bad", "containerPort": "x"}])";
    EXPECT_THAT(wrapped_words(R"({"tcpSocket": {"port": "web"}})", ports),
                ElementsAre("tcp", "--port", "8080"));
    EXPECT_THAT(wrapped_words(R"({"tcpSocket": {"port": "81"}})", ports), ElementsAre("tcp", "--port", "81"));
    EXPECT_THAT(wrapped_words(R"({"tcpSocket": {"port": "wep"}})", ports),
                ElementsAre("container a: probe of port \"wep\", which is none of its ports"));
    EXPECT_THAT(wrapped_words(R"({"tcpSocket": {"port": "bad"}})", ports),
                ElementsAre("container a: containerPort of \"bad\" is not a number from 1 to 65535"));
}

// The kubelet's own clock for an exec probe runs from before the process is started.
TEST(WrappedProbe, KeepsTimingAndTakesTheTimeout) {
    const Json probe = {{"httpGet", {{"port", 80}}}, {"periodSeconds", 3}, {"timeoutSeconds", 7}};
    const auto wrapped = wrapped_probe(probe, {{"name", "a"}});
    ASSERT_OK(wrapped);
    EXPECT_EQ((*wrapped)["periodSeconds"], 3);
    EXPECT_EQ((*wrapped)["timeoutSeconds"], 12);
    EXPECT_EQ((*wrapped)["exec"]["command"][5], "7000ms");
    EXPECT_FALSE(wrapped->contains("httpGet"));
    EXPECT_EQ(wrapped_probe(*wrapped, {{"name", "a"}}).value(), *wrapped) << "wrapped twice";
}

TEST(WrappedProbe, HasATimeoutThatTheAgentTakes) {
    for (const auto& [written, agent, kubelet] :
         {std::tuple("0", "1000ms", 6), std::tuple("2147483647", "86400000ms", 86'405)}) {
        const Json probe = {{"tcpSocket", {{"port", 80}}}, {"timeoutSeconds", Json::parse(written)}};
        const auto wrapped = wrapped_probe(probe, {{"name", "a"}});
        ASSERT_OK(wrapped);
        EXPECT_EQ((*wrapped)["exec"]["command"][5], agent);
        EXPECT_EQ((*wrapped)["timeoutSeconds"], kubelet);
    }
}

TEST(WrappedProbe, GrantsAProcessTheTimeThatTheFirstOneHad) {
    const auto boot = [](const char* container) { return boot_time(Json::parse(container)); };
    EXPECT_EQ(boot("{}").value(), 0s);
    EXPECT_EQ(boot(R"({"livenessProbe": {"periodSeconds": 7}})").value(), 0s);
    EXPECT_EQ(boot(R"({"livenessProbe": {"initialDelaySeconds": 7}})").value(), 7s);
    EXPECT_EQ(boot(R"({"startupProbe": {}, "livenessProbe": {"initialDelaySeconds": 7}})").value(), 30s);
    EXPECT_EQ(boot(R"({"startupProbe": {"periodSeconds": 0, "failureThreshold": 0}})").value(), 30s);
    EXPECT_EQ(
        boot(R"({"startupProbe": {"initialDelaySeconds": 5, "periodSeconds": 2, "failureThreshold": 4}})")
            .value(),
        13s);
    EXPECT_EQ(
        boot(R"({"startupProbe": {"periodSeconds": 2147483647, "failureThreshold": 2147483647}})").value(),
        24h);
    for (const char* bad : {R"({"startupProbe": {"periodSeconds": "2"}})", R"({"startupProbe": []})",
                            R"({"livenessProbe": {"initialDelaySeconds": -1}})",
                            R"({"startupProbe": {"failureThreshold": 2147483648}})"})
        EXPECT_ERROR(boot(bad), Errc::invalid_input, "container ") << bad;

    const auto wrapped = wrapped_probe({{"tcpSocket", {{"port", 80}}}}, {{"name", "a"}}, 13s);
    ASSERT_OK(wrapped);
    EXPECT_EQ((*wrapped)["exec"]["command"][6], "--boot");
    EXPECT_EQ((*wrapped)["exec"]["command"][7], "13s");
}

TEST(WrappedProbe, LeavesChecksOfAnotherHostToTheKubelet) {
    for (const char* text : {R"({"httpGet": {"port": 80, "host": "gateway"}, "timeoutSeconds": 3})",
                             R"({"tcpSocket": {"port": "no-port-of-ours", "host": "10.0.0.1"}})"}) {
        const Json probe = Json::parse(text);
        EXPECT_EQ(wrapped_probe(probe, {{"name", "a"}}).value(), probe);
    }
    EXPECT_ERROR(wrapped_probe(Json::parse(R"({"tcpSocket": {"port": 80, "host": 1}})"), {{"name", "a"}}),
                 Errc::invalid_input, "host is not a string");
}

TEST(WrappedProbe, RefusesFieldsOfTheWrongType) {
    for (const char* probe :
         {"5", "[]", R"({"httpGet": 5})", R"({"httpGet": {}})", R"({"httpGet": {"port": {}}})",
          R"({"httpGet": {"port": 0}})", R"({"httpGet": {"port": 65536}})",
          R"({"httpGet": {"port": 80, "path": 5}})", R"({"tcpSocket": {"port": 1.5}})",
          R"({"httpGet": {"port": 80, "httpHeaders": 5}})",
          R"({"httpGet": {"port": 80, "httpHeaders": [{"name": 5}]}})", R"({"tcpSocket": []})",
          R"({"grpc": {"port": 80, "service": 5}})", R"({"exec": {"command": [1]}})",
          R"({"exec": {"command": "ls"}})", R"({"exec": {}})",
          R"({"exec": {"command": ["ls"]}, "timeoutSeconds": "5"})"}) {
        EXPECT_ERROR(wrapped_probe(Json::parse(probe), {{"name", "a"}}), Errc::invalid_input, "container a: ")
            << probe;
    }
}

}  // namespace
}  // namespace synchost::k8s
