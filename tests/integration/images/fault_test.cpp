// Builds on a full disk, builds that are killed, and a registry that dies during a push: what is there
// afterwards is usable, nothing half-made stays, and the next build or push is what it would have been. Needs
// root.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <random>

#include "base/subprocess.hpp"
#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"
#include "support/step_mounts.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;
using test::ImageContext;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kShell = "FROM scratch\nCOPY busybox /bin/\nCOPY busybox /bin/sh\n";

// Bytes that no compression makes smaller.
std::string noise(std::size_t size) {
    std::mt19937_64 random(size);
    std::string out(size, '\0');
    for (char& byte : out) byte = static_cast<char>(random());
    return out;
}

// Everything in a store that is no finished thing of it.
std::vector<std::string> half_made(const fs::path& store) {
    std::vector<std::string> out;
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(store, ignored)) {
        const std::string path = fs::relative(entry.path(), store).native();
        const std::string name = entry.path().filename().native();
        if (path.starts_with("unpacked/") && std::ranges::count(path, '/') > 1) continue;
        if (name.contains(".tmp-") || name.starts_with(".new-") || name.starts_with("synchost-") ||
            path.starts_with("steps/"))
            out.push_back(path);
    }
    return out;
}

class Fault : public testing::Test {
  protected:
    void SetUp() override { context_.file("busybox", read_file("/bin/busybox").value(), 0755); }
    void TearDown() override { EXPECT_THAT(test::step_mounts(), IsEmpty()); }

    // Files that a RUN leaves keep their times, so two stores give one digest only by this.
    [[nodiscard]] BuildRequest request() const {
        return {.context = context_.path(), .build_args = {{"SOURCE_DATE_EPOCH", "1000"}}};
    }
    Result<Image> build_in(const fs::path& store, const std::string& dockerfile) {
        context_.file("Dockerfile", dockerfile);
        return build(request(), {.store = store});
    }
    // Of a build that nothing ever happened to.
    Digest right_digest(const std::string& dockerfile) {
        const TempDir store = TempDir::make("store").value();
        const auto image = build_in(store.path(), dockerfile);
        EXPECT_OK(image);
        return image ? image->digest : Digest();
    }

    ImageContext context_;
};

class FullDisk : public Fault {
  protected:
    void SetUp() override {
        Fault::SetUp();
        ASSERT_EQ(::mount("tmpfs", store_.path().c_str(), "tmpfs", 0, "size=16m"), 0) << std::strerror(errno);
    }
    void TearDown() override {
        EXPECT_EQ(::umount2(store_.path().c_str(), 0), 0) << std::strerror(errno);
        Fault::TearDown();
    }
    void fails_then_works(const std::string& steps, const std::string& cause, int line) {
        const std::string dockerfile = kShell + steps;
        const auto full = build_in(store_.path(), dockerfile);
        ASSERT_FALSE(full.has_value());
        EXPECT_THAT(full.error().message, HasSubstr("Dockerfile:" + std::to_string(line) + ": "));
        EXPECT_THAT(full.error().message, HasSubstr(cause));
        EXPECT_THAT(full.error().next_step, HasSubstr(next_step_));
        EXPECT_THAT(half_made(store_.path()), IsEmpty());
        EXPECT_OK(build_in(store_.path(), std::string(kShell) + "RUN echo small >/f\n"));
        const auto again = build_in(store_.path(), dockerfile);
        ASSERT_FALSE(again.has_value()) << "the disk is as full as it was";
        ASSERT_EQ(::mount("", store_.path().c_str(), "", MS_REMOUNT, "size=256m"), 0) << std::strerror(errno);
        const auto with_room = build_in(store_.path(), dockerfile);
        ASSERT_OK(with_room);
        EXPECT_EQ(with_room->digest, right_digest(dockerfile));
        EXPECT_THAT(half_made(store_.path()), IsEmpty());
    }
    TempDir store_ = TempDir::make("full").value();
    std::string next_step_ = "Make room on the disk of ";
};

TEST_F(FullDisk, WhileALayerIsWritten) {
    context_.file("big", noise(20 << 20));
    fails_then_works("COPY big /big\n", "No space left on device", 4);
}

