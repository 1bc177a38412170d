// Real podman, a real docker-registry and the real agent; everything is started and stopped by the runtime
// itself.
#include "host/runtime/podman/podman_runtime.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/podman_image.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr std::string_view kManifests = R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {greeting: GREETING}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: api}}
    spec:
      terminationGracePeriodSeconds: 2
      securityContext: {runAsUser: 1000, runAsNonRoot: true}
      containers:
        - name: api
          image: api
          env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: words, key: greeting}}}]
          ports: [{name: http, containerPort: 8080}]
          volumeMounts: [{name: words, mountPath: /www/words}]
      volumes: [{name: words, configMap: {name: words}}]
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: PLAIN
          command: [/bin/sh, -c, "echo one; echo two >&2; exec sleep 1000"]
)";

std::string replaced(std::string text, std::string_view from, const std::string& to) {
    const std::size_t at = text.find(from);
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class PodmanRuntimeTest : public testing::Test {
  protected:
    PodmanRuntimeTest() : agent_(read_file(SYNCHOST_AGENT).value()) {}

    Result<std::unique_ptr<Runtime>> make() {
        return make_podman_runtime({.project = "sht" + std::to_string(getpid()),
                                    .state = folder_.path() / "state",
                                    .cache = folder_.path() / "cache",
                                    .registry = std::nullopt,
                                    .key = key_,
                                    .agent_binary = agent_});
    }
    void start() {
        auto made = make();
        ASSERT_OK(made);
        runtime_ = *std::move(made);
        const auto registry = runtime_->registry();
        ASSERT_OK(registry);
        registry_ = registry->push;
        EXPECT_EQ(registry->pull, registry->push);
        image_.emplace(registry_);
    }
    Result<std::vector<RunningPod>> apply(const std::string& greeting = "hello") {
        const std::string text =
            replaced(replaced(std::string(kManifests), "GREETING", greeting), "PLAIN", image_->pinned());
        manifests_ = k8s::parse_manifests(text, "app.yaml").value();
        k8s::InjectOptions options{.agent_image = image_->pinned(),
                                   .secret_name = "synchost-key",
                                   .gate = std::chrono::milliseconds(0)};
        options.images["api"] = {.pinned = image_->pinned(),
                                 .entrypoint = {"/bin/httpd"},
                                 .cmd = {"-f", "-p", "8080", "-h", "/www"},
                                 .uid = 1000,
                                 .gid = 1000,
                                 .managed_paths = {"/www/"}};
        std::vector<RunningPod> pods;
        RuntimeEvents events;
        events.on_pods = [&pods](std::vector<RunningPod> told) { pods = std::move(told); };
        runtime_->observe(std::move(events));
        TRY(runtime_->apply(manifests_, options, {}));
        runtime_->observe({});
        return pods;
    }
    [[nodiscard]] std::string podman_name(const std::string& pod) const {
        return "sht" + std::to_string(getpid()) + "-" + pod;
    }
    // A page as the container sees it, asked again until it answers; without the answer's head.
    [[nodiscard]] std::string fetch_inside(const std::string& container, const std::string& host,
                                           const std::string& path) const {
        const std::string ask = "printf 'GET " + path + " HTTP/1.0\\r\\n\\r\\n' | nc -w 5 " + host + " 80";
        const std::string page =
            run({"podman", "exec", podman_name(container), "/bin/sh", "-c",
                 "for i in 1 2 3 4 5 6 7 8 9 10; do " + ask + " && exit; sleep 1; done"});
        const std::size_t body = page.find("\r\n\r\n");
        return body == std::string::npos ? page : page.substr(body + 4);
    }
    static std::string run(std::vector<std::string> argv) {
        const auto done = run_command({.argv = std::move(argv)});
        return done ? done->out : done.error().message;
    }
    static bool answers(const std::string& url) {
        const auto done = run_command({.argv = {"curl", "--noproxy", "*", "-sf", "-m", "2", url}});
        return done && done->exit_code == 0;
    }
    [[nodiscard]] std::string our_pods() const {
        return run({"podman", "pod", "ps", "--noheading", "--filter", "name=^" + podman_name(""), "--format",
                    "{{.Name}}"});
    }
    [[nodiscard]] std::string address_of(const std::string& pod) const {
        const std::string infra =
            run({"podman", "pod", "inspect", "--format", "{{.InfraContainerID}}", podman_name(pod)});
        return run({"podman", "inspect", "--format",
                    "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
                    infra.substr(0, infra.find('\n'))});
    }

    TempDir folder_ = TempDir::make("rt").value();
    protocol::PskKey key_ = protocol::PskKey::generate().value();
    std::string agent_;
    std::string registry_;
    std::unique_ptr<Runtime> runtime_;
    std::optional<test::PodmanImage> image_;
    std::vector<k8s::Manifest> manifests_;
};

TEST_F(PodmanRuntimeTest, PodsReachEachOtherByServiceAndTheHostByLoopbackAlone) {
    start();
    const auto pods = apply();
    ASSERT_OK(pods);
    ASSERT_EQ(pods->size(), 3U);
    EXPECT_EQ(pods->at(0).workload, "Deployment/api");
    EXPECT_EQ(pods->at(1).name, "api-1");
    EXPECT_THAT(pods->at(0).containers, ElementsAre(Pair("api", image_->pinned())));
    EXPECT_THAT(pods->at(2).containers, IsEmpty());
    EXPECT_TRUE(std::filesystem::is_socket(std::get<UnixAddress>(pods->at(0).agent).socket));

    EXPECT_EQ(fetch_inside("web-0-web", "api", "/index.html"), "hello\n");
    EXPECT_EQ(fetch_inside("web-0-web", "api.default.svc.cluster.local", "/words/greeting"), "hello");
    EXPECT_THAT(run({"podman", "exec", podman_name("api-0-api"), "/bin/id", "-u"}), "1000\n");

    const auto detail = runtime_->describe({"Deployment/api"});
    ASSERT_OK(detail);
    ASSERT_EQ(detail->pods.size(), 2U);
    EXPECT_EQ(detail->pods[0].name, "api-0");
    EXPECT_EQ(detail->pods[0].phase, "Running");
    EXPECT_NE(detail->pods[0].started, "");
    ASSERT_EQ(detail->pods[0].containers.size(), 2U);
    EXPECT_EQ(detail->pods[0].containers[0].name, "api");
    EXPECT_TRUE(detail->pods[0].containers[1].ours);
    EXPECT_EQ(detail->problem, "");

    const auto ports = runtime_->ports();
    ASSERT_OK(ports);
    ASSERT_EQ(ports->size(), 1U);
    EXPECT_EQ(ports->front().service, "api");
    EXPECT_EQ(ports->front().port, 80);
    const std::string local = ":" + std::to_string(ports->front().local) + "/index.html";
    EXPECT_TRUE(answers("http://127.0.0.1" + local));
    EXPECT_FALSE(answers("http://127.0.0.2" + local));
    const std::string own = run({"hostname", "-I"});
    const std::string address = own.substr(0, own.find_first_of(" \n"));
    if (!address.empty()) EXPECT_FALSE(answers("http://" + address + local));
    EXPECT_OK(runtime_->down());
}

TEST_F(PodmanRuntimeTest, ChangedPodIsReplacedInItsSeatAndUnchangedOneStays) {
    start();
    const auto before = apply();
    ASSERT_OK(before);
    const std::string address = address_of("api-0");
    const auto same = apply();
    ASSERT_OK(same);
    EXPECT_EQ(same->at(0).id, before->at(0).id);
    const auto after = apply("changed");
    ASSERT_OK(after);
    EXPECT_NE(after->at(0).id, before->at(0).id);
    EXPECT_EQ(after->at(0).name, before->at(0).name);
    EXPECT_EQ(after->at(2).id, before->at(2).id);
    EXPECT_EQ(address_of("api-0"), address);
    EXPECT_EQ(fetch_inside("web-0-web", "api", "/words/greeting"), "changed");
    EXPECT_OK(runtime_->down());
}

TEST_F(PodmanRuntimeTest, DownLeavesNothingAndMayComeTwice) {
    start();
    ASSERT_OK(apply());
    ASSERT_OK(runtime_->down());
    EXPECT_EQ(our_pods(), "");
    EXPECT_FALSE(answers("http://" + registry_ + "/v2/"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "state" / "pods"));
    EXPECT_OK(runtime_->down());
}

TEST_F(PodmanRuntimeTest, SecondRuntimeOfAProjectIsRefusedWithTheFirstOnesPid) {
    start();
    EXPECT_ERROR(make(), Errc::conflict, "pid " + std::to_string(getpid()));
}

TEST_F(PodmanRuntimeTest, LeftoversOfACrashAreRemoved) {
    start();
    runtime_.reset();
    const std::string pods = podman_name("");
    const pid_t child = fork();
    if (child == 0) {
        auto made = make();
        if (made) runtime_ = *std::move(made);
        const bool ready = runtime_ && runtime_->registry();
        if (ready) image_.emplace(runtime_->registry()->push);
        const bool applied = ready && apply();
        _exit(applied ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    const auto left = [&] {
        return run({"podman", "pod", "ps", "--format", "{{.Name}}", "--filter",
                    "name=^sht" + std::to_string(child)});
    };
    EXPECT_THAT(left(), HasSubstr("api-0"));
    ASSERT_OK(make());
    EXPECT_EQ(left(), "");
}

TEST_F(PodmanRuntimeTest, AgentThatEndsIsToldWithItsLastWords) {
    agent_ = "#!/bin/sh\necho no such luck >&2\nexit 3\n";
    start();
    const auto pods = apply();
    EXPECT_ERROR(pods, Errc::cluster, "no such luck");
    EXPECT_OK(runtime_->down());
    EXPECT_EQ(our_pods(), "");
}

TEST_F(PodmanRuntimeTest, LogsComeByPodContainerAndStream) {
    start();
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> lines;
    ASSERT_OK(runtime_->follow_logs([&](const LogLine& line) {
        const std::lock_guard lock(mutex);
        if (line.pod == "web-0")
            lines.push_back(line.container + (line.error_stream ? "! " : ": ") + line.text);
        changed.notify_all();
    }));
    ASSERT_OK(apply());
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return lines.size() >= 2; }));
    EXPECT_THAT(lines, testing::UnorderedElementsAre("web: one", "web! two"));
    lock.unlock();
    EXPECT_OK(runtime_->down());
}

}  // namespace
}  // namespace synchost::host
