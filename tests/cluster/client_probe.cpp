// The client against a real API server. client_test.py starts this with a kubeconfig, a namespace and the pod
// "probe" in it, and is asked by it to disturb the cluster.
#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "base/subprocess.hpp"
#include "integration/k8s/forward_fixture.hpp"
#include "k8s/client/exec.hpp"
#include "k8s/kubeconfig/guard.hpp"

namespace synchost::k8s {
namespace {

namespace asio = boost::asio;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string setting(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

// Has client_test.py do this to the cluster, and waits for its end.
void disturb(const std::string& how) {
    ASSERT_OK(check_output(
        {.argv = {setting("PROBE_PYTHON"), "-B", setting("PROBE_SCRIPT"), "--disturb", how}}, Errc::io));
}

class Cluster : public ForwardTest {
  protected:
    void SetUp() override {
        const auto loaded = Kubeconfig::load({setting("KUBECONFIG")});
        ASSERT_OK(loaded);
        const auto context = loaded->context("");
        ASSERT_OK(context);
        ASSERT_OK(guard_context(*context, {}));
        connect(*context);
    }
    std::string inside(const std::string& collection, const std::string& name = "") {
        return "/api/v1/namespaces/" + setting("PROBE_NAMESPACE") + "/" + collection +
               (name.empty() ? "" : "/" + name);
    }
    static Json config_map(const std::string& name, const std::string& value) {
        return {
            {"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata",
             {{"name", name}, {"namespace", setting("PROBE_NAMESPACE")}, {"labels", {{"probe", "watched"}}}}},
            {"data", {{"key", value}}}};
    }
    Result<Json> apply(const std::string& name, const std::string& value) {
        return io_.await(client_->apply(inside("configmaps", name), config_map(name, value)));
    }
    Result<> remove(const std::string& name, const std::string& uid) {
        return io_.await(client_->remove(inside("configmaps", name), uid, Propagation::background));
    }
    Result<ExecResult> run(std::vector<std::string> argv, std::optional<std::string> input = std::nullopt) {
        return io_.await(exec(*client_, inside("pods", "probe"),
                              {.container = "app",
                               .argv = std::move(argv),
                               .input = std::move(input),
                               .max_output_bytes = std::size_t{4} << 20}));
    }
    void forward_to(std::uint16_t port) {
        io_.call([&] {
            ForwardOptions to = options();
            const PortTarget target{inside("pods", "probe"), port};
            to.patience = std::chrono::minutes(1);  // a busy machine starts an API server slowly
            to.choose = [target]() -> asio::awaitable<Result<PortTarget>> { co_return target; };
            auto made = PortForward::on_port(io_.executor(), client_, 0, std::move(to));
            ASSERT_OK(made);
            forward_ = *std::move(made);
        });
    }
};

TEST_F(Cluster, SaysItsVersionAndItsKinds) {
    const auto version = io_.await(client_->version());
    ASSERT_OK(version);
    EXPECT_EQ(version->major, 1);
    EXPECT_GE(version->minor, 29);
    EXPECT_THAT(version->git_version, testing::StartsWith("v1." + std::to_string(version->minor)));
    const auto deployment = io_.await(client_->resource("apps/v1", "Deployment"));
    ASSERT_OK(deployment);
    EXPECT_EQ(resource_path(*deployment, "n", "d"), "/apis/apps/v1/namespaces/n/deployments/d");
    const auto space = io_.await(client_->resource("v1", "Namespace"));
    ASSERT_OK(space);
    EXPECT_FALSE(space->namespaced);
    EXPECT_ERROR(io_.await(client_->resource("example.com/v1", "Nothing")), Errc::not_found, "Nothing");
}

TEST_F(Cluster, AppliesAsItsOwnManager) {
    const auto dry =
        io_.await(client_->apply(inside("configmaps", "dry"), config_map("dry", "1"), /*dry_run=*/true));
    ASSERT_OK(dry);
    EXPECT_ERROR(io_.await(client_->get(inside("configmaps", "dry"))), Errc::not_found, "\"dry\" not found");
    const auto made = apply("own", "1");
    ASSERT_OK(made);
    EXPECT_EQ(made->at("metadata").at("managedFields").at(0).at("manager"), "synchost");
    const auto changed = apply("own", "2");
    ASSERT_OK(changed);
    EXPECT_EQ(changed->at("data").at("key"), "2");
    const auto uid = changed->at("metadata").at("uid").get<std::string>();
    EXPECT_ERROR(remove("own", "another"), Errc::conflict, "own");
    EXPECT_OK(remove("own", uid));
    EXPECT_OK(remove("own", uid)) << "it is gone already";
    EXPECT_ERROR(io_.await(client_->create(inside("configmaps"), config_map("kubectls", "x"))),
                 Errc::conflict, "already exists");
    Json wrong = config_map("wrong", "x");
    wrong["data"]["key"] = 7;
    EXPECT_ERROR(io_.await(client_->apply(inside("configmaps", "wrong"), wrong)), Errc::cluster, "key");
}

TEST_F(Cluster, TellsWhoOwnsAFieldThatWasAppliedByAnother) {
    const auto refused = apply("kubectls", "ours");
    EXPECT_ERROR(refused, Errc::conflict, "field .data.key is owned by kubectl-client-side-apply");
    EXPECT_THAT(refused.error().next_step, HasSubstr("--force-conflicts"));
}

TEST_F(Cluster, ExecGivesOutputsInputAndExitCode) {
    auto result = run({"sh", "-c", "echo out; echo err >&2; exit 7"});
    ASSERT_OK(result);
    EXPECT_EQ(result->exit_code, 7);
    EXPECT_EQ(result->out, "out\n");
    EXPECT_EQ(result->err, "err\n");
    std::string input;
    for (int i = 0; i < 10'000; ++i) input += std::to_string(i) + "\n";
    result = run({"cat"}, input);
    ASSERT_OK(result);
    EXPECT_EQ(result->exit_code, 0);
    EXPECT_EQ(result->out, input);
    result = run({"cat"}, "");
    ASSERT_OK(result);
    EXPECT_EQ(result->out, "");
    result = run({"wc", "-c"}, std::string(std::size_t{1} << 20, 'x'));
    ASSERT_OK(result);
    EXPECT_EQ(result->out, "1048576\n");
}

TEST_F(Cluster, ExecSaysWhyACommandCannotBeStarted) {
    const auto missing = run({"no-such-program"});
    // The runtime tells either by the Status or, having started its helper, by an exit code of a shell's
    // kind.
    if (missing) {
        EXPECT_GE(missing->exit_code, 126);
    } else {
        EXPECT_ERROR(missing, Errc::cluster, "no-such-program");
    }
    EXPECT_ERROR(io_.await(exec(*client_, inside("pods", "nobody"), {.argv = {"true"}})), Errc::not_found,
                 "nobody");
    EXPECT_ERROR(
        io_.await(exec(*client_, inside("pods", "probe"), {.container = "nobody", .argv = {"true"}})),
        Errc::invalid_input, "nobody");
}

TEST_F(Cluster, LogsAreFollowedToTheEndOfTheContainer) {
    test::Inbox<std::string> lines;
    const auto keep = [&](std::string_view line) { lines.push(std::string(line)); };
    const std::string pod = inside("pods", "talker");
    auto log = io_.start(client_->logs(pod, {.container = "app", .follow = true}, keep));
    EXPECT_EQ(lines.next().value_or(""), "one");
    ASSERT_OK(io_.await(exec(*client_, pod, {.argv = {"touch", "/tmp/go"}})));
    EXPECT_EQ(lines.next().value_or(""), "two");
    EXPECT_OK(test::IoThread::result_of(std::move(log)));
    ASSERT_OK(io_.await(client_->logs(pod, {.container = "app", .timestamps = true}, keep)));
    EXPECT_THAT(lines.next().value_or(""), testing::MatchesRegex("20[0-9-]+T[0-9:.]+Z one"));
    EXPECT_THAT(lines.next().value_or(""), testing::EndsWith("Z two"));
    ASSERT_OK(
        io_.await(client_->logs(pod, {.container = "app", .since_time = "2100-01-01T00:00:00Z"}, keep)));
    EXPECT_EQ(lines.size(), 0U);
    EXPECT_ERROR(io_.await(client_->logs(pod, {.container = "app", .previous = true}, keep)),
                 Errc::invalid_input, "previous terminated container");
}

TEST_F(Cluster, PortsAreForwarded) {
    forward_to(7000);
    std::string sent(std::size_t{10} << 20, '\0');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 2654435761U >> 13);
    LocalEnd local = dial();
    std::thread speaker([&] { local.say(sent); });
    EXPECT_EQ(local.hear(sent.size()), sent);
    speaker.join();
    LocalEnd other = dial();
    other.say("hello");
    EXPECT_EQ(other.hear(5), "hello");
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Cluster, AConnectionWaitsForAnAppThatStarts) {
    forward_to(7001);
    LocalEnd local = dial();
    local.say("hello");
    ASSERT_OK(run({"sh", "-c", "sleep 1; nc -l -p 7001 -e cat </dev/null >/dev/null 2>&1 &"}));
    EXPECT_EQ(local.hear(5), "hello");
    local.say(" again");
    EXPECT_EQ(local.hear(6), " again");
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Cluster, AConnectionWaitsForTheApiServer) {
    forward_to(7000);
    disturb("stop");
    LocalEnd local = dial();
    local.say("hello");
    disturb("start");
    EXPECT_EQ(local.hear(5), "hello");
    EXPECT_EQ(errors_.size(), 0U);
}

// Names and values as the watch has told them.
class Watched : public Cluster {
  protected:
    void watch() {
        task_ = io_.start(client_->watch(inside("configmaps"), "labelSelector=probe%3Dwatched",
                                         {.listed =
                                              [this](const std::vector<Json>& objects) {
                                                  known_.clear();
                                                  for (const Json& one : objects) learn(one);
                                                  told_.push("listed");
                                              },
                                          .changed =
                                              [this](std::string_view type, const Json& object) {
                                                  type == "DELETED" ? forget(object) : learn(object);
                                                  told_.push(std::string(type) + " " + name_of(object));
                                              },
                                          .trouble = [this](const Error&) { ++troubles_; }}));
    }
    static std::string name_of(const Json& object) {
        return object.at("metadata").at("name").get<std::string>();
    }
    void learn(const Json& object) {
        known_[name_of(object)] = object.at("data").at("key").get<std::string>();
    }
    void forget(const Json& object) { known_.erase(name_of(object)); }
    std::map<std::string, std::string> known() {
        std::map<std::string, std::string> out;
        io_.call([&] { out = known_; });
        return out;
    }
    // Waits until it is as `wanted` says.
    bool comes_to_know(const std::map<std::string, std::string>& wanted) {
        while (known() != wanted) {
            if (!told_.next()) return false;
        }
        return true;
    }
    void TearDown() override {
        close();
        test::IoThread::result_of(std::move(task_));
    }
    std::future<void> task_;
    std::map<std::string, std::string> known_;
    test::Inbox<std::string> told_;
    std::atomic<int> troubles_ = 0;
};

TEST_F(Watched, TellsEveryChange) {
    watch();
    EXPECT_EQ(told_.next().value_or(""), "listed");
    const auto made = apply("seen", "1");
    ASSERT_OK(made);
    EXPECT_EQ(told_.next().value_or(""), "ADDED seen");
    ASSERT_OK(apply("seen", "2"));
    EXPECT_EQ(told_.next().value_or(""), "MODIFIED seen");
    ASSERT_OK(remove("seen", made->at("metadata").at("uid").get<std::string>()));
    EXPECT_EQ(told_.next().value_or(""), "DELETED seen");
    EXPECT_EQ(troubles_, 0);
}

TEST_F(Watched, LosesNothingWhileConnectionsAreCutAndTheApiServerRestarts) {
    watch();
    EXPECT_EQ(told_.next().value_or(""), "listed");
    std::map<std::string, std::string> wanted;
    const auto change = [&](const std::string& name, const std::string& value) {
        ASSERT_OK(apply(name, value));
        wanted[name] = value;
    };
    change("a", "1");
    change("b", "1");
    EXPECT_TRUE(comes_to_know(wanted));
    disturb("cut");
    change("a", "2");
    change("c", "1");
    EXPECT_TRUE(comes_to_know(wanted));
    disturb("restart");
    const auto gone = io_.await(client_->get(inside("configmaps", "b")));
    ASSERT_OK(gone);
    ASSERT_OK(remove("b", gone->at("metadata").at("uid").get<std::string>()));
    wanted.erase("b");
    change("a", "3");
    change("d", "1");
    EXPECT_TRUE(comes_to_know(wanted));
    EXPECT_GE(troubles_, 1);
}

}  // namespace
}  // namespace synchost::k8s
