// RUN by an ordinary user, by the program itself: in a user namespace with ids of /etc/subuid and
// /etc/subgid. The tests need root to become that user; the machine's own passwd, subuid and subgid stay as
// they are, since the user has others in a mount namespace of its own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"
#include "support/step_mounts.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr unsigned kFirstSubId = 3'000'000;
constexpr const char* kShell = "FROM scratch AS made\nCOPY busybox /bin/\nCOPY busybox /bin/sh\n";
constexpr const char* kOwnFiles =
    "for file in passwd subuid subgid; do mount --bind \"$0/$file\" \"/etc/$file\"; done; ";
constexpr const char* kBecomeBuilder = "exec setpriv --reuid 23456 --regid 23456 --clear-groups \"$@\"";
// In front of a command; root may map these ids by the test's own subuid and subgid.
constexpr const char* kIntoNamespace = "exec unshare -U --map-users=0,0,4000000 --map-groups=0,0,4000000 ";

class Rootless : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(::geteuid(), 0u);
        ASSERT_EQ(::chmod(dir_.path().c_str(), 0755), 0);
        ASSERT_EQ(::chmod(context_.path().c_str(), 0755), 0);
        fs::copy_file(SYNCHOST_PROGRAM, dir_.path() / "synchost");
        const std::string passwd = read_file("/etc/passwd").value();
        write("passwd", passwd + "builder:x:23456:23456::/nowhere:/bin/sh\n");
        write("subuid", "other:1:5\nbuilder:" + std::to_string(kFirstSubId) + ":65536\nroot:0:4000000\n");
        write("subgid", "builder:" + std::to_string(kFirstSubId) + ":65536\nroot:0:4000000\n");
        ASSERT_OK(make_folders(dir_.path() / "builder"));
        ASSERT_EQ(::chown((dir_.path() / "builder").c_str(), 23456, 23456), 0);
        context_.file("busybox", read_file("/bin/busybox").value(), 0755);
    }
    void TearDown() override { EXPECT_THAT(test::step_mounts(), IsEmpty()); }

    void write(const std::string& name, const std::string& text) {
        ASSERT_OK(write_file_atomic(dir_.path() / name, text, 0644));
    }
    [[nodiscard]] fs::path store(const std::string& who) const {
        return dir_.path() / who / "cache/synchost/store";
    }
    [[nodiscard]] std::map<std::string, std::string> environment(const std::string& who) const {
        const fs::path home = dir_.path() / who;
        return {{"HOME", home.native()},
                {"XDG_STATE_HOME", (home / "state").native()},
                {"XDG_CACHE_HOME", (home / "cache").native()},
                {"TOKEN", "from-outside"},
                {"SOURCE_DATE_EPOCH", "1000"}};
    }
    Completed run(std::vector<std::string> argv, const std::string& who) {
        auto done = run_command({.argv = std::move(argv), .env = environment(who)});
        EXPECT_OK(done);
        return done.value_or(Completed{});
    }
    // By a shell of root with mounts of its own: "$@" is the program and its words, $0 the folder.
    [[nodiscard]] std::vector<std::string> scripted(const std::string& script,
                                                    const std::vector<std::string>& words) const {
        std::vector<std::string> argv = {"unshare",
                                         "-m",
                                         "sh",
                                         "-ec",
                                         kOwnFiles + script,
                                         dir_.path().native(),
                                         (dir_.path() / "synchost").native()};
        argv.insert(argv.end(), words.begin(), words.end());
        return argv;
    }
    [[nodiscard]] std::vector<std::string> as_builder(const std::vector<std::string>& words) const {
        return scripted(kBecomeBuilder, words);
    }
    Completed user(const std::vector<std::string>& words) { return run(as_builder(words), "builder"); }
    Completed user_builds(const std::string& steps, std::vector<std::string> words = {}) {
        context_.file("Dockerfile", kShell + steps);
        words.insert(words.begin(), {"build", context_.path().native()});
        return user(words);
    }

    TempDir dir_ = TempDir::make("rootless").value();
    test::ImageContext context_;
};

