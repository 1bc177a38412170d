// RUN with a real shell (busybox), over real overlay mounts, in real namespaces. Needs root.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>

#include "base/subprocess.hpp"
#include "images/builder.hpp"
#include "images/exec/layer_folders.hpp"
#include "images/layer/tar_reader.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"
#include "support/step_mounts.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;
using test::ImageContext;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kShell = "FROM scratch\nCOPY busybox /bin/\nCOPY busybox /bin/sh\n";

class Run : public testing::Test {
  protected:
    void SetUp() override { context_.file("busybox", read_file("/bin/busybox").value(), 0755); }
    void TearDown() override {
        EXPECT_THAT(test::step_mounts(), IsEmpty());
        std::error_code ignored;
        EXPECT_TRUE(fs::is_empty(store_.path() / "steps", ignored) || ignored);
    }
    Result<Image> try_build(const std::string& dockerfile, BuildRequest request = {}) {
        context_.file("Dockerfile", dockerfile);
        request.context = context_.path();
        lines_.clear();
        return build(request, {.store = store_.path(),
                               .progress = [&](const std::string& line) { lines_.push_back(line); }});
    }
    Image make(const std::string& steps, BuildRequest request = {}) {
        auto image = try_build(kShell + steps, std::move(request));
        EXPECT_OK(image);
        return image ? *std::move(image) : Image{};
    }
    // "mode uid:gid path" of the entries of a layer; a link with its target, a file with its content.
    static std::vector<std::string> entries(const Layer& layer) {
        std::vector<std::string> out;
        EXPECT_OK(read_tar(layer.file, [&](const TarEntry& entry, TarContent& content) -> Result<TarWalk> {
            std::string bytes;
            if (entry.kind == TarKind::file) {
                TRY(content.read([&](std::string_view piece) -> Result<> {
                    bytes += piece;
                    return {};
                }));
            }
            std::array<char, 16> mode{};
            std::snprintf(mode.data(), mode.size(), "%o", entry.mode);
            std::string line = std::string(mode.data()) + " " + std::to_string(entry.uid) + ":" +
                               std::to_string(entry.gid) + " " + entry.path;
            if (entry.kind == TarKind::symlink) line += " -> " + entry.link;
            if (entry.kind == TarKind::hard_link) line += " == " + entry.link;
            if (!bytes.empty()) line += " " + bytes.substr(0, 60);
            out.push_back(line);
            return TarWalk::go_on;
        }));
        return out;
    }
    std::vector<std::string> run_and_list(const std::string& steps, BuildRequest request = {}) {
        const Image image = make(steps, std::move(request));
        return image.layers.empty() ? std::vector<std::string>{} : entries(image.layers.back());
    }

    ImageContext context_;
    TempDir store_ = TempDir::make("store").value();
    std::vector<std::string> lines_;
};

TEST_F(Run, FilesOfAStepAreItsLayer) {
    EXPECT_THAT(run_and_list("RUN busybox mkdir -m 700 /d && echo one >/d/a && busybox ln /d/a /d/b && "
                             "busybox ln -s a /d/c && busybox chmod 4711 /d/a && busybox chown 7:8 /d\n"),
                ElementsAre("700 7:8 d", "4711 0:0 d/a one\n", "4711 0:0 d/b == d/a", "777 0:0 d/c -> a"));
    EXPECT_THAT(lines_, Contains(HasSubstr("Dockerfile:4: RUN busybox mkdir")));
}

TEST_F(Run, RemovedFilesAreExplicitWhiteouts) {
    context_.file("t/one", "1").file("t/two", "2").file("t/sub/three", "3");
    EXPECT_THAT(run_and_list("COPY t /t\nRUN busybox rm -rf /t/sub /t/one\n"),
                ElementsAre("755 0:0 t", "0 0:0 t/.wh.one", "0 0:0 t/.wh.sub"));
}

TEST_F(Run, AFolderThatWasMadeAnewListsItsOldChildrenAsRemoved) {
    context_.file("t/one", "1").file("t/two", "2");
    EXPECT_THAT(run_and_list("COPY t /t\nRUN busybox rm -rf /t && busybox mkdir /t && echo new >/t/two\n"),
                ElementsAre("755 0:0 t", "0 0:0 t/.wh.one", "644 0:0 t/two new\n"));
}

