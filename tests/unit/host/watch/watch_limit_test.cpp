// What happens when the system gives too few watches, or when a folder may not be read. The limit is made
// real in a user namespace of a child process, so that nothing else on the machine feels it.
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "host/watch/detail/watch_set.hpp"
#include "watching.hpp"

namespace synchost::host {
namespace {

constexpr int kNoNamespaces = 77;
constexpr int kNotReady = 78;  // which no test expects

bool write_text(const char* path, std::string_view text) {
    const auto file = open_file(path, O_WRONLY);
    return file && write_all(file->get(), text);
}

// Runs `body` in a child whose user namespace has this limit; the child's exit status.
int run_with_limit(const char* limit, int value, const std::function<int()>& body) {
    const uid_t uid = ::geteuid();
    const gid_t gid = ::getegid();
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWUSER) != 0) ::_exit(kNoNamespaces);
        const bool ready = write_text("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1") &&
                           write_text("/proc/self/setgroups", "deny") &&
                           write_text("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1") &&
                           write_text(limit, std::to_string(value));
        ::_exit(ready ? body() : kNotReady);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run_with_watches(int watches, const std::function<int()>& body) {
    return run_with_limit("/proc/sys/user/max_inotify_watches", watches, body);
}

Error error_of_opening(const test::TempTree& tree) {
    boost::asio::io_context io;
    auto watcher = Watcher::open(io.get_executor(), {tree.root()}, nullptr);
    return watcher ? Error{} : watcher.error();
}

TEST(WatchLimit, SaysHowManyAreNeededAndHowToRaiseTheLimit) {
    test::TempTree tree;
    for (const char* folder : {"a/b/c", "d/e", "skipped/f/g"}) tree.folder(folder);
    const int status = run_with_watches(3, [&] {
        boost::asio::io_context io;
        const auto ignored = [](const std::filesystem::path&, std::string_view path) {
            return path == "skipped";
        };
        const auto watcher = Watcher::open(io.get_executor(), {tree.root()}, ignored);
        if (watcher) return 1;
        const Error& error = watcher.error();
        if (!error.message.contains("watching 6 folders") || !error.message.contains("allows 3")) return 2;
        return error.next_step.contains("sysctl user.max_inotify_watches=524288") ? 0 : 3;
    });
    if (status == kNoNamespaces) GTEST_SKIP() << "unshare(CLONE_NEWUSER) is refused here";
    EXPECT_EQ(status, 0);
}

TEST(WatchLimit, EndsTheWatcherWhenItIsReachedLater) {
    test::TempTree tree;
    const int status = run_with_watches(2, [&] {
        Watching watching({tree.root()});
        tree.folder("one");
        if (watching.names() != std::vector<std::string>{"one"}) return 1;
        tree.folder("two");
        const auto batch = watching.next();
        if (batch || batch.error().sys_errno != ENOSPC) return 2;
        return watching.next() ? 3 : 0;
    });
    if (status == kNoNamespaces) GTEST_SKIP() << "unshare(CLONE_NEWUSER) is refused here";
    EXPECT_EQ(status, 0);
}

TEST(WatchLimit, SaysHowToGetMoreInstances) {
    test::TempTree tree;
    const int status = run_with_limit("/proc/sys/user/max_inotify_instances", 1, [&] {
        const Fd taken(::inotify_init1(IN_CLOEXEC));
        if (!taken) return 1;
        const Error error = error_of_opening(tree);
        if (error.sys_errno != EMFILE || !error.message.starts_with("all 1 inotify instances that "
                                                                    "user.max_inotify_instances allows"))
            return 2;
        return error.next_step.starts_with("Run: sudo sysctl user.max_inotify_instances=1024,") ? 0 : 3;
    });
    if (status == kNoNamespaces) GTEST_SKIP() << "unshare(CLONE_NEWUSER) is refused here";
    EXPECT_EQ(status, 0);
}

TEST(WatchLimit, DoesNotTakeOpenFilesForInstances) {
    test::TempTree tree;
    // Every number below the limit is taken already: no further file can be opened.
    boost::asio::io_context io;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    std::vector<std::filesystem::path> no_roots;
    const auto watcher = Watcher::open(io.get_executor(), no_roots, nullptr);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_ERROR(watcher, Errc::io, "too many open files");
    EXPECT_THAT(watcher.error().next_step, testing::StartsWith("Run: ulimit -n"));
}

TEST(WatchLimit, AdvisesAtLeastTwiceTheNeed) {
    const Error error = detail::out_of_watches(600'000, 524'288, "fs.inotify.max_user_watches");
    EXPECT_EQ(error.message,
              "watching 600000 folders takes as many inotify watches, and fs.inotify.max_user_watches "
              "allows 524288 for all programs of this user");
    EXPECT_EQ(error.next_step,
              "Run: sudo sysctl fs.inotify.max_user_watches=2097152, or name folders that need no "
              "watching in .dockerignore");
}

TEST(WatchLimit, AFolderWithoutPermissionIsToldAndTheRestIsWatched) {
    test::TempTree tree;
    tree.folder("closed/below");
    ASSERT_EQ(::chmod(tree.root().c_str(), 0755), 0);
    ASSERT_EQ(::chmod((tree / "closed").c_str(), 0), 0);
    // Root reads everything: this thread gives up that right for file systems.
    const bool root = ::geteuid() == 0;
    if (root) ::setfsuid(65'534);
    {
        Watching watching({tree.root()});
        if (root) ::setfsuid(0);
        const auto batch = watching.next();
        ASSERT_OK(batch);
        ASSERT_EQ(batch->unwatched.size(), 1u);
        EXPECT_THAT(batch->unwatched[0].message, testing::EndsWith("closed: Permission denied"));
        tree.write("open", "");
        EXPECT_THAT(watching.names(), testing::ElementsAre("open"));
    }
    ASSERT_EQ(::chmod((tree / "closed").c_str(), 0755), 0);
}

}  // namespace
}  // namespace synchost::host