// All that a layer can say: owners, setuid, whiteouts, opaque folders, hard links, capabilities, mounts.
constexpr const char* kEverything =
    "COPY t /t\n"
    "COPY etc /etc\n"
    "COPY --chown=1000:100 t /owned\n"
    "RUN busybox chown 5000:6000 /t/one && busybox mkdir -m 2750 /d && echo x >/d/s && "
    "busybox chown 7:8 /d/s && busybox chmod 6755 /d/s && echo no >/d/closed && busybox chmod 0 /d/closed\n"
    "RUN busybox rm /t/two && busybox rm -rf /t/sub && busybox mkdir /t/sub && echo new >/t/sub/new\n"
    "RUN busybox ln /d/s /d/hard && busybox ln -s s /d/soft && busybox mkfifo /d/pipe\n"
    "RUN --mount=source=tool,target=/tool "
    "/tool/loader --library-path /tool /tool/setcap cap_net_raw+ep /bin/busybox\n"
    "USER app\n"
    "RUN --mount=type=cache,target=/c,uid=1000 --mount=type=tmpfs,target=/m "
    "echo cached >/c/f && echo m >/m/f && busybox id >/owned/who\n"
    "USER 0\n"
    "RUN --mount=type=secret,id=t,env=T,target=/run/secrets/t busybox stat -c '%u %a' /run/secrets/t "
    ">/secret && "
    "test $T = from-outside && busybox ls -lnR /t /d /owned >/list\n"
    "RUN --network=none busybox ls /sys/class/net >/net && test -e /proc/self/status && "
    "busybox head -c 4 /dev/zero >/zero && ! echo x >/proc/sys/kernel/core_pattern\n"
    "FROM scratch AS copied\n"
    "COPY --from=made / /all/\n"
    "COPY --from=made --chown=9:9 /d /d\n";

TEST_F(Rootless, TheImageIsTheOneThatRootMakes) {
    context_.file("t/one", "1").file("t/two", "2").file("t/sub/three", "3").file("t/sub/four", "4");
    context_.file("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:100::/home/app:/bin/sh\n")
        .file("etc/group", "users:x:100:\nextra:x:200:app\n");
    ASSERT_OK(make_folders(context_.path() / "tool"));
    const auto libraries = check_output({.argv = {"ldd", "/usr/sbin/setcap"}}, Errc::io);
    ASSERT_OK(libraries);
    std::istringstream words(*libraries);
    for (std::string word; words >> word;) {
        if (!word.starts_with('/')) continue;
        const std::string name = fs::path(word).filename().native();
        fs::copy_file(word, context_.path() / "tool" / (name.starts_with("ld-") ? "loader" : name));
    }
    fs::copy_file("/usr/sbin/setcap", context_.path() / "tool/setcap");
    context_.file("Dockerfile", kShell + std::string(kEverything));

    for (const std::string target : {"made", "copied"}) {
        const auto build = [&](const std::string& who) {
            return std::vector<std::string>{"build",
                                            "-q",
                                            "--target",
                                            target,
                                            "--secret",
                                            "id=t,env=TOKEN",
                                            "--metadata-file",
                                            (dir_.path() / who / (target + ".json")).native(),
                                            context_.path().native()};
        };
        const auto result = [&](const std::string& who) {
            return read_file(dir_.path() / who / (target + ".json")).value_or("nothing of " + who);
        };
        std::vector<std::string> root = build("root");
        root.insert(root.begin(), (dir_.path() / "synchost").native());
        ASSERT_OK(make_folders(dir_.path() / "root"));
        const Completed by_root = run(root, "root");
        ASSERT_EQ(by_root.exit_code, 0) << by_root.err;
        EXPECT_THAT(result("root"), HasSubstr("sha256:"));

        const Completed by_user = user(build("builder"));
        ASSERT_EQ(by_user.exit_code, 0) << by_user.err;
        EXPECT_EQ(result("builder"), result("root"));

        // Root of a namespace, as in a rootless container.
        ASSERT_OK(make_folders(dir_.path() / "inside"));
        const Completed by_root_inside =
            run(scripted(kIntoNamespace + std::string("\"$@\""), build("inside")), "inside");
        ASSERT_EQ(by_root_inside.exit_code, 0) << by_root_inside.err;
        EXPECT_EQ(result("inside"), result("root"));
    }
}