TEST_F(Run, AFileInPlaceOfAFolderNeedsNoWhiteout) {
    context_.file("t/one", "1");
    EXPECT_THAT(run_and_list("COPY t /t\nRUN busybox rm -rf /t && echo f >/t\n"),
                ElementsAre("644 0:0 t f\n"));
}

TEST_F(Run, WhatWasCopiedUpAndDidNotChangeIsNoPartOfTheLayer) {
    context_.file("t/one", "1");
    const Image image = make("COPY t /t\nRUN busybox chmod 644 /t/one && busybox touch /t/one\n");
    ASSERT_EQ(image.layers.size(), 4u);
    EXPECT_THAT(entries(image.layers.back()), IsEmpty());
}

TEST_F(Run, FoldersAboveKeepTheirRealAttributes) {
    context_.folder("tmp", 01777);
    const Image image = make("COPY . /all/\nRUN echo x >/all/tmp/f\n");
    EXPECT_THAT(entries(image.layers.back()),
                ElementsAre("755 0:0 all", "1777 0:0 all/tmp", "644 0:0 all/tmp/f x\n"));
}

TEST_F(Run, NoStubOfAMountReachesTheLayer) {
    EXPECT_THAT(run_and_list("RUN --mount=type=tmpfs,target=/scratch/deep --mount=type=cache,target=/c "
                             "busybox ls -d /proc/self /sys/kernel /dev/null /etc/hosts /etc/resolv.conf "
                             "/etc/hostname /scratch/deep /c && echo x >/scratch/deep/x && echo y >/c/y\n"),
                IsEmpty());
}

TEST_F(Run, TheEnvironmentIsTheImagesAndNothingElse) {
    ASSERT_EQ(::setenv("SYNCHOST_LEAK", "1", 1), 0);
    const Image image = make(
        "ARG A=1\nENV B=2\nARG B=hidden\nUSER 5:6\nWORKDIR /w\n"
        "RUN --mount=type=tmpfs,target=/out busybox env | busybox sort\n",
        {.build_args = {{"HTTP_PROXY", "http://proxy"}}});
    ASSERT_FALSE(image.layers.empty());
    std::vector<std::string> seen;
    for (const std::string& line : lines_) {
        if (line.starts_with("9| ")) seen.push_back(line.substr(3));
    }
    EXPECT_THAT(seen, ElementsAre("A=1", "B=2", "HOME=/", "HTTP_PROXY=http://proxy",
                                  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                  "PWD=/w", "SHLVL=1"));
    ::unsetenv("SYNCHOST_LEAK");
}

TEST_F(Run, RootHasDockersCapabilitiesAndItsUmask) {
    make(
        "RUN busybox grep -E 'CapEff|CapBnd|CapInh|NoNewPrivs' /proc/self/status && umask && "
        "busybox hostname && busybox id -u\n");
    EXPECT_THAT(lines_, AllOf(Contains("4| CapInh:\\x090000000000000000"),
                              Contains("4| CapEff:\\x0900000000a80425fb"),
                              Contains("4| CapBnd:\\x0900000000a80425fb"), Contains("4| NoNewPrivs:\\x090"),
                              Contains("4| 0022"), Contains("4| synchost-build"), Contains("4| 0")));
}

TEST_F(Run, TheKernelsSettingsAndDevicesAreOutOfReach) {
    make(
        "RUN ! echo x >/proc/sys/kernel/core_pattern; ! busybox mount -t tmpfs t /mnt; "
        "busybox mknod /disk b 254 0 && ! busybox head -c 1 /disk && busybox rm /disk && echo safe\n");
    EXPECT_THAT(lines_, Contains("4| safe"));
}

