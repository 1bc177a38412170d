// One sidecar for containers of several users, with the folders of a Kubernetes pod (an emptyDir is open to
// everybody, a Secret's file to every reader) and with no capability anywhere.
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "support/agent_pod.hpp"
#include "support/result_matchers.hpp"

namespace synchost::test {
namespace {

using namespace protocol;

struct Users {
    std::string name;
    unsigned sidecar = 0;
    unsigned other = 0;
};

Words as_user(unsigned uid) {
    const std::string id = std::to_string(uid);
    return {"setpriv",
            "--reuid",
            id,
            "--regid",
            id,
            "--clear-groups",
            "--no-new-privs",
            "--inh-caps=-all",
            "--bounding-set=-all"};
}

class UsersOfAPod : public testing::TestWithParam<Users> {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "processes of other users can be started by root alone";
        ::chmod(bin_.path().c_str(), 0755);
        ASSERT_EQ(run_command({.argv = {SYNCHOST_AGENT, "install", "--to", bin_.path().native()}})->exit_code,
                  0);
        pod_.emplace(bin_.path() / "synchost-agent");
        ::chmod((pod_->dir() / "key").c_str(), 0444);
        for (const char* folder : {"", "containers", "containers/app", "containers/worker"}) {
            ASSERT_OK(make_folders(pod_->dir() / folder));
            ::chmod((pod_->dir() / folder).c_str(), 0777);
        }
    }

    // A supervisor of `uid` whose managed folder belongs to that user, as in an image that was built for it.
    std::string start(const std::string& container, unsigned uid) {
        const auto root = pod_->dir() / (container + "-files");
        EXPECT_OK(make_folders(root));
        EXPECT_EQ(::chown(root.c_str(), uid, uid), 0);
        pod_->start_with(as_user(uid));
        pod_->start_supervisor(container, {"--gate", "hold", "--root", root.native() + "/"},
                               {"sleep", "600"});
        return root.native() + "/";
    }

    Completed as(unsigned uid, const Words& words) {
        Words all = as_user(uid);
        all.push_back(pod_->agent().native());
        all.insert(all.end(), words.begin(), words.end());
        return run_command({.argv = std::move(all)}).value();
    }

    TempDir bin_ = TempDir::make("bin").value();
    std::optional<AgentPod> pod_;
};

TEST_P(UsersOfAPod, AreServedByTheSidecarOfTheFirst) {
    const Users users = GetParam();
    pod_->start_with(as_user(users.sidecar));
    pod_->start_sidecar({"app=" + std::to_string(users.sidecar), "worker=" + std::to_string(users.other)});
    const std::string app = start("app", users.sidecar);
    const std::string worker = start("worker", users.other);
    ASSERT_TRUE(pod_->wait_for("app", ProcessState::gated));
    ASSERT_TRUE(pod_->wait_for("worker", ProcessState::gated));

    EXPECT_OK(pod_->await(pod_->link().apply("app", GenerationBuilder(app).put("a", "1").get())));
    EXPECT_OK(pod_->await(pod_->link().apply("worker", GenerationBuilder(worker).put("w", "2").get())));
    EXPECT_EQ(content_of(worker + "w"), "2");
    struct stat info{};
    ASSERT_EQ(::stat((worker + "w").c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, users.other);

    const std::string run = (pod_->containers_dir() / "worker").native();
    const Words probe = {"probe", "--socket-dir", run, "tcp", "--port", "1"};
    EXPECT_EQ(as(users.other, probe).out, "the agent keeps the app down: gated\n");
    EXPECT_OK(pod_->await(pod_->link().release("app")));
    EXPECT_OK(pod_->await(pod_->link().release("worker")));
    ASSERT_TRUE(pod_->wait_for("worker", ProcessState::running));
    const Words check = {"check", "ready", "--containers-dir", pod_->containers_dir().native()};
    EXPECT_EQ(as(users.sidecar, check).out, "ready app:running worker:running\n");
}

// The sockets are open to everybody, and it is the peer's user that decides.
TEST_P(UsersOfAPod, MayNotSpeakForEachOther) {
    const Users users = GetParam();
    pod_->start_with(as_user(users.sidecar));
    pod_->start_sidecar({"app=" + std::to_string(users.sidecar), "worker=" + std::to_string(users.other)});
    start("app", users.other);
    EXPECT_TRUE(eventually([&] {
        return content_of(pod_->dir() / "sidecar.log").contains("refused: another user container=app");
    }));
}

INSTANTIATE_TEST_SUITE_P(Pairs, UsersOfAPod,
                         testing::Values(Users{"two_users", 1000, 2000}, Users{"root_second", 1000, 0},
                                         Users{"root_first", 0, 1000}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace synchost::test