TEST_F(Rootless, ItsOwnersAreTheUsersIdsAndTheUserCanRemoveWhatItMade) {
    const std::string steps =
        "RUN --mount=type=cache,target=/c busybox mkdir -m 700 /d /c/d && echo 1 >/d/f && echo 1 >/c/d/f && "
        "busybox chown -R 10:20 /d /c/d && echo ran\n";
    const Completed first = user_builds(steps);
    ASSERT_EQ(first.exit_code, 0) << first.err;
    EXPECT_THAT(first.err, HasSubstr("4| ran\n"));
    bool seen = false;
    for (const auto& layer : fs::directory_iterator(store("builder") / "unpacked")) {
        struct stat info{};
        if (::stat((layer.path() / "d/f").c_str(), &info) != 0) continue;
        seen = true;
        EXPECT_EQ(info.st_uid, kFirstSubId + 9);
        EXPECT_EQ(info.st_gid, kFirstSubId + 19);
    }
    EXPECT_TRUE(seen);
    const Completed again = user_builds(steps);
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.err, AllOf(HasSubstr("kept from an earlier build"), Not(HasSubstr("4| ran"))));

    const Completed usage = user({"cache", "--json"});
    EXPECT_EQ(usage.exit_code, 0) << usage.err;
    EXPECT_THAT(usage.out, Not(HasSubstr("\"cacheMountBytes\":0,")));
    const Completed pruned = user({"cache", "prune", "--all"});
    EXPECT_EQ(pruned.exit_code, 0) << pruned.err;
    for (const char* folder : {"unpacked", "cache-mounts", "steps", "trash", "blobs/sha256"})
        EXPECT_TRUE(fs::is_empty(store("builder") / folder)) << folder;
}

TEST_F(Rootless, ABuildWithoutRunPrunesWhatOneWithRunLeft) {
    const Completed made =
        user_builds("RUN busybox mkdir -m 700 /d && echo 1 >/d/f && busybox chown -R 10:20 /d\n");
    ASSERT_EQ(made.exit_code, 0) << made.err;
    ASSERT_FALSE(fs::is_empty(store("builder") / "unpacked"));
    const Completed plain = user_builds("COPY busybox /other\n", {"--cache-limit", "1B"});
    EXPECT_EQ(plain.exit_code, 0) << plain.err;
    EXPECT_TRUE(fs::is_empty(store("builder") / "unpacked"));
}

TEST_F(Rootless, AFailedBuildTellsItsSteps) {
    const Completed done = user_builds("RUN echo 1 >/one\nRUN exit 3\n", {"--explain"});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.out, AllOf(HasSubstr("made    Dockerfile:4 RUN echo 1 >/one\n"),
                                HasSubstr("failed  Dockerfile:5 RUN exit 3\n")));
    EXPECT_THAT(done.err, HasSubstr("exit code 3"));
}

TEST_F(Rootless, WithoutIdsTheErrorSaysHowToGetThem) {
    write("subgid", "other:3000000:65536\nbuilder:nonsense\n");
    const Completed done = user_builds("RUN echo ran\n");
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, AllOf(HasSubstr("/etc/subgid has no ids for builder"),
                                HasSubstr("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
                                          "builder")));
    const Completed plain = user_builds("COPY busybox /other\n");
    EXPECT_EQ(plain.exit_code, 0) << plain.err;
}