TEST_F(Run, AUserByNameRunsWithItsGroups) {
    context_.file("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:100::/home/app:/bin/sh\n")
        .file("etc/group", "users:x:100:\nextra:x:200:app,other\n");
    make("COPY etc /etc\nUSER app\nRUN busybox id && echo $HOME\n");
    EXPECT_THAT(lines_, Contains("6| uid=1000(app) gid=100(users) groups=200(extra)"));
    EXPECT_THAT(lines_, Contains("6| /home/app"));
}

TEST_F(Run, AFailedStepTellsItsLastLinesAndItsCode) {
    const auto image = try_build(std::string(kShell) + "RUN for i in 1 2 3; do echo line $i; done; exit 3\n");
    ASSERT_FALSE(image.has_value());
    EXPECT_THAT(image.error().message, AllOf(HasSubstr("Dockerfile:4: RUN for i"), HasSubstr("exit code 3"),
                                             HasSubstr("\n    line 2\n    line 3")));
}

TEST_F(Run, AProgramThatIsNotThereIsNamed) {
    const auto image = try_build(std::string(kShell) + "RUN [\"nosuch\", \"x\"]\n");
    ASSERT_FALSE(image.has_value());
    EXPECT_THAT(image.error().message, HasSubstr("Dockerfile:4: cannot run nosuch: No such file"));
}

TEST_F(Run, AllFormsOfACommandRun) {
    make(
        "RUN [\"busybox\", \"echo\", \"$HOME words\"]\n"
        "RUN <<EOF\necho script $((1+1))\nEOF\n"
        "RUN <<EOF\n#!/bin/busybox sh\necho program $0\nEOF\n"
        "RUN busybox cat <<A && busybox cat <<'B'\na $((2+2))\nA\nb $x\nB\n"
        "SHELL [\"/bin/busybox\", \"sh\", \"-ec\"]\nRUN echo $0 shell\n");
    EXPECT_THAT(lines_, AllOf(Contains("4| $HOME words"), Contains("5| script 2"),
                              Contains("8| program /.synchost-script"), Contains("12| a 4"),
                              Contains("12| b $x"), Contains(HasSubstr(" shell"))));
}

TEST_F(Run, BackgroundProcessesEndWithTheStep) {
    make("RUN busybox sleep 1000 & echo started\n");
    EXPECT_THAT(lines_, Contains("4| started"));
}

TEST_F(Run, WithoutANetworkOnlyLoopbackIsThere) {
    make("RUN --network=none busybox ls /sys/class/net; busybox ip addr show lo | busybox grep -c UP\n");
    EXPECT_THAT(lines_, AllOf(Contains("4| lo"), Contains("4| 1")));
    EXPECT_THAT(lines_, Not(Contains("4| eth0")));
}

TEST_F(Run, BindMountsShowContextAndStages) {
    context_.file("src/a", "from context").file(".dockerignore", "src/hidden\n").file("src/hidden", "no");
    const Image image =
        make("RUN busybox mkdir /o && echo from stage >/o/b\n" +
             ("FROM scratch\n" + std::string(kShell).substr(13)) +
             "RUN --mount=source=src,target=/in --mount=type=bind,from=0,source=/o/b,target=/b "
             "--mount=source=src,target=/rw,rw busybox cat /in/a /b; busybox ls /in; "
             "! echo x >/in/x; echo x >/rw/x && echo done\n");
    EXPECT_THAT(lines_, Contains("8| from contextfrom stage"));
    EXPECT_THAT(lines_, Contains("8| done"));
    EXPECT_THAT(lines_, Not(Contains("8| hidden")));
    EXPECT_THAT(entries(image.layers.back()), IsEmpty());
}

TEST_F(Run, AMountMayLieBelowAnother) {
    context_.file("src/a", "deep");
    make(
        "RUN --mount=type=tmpfs,target=/s --mount=source=src/a,target=/s/x/a "
        "--mount=type=cache,target=/s/x/c --mount=type=cache,target=/s/x/c/d,id=e "
        "busybox cat /s/x/a && echo && busybox ls -d /s/x/c/d\n");
    EXPECT_THAT(lines_, AllOf(Contains("4| deep"), Contains("4| /s/x/c/d")));
}