TEST_F(FullDisk, WhileALayerIsUnpackedForRun) {
    context_.file("big", noise(8 << 20));
    fails_then_works("COPY big /big\nRUN echo x >/f\n", "No space left on device", 5);
}

TEST_F(FullDisk, WhileAStepRuns) {
    next_step_ = "The disk of the store was almost full";
    fails_then_works("RUN busybox dd if=/dev/zero of=/f bs=65536 count=480\n", "No space left on device", 4);
}

TEST_F(FullDisk, WhileAnArchiveIsUnpacked) {
    context_.file("zeros", std::string(64 << 20, '\0'));
    const auto packed = check_output({.argv = {"tar", "-C", context_.path().string(), "-czf",
                                               (context_.path() / "a.tgz").string(), "zeros"}},
                                     Errc::io);
    ASSERT_OK(packed);
    context_.file("zeros", "").file(".dockerignore", "zeros\n");
    next_step_ = "Make room";
    fails_then_works("ADD a.tgz /x/\n", "more than the disk has room for", 4);
}

// A build in a process of its own, killed when `is_time` says so of what happened in its store.
class KilledBuild : public Fault {
  protected:
    // Waits for the `times`th change of a file or folder in store/folder whose name starts with `name`.
    void kill_at(const std::string& folder, const std::string& name, int times,
                 const std::string& dockerfile) {
        context_.file("Dockerfile", dockerfile);
        std::error_code ignored;
        fs::create_directories(store_.path() / folder, ignored);
        const Fd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        ASSERT_GE(::inotify_add_watch(events.get(), (store_.path() / folder).c_str(),
                                      IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_ONLYDIR),
                  0);
        const pid_t builder = ::fork();
        ASSERT_GE(builder, 0);
        if (builder == 0) {
            const auto built = build(request(), {.store = store_.path()});
            ::_exit(built ? 0 : 1);
        }
        const bool seen = wait_for(events.get(), name, times);
        ::kill(builder, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(builder, &status, 0), builder);
        EXPECT_TRUE(seen) << folder << "/" << name;
        EXPECT_TRUE(WIFSIGNALED(status)) << "it had ended before: " << folder << "/" << name;
    }
    static bool wait_for(int events, const std::string& name, int times) {
        alignas(inotify_event) std::array<char, 65'536> buffer{};
        for (pollfd ready = {events, POLLIN, 0}; ::poll(&ready, 1, 60'000) == 1;) {
            const ssize_t got = ::read(events, buffer.data(), buffer.size());
            for (ssize_t at = 0; at < got;) {
                const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
                if (event->len > 0 && std::string_view(event->name).starts_with(name) && --times == 0)
                    return true;
                at += static_cast<ssize_t>(sizeof *event + event->len);
            }
        }
        return false;
    }
    void next_build_is_right(const std::string& dockerfile) {
        const auto image = build_in(store_.path(), dockerfile);
        ASSERT_OK(image);
        EXPECT_EQ(image->digest, right_digest(dockerfile));
        EXPECT_THAT(half_made(store_.path()), IsEmpty());
        for (const Layer& layer : image->layers)
            EXPECT_EQ(sha256(read_file(layer.file, std::size_t{1} << 30).value()), layer.blob.digest);
    }
    TempDir store_ = TempDir::make("store").value();
};

TEST_F(KilledBuild, DuringCompression) {
    context_.file("big", noise(40 << 20));
    const std::string dockerfile = "FROM scratch\nCOPY big /big\n";
    for (const int times : {1, 2, 20}) {
        kill_at("blobs", "new.tmp-", times, dockerfile);
        EXPECT_FALSE(half_made(store_.path()).empty());
    }
    next_build_is_right(dockerfile);
}

TEST_F(KilledBuild, BetweenTheStepsOfRun) {
    context_.file("t/one", "1").file("t/two", noise(3 << 20));
    const std::string dockerfile = std::string(kShell) +
                                   "COPY t /t\nRUN busybox cp /t/two /three && busybox rm /t/one && busybox "
                                   "sleep 0.2\nRUN echo x >/t/f\n";
    kill_at("unpacked", ".new-", 1, dockerfile);
    kill_at("unpacked", "diff-", 2, dockerfile);
    kill_at("steps", "", 1, dockerfile);
    kill_at("runs", "", 1, dockerfile);
    next_build_is_right(dockerfile);
}

TEST_F(KilledBuild, WhileAnArchiveIsUnpacked) {
    context_.file("zeros", std::string(64 << 20, '\0'));
    const auto packed = check_output({.argv = {"tar", "-C", context_.path().string(), "-czf",
                                               (context_.path() / "a.tgz").string(), "zeros"}},
                                     Errc::io);
    ASSERT_OK(packed);
    const std::string dockerfile = "FROM scratch\nADD a.tgz /x/\n";
    kill_at("", "synchost-add-", 1, dockerfile);
    next_build_is_right(dockerfile);
}

TEST_F(KilledBuild, ALivingBuildLosesNothingToTheNext) {
    context_.file("busybox2", noise(100));
    int ready[2] = {-1, -1};
    int go_on[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(go_on, O_CLOEXEC), 0);
    const std::string dockerfile = std::string(kShell) + "RUN echo ready\nCOPY busybox2 /b\nRUN echo 1 >/f\n";
    context_.file("Dockerfile", dockerfile);
    const pid_t builder = ::fork();
    ASSERT_GE(builder, 0);
    if (builder == 0) {
        const auto built = build({.context = context_.path()},
                                 {.store = store_.path(), .progress = [&](const std::string& line) {
                                      char byte = 0;
                                      if (!line.ends_with("| ready")) return;
                                      (void)!::write(ready[1], "x", 1);
                                      (void)!::read(go_on[0], &byte, 1);
                                  }});
        ::_exit(built ? 0 : 1);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_FALSE(fs::is_empty(store_.path() / "steps"));
    EXPECT_OK(build_in(store_.path(), "FROM scratch\nCOPY busybox2 /c\n"));
    EXPECT_FALSE(fs::is_empty(store_.path() / "steps"));
    context_.file("Dockerfile", dockerfile);
    ASSERT_EQ(::write(go_on[1], "x", 1), 1);
    int status = 0;
    ASSERT_EQ(::waitpid(builder, &status, 0), builder);
    EXPECT_EQ(status, 0);
    for (const int fd : {ready[0], ready[1], go_on[0], go_on[1]}) ::close(fd);
}

class DyingRegistry : public Fault {};

TEST_F(DyingRegistry, APushThatFailedIsRightTheNextTime) {
    auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    registry::Connector connector(
        {.retry = {.attempts = 2, .first = std::chrono::milliseconds(1)}, .piece_bytes = 4 << 20});
    const TempDir store = TempDir::make("store").value();
    context_.file("a", noise(3 << 20))
        .file("big", noise(24 << 20))
        .file("Dockerfile", "FROM scratch\nCOPY a /a\nCOPY big /big\n");
    BuildTools tools = {.store = store.path(), .registries = &connector};
    const auto image = build({.context = context_.path()}, tools);
    ASSERT_OK(image);
    const auto name = [&] { return registry::Reference::parse(server->address() + "/app:1").value(); };

    tools.transfer_progress = [&](const registry::BlobEvent& event) {
        if (event.size > (20u << 20) && event.done > event.size / 2) server->kill();
    };
    const auto failed = push(*image, name(), tools);
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, Errc::registry);
    EXPECT_THAT(failed.error().message, HasSubstr(server->address()));
    EXPECT_THAT(failed.error().next_step, HasSubstr("Check that the registry runs there"));

    ASSERT_OK(server->start_again());
    tools.transfer_progress = {};
    registry::Client client = connector.client(name().host());
    EXPECT_EQ(client.head_manifest(name()).value(), std::nullopt) << "no tag that points at nothing";
    EXPECT_OK(push(*image, name(), tools));
    const TempDir copy = TempDir::make("copy").value();
    EXPECT_OK(
        check_output({.argv = {"skopeo", "copy", "--src-tls-verify=false", "docker://" + name().to_string(),
                               "dir:" + (copy.path() / "image").string()}},
                     Errc::registry));
    EXPECT_EQ(sha256(read_file(copy.path() / "image/manifest.json").value()), image->digest);
}

}  // namespace
}  // namespace synchost::images