TEST_F(Rootless, WithoutNewuidmapTheErrorSaysWhatToInstall) {
    context_.file("Dockerfile", std::string(kShell) + "RUN echo ran\n");
    const std::vector<std::string> words = {"build", context_.path().native()};
    const Completed without =
        run(scripted("mount --bind \"$0/subuid\" /usr/bin/newuidmap; " + std::string(kBecomeBuilder), words),
            "builder");
    EXPECT_EQ(without.exit_code, 1);
    EXPECT_THAT(without.err, AllOf(HasSubstr("needs newuidmap"), HasSubstr("apt install uidmap")));
    std::string script = kBecomeBuilder;
    script.insert(script.find("--reuid"), "--no-new-privs ");
    const Completed powerless = run(scripted(script, words), "builder");
    EXPECT_EQ(powerless.exit_code, 1);
    EXPECT_THAT(powerless.err, AllOf(HasSubstr("newuidmap"), HasSubstr("no_new_privs")));
}

TEST_F(Rootless, IdsThatTheUserDoesNotHaveAreNamed) {
    const Completed copied = user_builds("COPY --chown=70000:5 busybox /other\nRUN echo ran\n");
    EXPECT_EQ(copied.exit_code, 1);
    EXPECT_THAT(copied.err,
                AllOf(HasSubstr("the owner 70000:5"), HasSubstr("This build has the ids 0 to 65536 alone")));
    const Completed became = user_builds("USER 70000\nRUN echo ran\n");
    EXPECT_EQ(became.exit_code, 1);
    EXPECT_THAT(became.err,
                AllOf(HasSubstr("Dockerfile:5"), HasSubstr("This build has the ids 0 to 65536 alone")));
    const Completed gave = user_builds("RUN busybox chown 70000 /bin/busybox\n");
    EXPECT_EQ(gave.exit_code, 1);
    EXPECT_THAT(gave.err, HasSubstr("This build has the ids 0 to 65536 alone"));
}

TEST_F(Rootless, AMachineWithoutUserNamespacesIsToldOf) {
    context_.file("Dockerfile", std::string(kShell) + "RUN echo ran\n");
    // The limit is that of the namespace that the program starts in.
    const Completed done =
        run(scripted(kIntoNamespace + std::string("sh -ec 'echo 0 >/proc/sys/user/max_user_namespaces; ") +
                         kBecomeBuilder + "' sh \"$@\"",
                     {"build", context_.path().native()}),
            "builder");
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, AllOf(HasSubstr("needs a user namespace"), HasSubstr("user.max_user_namespaces")));
}

// As container runtimes do: then the kernel allows no fresh one.
TEST_F(Rootless, WhereProcIsCoveredInPartAStepHasItAllTheSame) {
    context_.file("Dockerfile", std::string(kShell) +
                                    "RUN busybox grep -q ^Name /proc/self/status && "
                                    "! echo x >/proc/sys/kernel/core_pattern && "
                                    "! busybox ls /proc/1/root && echo reached\n");
    const Completed done = run(scripted("mount -t tmpfs none /proc/fs; " + std::string(kBecomeBuilder),
                                        {"build", context_.path().native()}),
                               "builder");
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.err, HasSubstr("4| reached\n"));
}

TEST_F(Rootless, AnImageWithALargeLayerIsPushed) {
    auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    const std::string name = server->address() + "/large:1";
    const Completed done =
        user_builds("RUN busybox head -c 3000000 /dev/urandom >/large && busybox chown 3:4 /large\n",
                    {"--json", "--push", "-t", name});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("\"blobsSent\":4"));  // three layers and the config
    const fs::path layout = dir_.path() / "fetched";
    EXPECT_OK(check_output(
        {.argv = {"skopeo", "copy", "--src-tls-verify=false", "docker://" + name, "dir:" + layout.native()}},
        Errc::registry));
}