TEST_F(Run, CacheMountsPersistAndAreNoPartOfTheImage) {
    const std::string mount = "RUN --mount=type=cache,target=/c,id=k,mode=0700,uid=3 ";
    make(mount + "busybox stat -c %a:%u /c; echo kept >/c/f\n");
    EXPECT_THAT(lines_, Contains("4| 700:3"));
    make(mount + "busybox cat /c/f && echo second\n");
    EXPECT_THAT(lines_, Contains("4| kept"));
}

TEST_F(Run, SecretsAreSeenByTheirStepAlone) {
    context_.file("token", "s3cret");
    const BuildRequest request{.secrets = {{"token", {.file = context_.path() / "token", .variable = {}}}}};
    const Image image = make(
        "RUN --mount=type=secret,id=token,env=T busybox stat -c %a:%s /run/secrets/token "
        "2>/dev/null; test ${#T} = 6 && echo env ok\n"
        "RUN --mount=type=secret,id=token busybox stat -c %a:%s /run/secrets/token\n"
        "RUN test ! -e /run && echo gone\n",
        request);
    EXPECT_THAT(lines_, AllOf(Contains("5| 400:6"), Contains("6| gone")));
    for (const Layer& layer : image.layers) EXPECT_THAT(entries(layer), Not(Contains(HasSubstr("secret"))));
    EXPECT_THAT(image.config, Not(HasSubstr("s3cret")));
    for (const auto& file : fs::recursive_directory_iterator(store_.path())) {
        if (file.is_regular_file()) EXPECT_THAT(read_file(file.path()).value(), Not(HasSubstr("s3cret")));
    }
}

TEST_F(Run, ARequiredSecretThatIsNotGivenIsAnError) {
    const auto image = try_build(std::string(kShell) + "RUN --mount=type=secret,id=token,required echo x\n");
    ASSERT_FALSE(image.has_value());
    EXPECT_THAT(image.error().message, HasSubstr("Dockerfile:4: RUN needs the secret token"));
}

TEST_F(Run, AStepIsKeptWhileNothingThatItReadsChanges) {
    context_.file("in", "1").file("other", "1");
    const std::string steps = "COPY in /in\nRUN busybox cat /in >/out && echo ran\nCOPY other /\n";
    const Image first = make(steps);
    EXPECT_THAT(lines_, Contains("5| ran"));
    const Image same = make(steps);
    EXPECT_THAT(lines_, Not(Contains("5| ran")));
    EXPECT_EQ(same.digest, first.digest);
    context_.file("other", "2");
    make(steps);
    EXPECT_THAT(lines_, Not(Contains("5| ran")));
    context_.file("in", "2");
    const Image changed = make(steps);
    EXPECT_THAT(lines_, Contains("5| ran"));
    EXPECT_THAT(entries(changed.layers[3]), ElementsAre("644 0:0 out 2"));
}

TEST_F(Run, BindMountsAreKeyedByTheirContentAndProxiesAreNot) {
    context_.file("in", "1");
    const std::string steps = "ARG V\nRUN --mount=source=in,target=/in echo ran $V\n";
    make(steps);
    make(steps, {.build_args = {{"HTTP_PROXY", "http://proxy"}}});
    EXPECT_THAT(lines_, Not(Contains(HasSubstr("5| ran"))));
    make(steps, {.build_args = {{"V", "v"}}});
    EXPECT_THAT(lines_, Contains("5| ran v"));
    context_.file("in", "2");
    make(steps, {.build_args = {{"V", "v"}}});
    EXPECT_THAT(lines_, Contains("5| ran v"));
}

TEST_F(Run, WhatAKeptStepRemovedStaysRemovedForLaterSteps) {
    context_.file("t/one", "1").file("t/two", "2").file("late", "1");
    const std::string steps = "COPY t /t\nRUN busybox rm /t/one\nCOPY late /\nRUN busybox ls /t\n";
    make(steps);
    context_.file("late", "2");
    make(steps);
    EXPECT_THAT(lines_, AllOf(Contains("7| two"), Not(Contains("7| one"))));
}

TEST_F(Run, TwoBuildsInTwoStoresGiveOneDigestWhereTheTimeIsGiven) {
    const BuildRequest request{.context = context_.path(), .build_args = {{"SOURCE_DATE_EPOCH", "1000"}}};
    const std::string steps =
        "RUN echo $((40+2)) >/n && busybox mkdir -p /a/b && busybox ln /n /a/m && busybox chmod 777 /a/b\n"
        "USER 7\nRUN --mount=type=cache,target=/c/d busybox stat -c '%n %a %u' /dev/shm /dev/pts /c /c/d "
        "/etc "
        ">/a/b/modes\n";
    const Image first = make(steps, request);
    const TempDir other = TempDir::make("store").value();
    const mode_t before = ::umask(077);
    const auto second = build(request, {.store = other.path()});
    ::umask(before);
    ASSERT_OK(second);
    EXPECT_EQ(first.digest, second->digest);
}

TEST_F(Run, FilesKeepTheirTimesAlsoForTheStepsThatFollow) {
    const Image image = make(
        "RUN echo 1 >/old && busybox touch -d @500 /old\n"
        "RUN test $(busybox stat -c %Y /old) = 500 && echo 2 >/new\n");
    std::int64_t time = 0;
    EXPECT_OK(read_tar(image.layers.at(image.layers.size() - 2).file,
                       [&](const TarEntry& entry, TarContent&) -> Result<TarWalk> {
                           if (entry.path == "old") time = entry.mtime;
                           return TarWalk::go_on;
                       }));
    EXPECT_EQ(time, 500);
}

TEST_F(Run, AKilledBuildLeavesTheStoreUsable) {
    const std::string dockerfile =
        std::string(kShell) + "RUN echo begun >/f; echo ready; busybox sleep 1000\n";
    context_.file("Dockerfile", dockerfile);
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
    const pid_t builder = ::fork();
    ASSERT_GE(builder, 0);
    if (builder == 0) {
        const auto built = build({.context = context_.path()},
                                 {.store = store_.path(), .progress = [&](const std::string& line) {
                                      if (line.ends_with("| ready")) (void)!::write(ready[1], "x", 1);
                                  }});
        ::_exit(built ? 0 : 1);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    // The step's processes by their parent: all must be gone once the build is.
    const auto children =
        read_file("/proc/" + std::to_string(builder) + "/task/" + std::to_string(builder) + "/children");
    ASSERT_OK(children);
    const pid_t init = std::stoi(*children);
    const int init_fd = static_cast<int>(::syscall(SYS_pidfd_open, init, 0));
    ASSERT_GE(init_fd, 0);
    ::kill(builder, SIGKILL);
    ASSERT_EQ(::waitpid(builder, nullptr, 0), builder);
    pollfd gone = {init_fd, POLLIN, 0};
    EXPECT_EQ(::poll(&gone, 1, 10'000), 1);
    ::close(init_fd);
    ::close(ready[0]);
    ::close(ready[1]);
    EXPECT_FALSE(fs::is_empty(store_.path() / "steps"));
    EXPECT_THAT(run_and_list("RUN echo done >/f\n"), ElementsAre("644 0:0 f done\n"));
}

TEST_F(Run, ALayerMayBeThereTwice) {
    context_.file("t/one", "1");
    make(
        "COPY t /t\nRUN true\nRUN busybox rm /t/one\nRUN true; true\nCOPY t /t\nRUN busybox cat /t/one && "
        "echo\n");
    EXPECT_THAT(lines_, Contains("9| 1"));
}

TEST_F(Run, MoreThan127LayersAreRefused) {
    std::string steps;
    for (int i = 0; i < 126; ++i) steps += "WORKDIR /w" + std::to_string(i) + "\n";
    const auto image = try_build(kShell + steps + "RUN echo x\n");
    ASSERT_FALSE(image.has_value());
    EXPECT_THAT(image.error().message, HasSubstr("RUN on an image of 128 layers: at most 127"));
    const auto most = try_build(kShell + steps.substr(0, steps.rfind("WORKDIR")) + "RUN echo enough\n");
    ASSERT_OK(most);
    EXPECT_THAT(lines_, Contains(HasSubstr("| enough")));
}

}  // namespace
}  // namespace synchost::images