TEST_F(Rootless, ABuildCacheServesTheUserToo) {
    auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    const std::string cache = server->address() + "/app:cache";
    const std::string steps = "RUN busybox cat /proc/sys/kernel/random/uuid >/id && busybox chown 3:4 /id\n";
    const Completed first = user_builds(steps, {"-q", "--cache-to", "type=registry,ref=" + cache});
    ASSERT_EQ(first.exit_code, 0) << first.err;
    fs::rename(dir_.path() / "builder/cache", dir_.path() / "builder/before");
    const Completed second = user_builds(steps, {"-q", "--cache-from", cache});
    ASSERT_EQ(second.exit_code, 0) << second.err;
    EXPECT_EQ(second.out, first.out);
    // And the layer with its owners where a step runs on top of it.
    const Completed more =
        user_builds(steps + "RUN test \"$(busybox stat -c %u:%g /id)\" = 3:4\n", {"--cache-from", cache});
    EXPECT_EQ(more.exit_code, 0) << more.err;
    EXPECT_THAT(more.err, HasSubstr(" (from the build cache)"));
}

TEST_F(Rootless, ATriggerOfABaseImageRunsToo) {
    auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    const std::string name = server->address() + "/base:1";
    const Completed base = user_builds(
        "ONBUILD RUN echo ran >/made && busybox chown 3:4 /made && echo here\n", {"--push", "-t", name});
    ASSERT_EQ(base.exit_code, 0) << base.err;
    context_.file("Dockerfile", "FROM " + name + "\n");
    const Completed done = user({"build", context_.path().native()});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.err, HasSubstr("| here\n"));
}

// Handles of the process's descendants.
std::vector<Fd> descendants(pid_t process) {
    std::vector<Fd> out;
    const fs::path tasks = "/proc/" + std::to_string(process) + "/task";
    for (const auto& task : fs::directory_iterator(tasks)) {
        std::istringstream children(read_file(task.path() / "children").value_or(""));
        for (pid_t child = 0; children >> child;) {
            out.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
            std::vector<Fd> below = descendants(child);
            std::ranges::move(below, std::back_inserter(out));
        }
    }
    return out;
}

TEST_F(Rootless, AKilledBuildTakesItsStepAlongAndTheNextOneCleansUp) {
    context_.file("Dockerfile", std::string(kShell) +
                                    "RUN busybox mkdir -m 700 /d && busybox chown 3:4 /d && echo ready && "
                                    "busybox sleep 1000\n");
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Fd progress(ends[0]);
    std::vector<std::string> words = as_builder({"build", context_.path().native()});
    words.insert(words.begin(), "env");
    for (const auto& [name, value] : environment("builder"))
        words.insert(words.begin() + 1, name + "=" + value);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t build = ::fork();
    ASSERT_GE(build, 0);
    if (build == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    std::string told;
    std::array<char, 512> piece{};
    while (!told.contains("| ready\n")) {
        const ssize_t got = ::read(progress.get(), piece.data(), piece.size());
        ASSERT_GT(got, 0) << told;
        told.append(piece.data(), static_cast<std::size_t>(got));
    }
    const std::vector<Fd> below = descendants(build);
    EXPECT_GE(below.size(), 3u);  // the helper, the step's first process, the command
    ::kill(build, SIGKILL);
    ASSERT_EQ(::waitpid(build, nullptr, 0), build);
    for (const Fd& process : below) {
        pollfd gone = {process.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&gone, 1, 10'000), 1);
    }
    EXPECT_FALSE(fs::is_empty(store("builder") / "steps"));
    const Completed next = user_builds("RUN echo done\n");
    EXPECT_EQ(next.exit_code, 0) << next.err;
    EXPECT_TRUE(fs::is_empty(store("builder") / "steps"));
}

}  // namespace
}  // namespace synchost::images
