// `synchost build --shell-on-error` on a terminal that `script` of util-linux makes.
#include <unistd.h>

#include <filesystem>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

class ShellOnError : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "RUN needs root";
        ASSERT_OK(make_folders(dir_.path() / "project"));
        ASSERT_OK(
            write_file_atomic(dir_.path() / "project/busybox", read_file("/bin/busybox").value(), 0755));
    }
    Completed run(std::vector<std::string> argv, const std::string& dockerfile, const std::string& input) {
        EXPECT_OK(write_file_atomic(dir_.path() / "project/Dockerfile", dockerfile));
        auto done = run_command({.argv = std::move(argv),
                                 .env = {{"XDG_STATE_HOME", (dir_.path() / "state").native()},
                                         {"XDG_CACHE_HOME", (dir_.path() / "cache").native()},
                                         {"TOKEN", "from-outside"},
                                         {"SHELL", "/bin/sh"}},
                                 .cwd = dir_.path() / "project",
                                 .input = input});
        EXPECT_OK(done);
        return done.value_or(Completed{});
    }
    Completed run_in_terminal(const std::string& dockerfile, const std::string& input) {
        return run({"script", "-q", "-e", "-c",
                    SYNCHOST_PROGRAM " build --shell-on-error --secret id=t,env=TOKEN .", "/dev/null"},
                   dockerfile, input);
    }
    TempDir dir_ = TempDir::make("test").value();
};

constexpr const char* kFailing =
    "FROM scratch\n"
    "COPY busybox /bin/sh\n"
    "COPY busybox /bin/\n"
    "ENV COLOUR=green\n"
    "RUN --mount=type=secret,id=t,target=/token --mount=type=tmpfs,target=/scratch echo half > /made; exit "
    "7\n";

TEST_F(ShellOnError, ShowsTheRootThatTheStepLeftWithItsMountsAndVariables) {
    const Completed done = run_in_terminal(kFailing,
                                           "echo \"[$(busybox cat /made):$COLOUR:$(busybox cat /token)]\"\n"
                                           "test -t 0 && test -d /scratch && echo a''terminal\n"
                                           "exit 0\n");
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_TRUE(done.out.contains("[half:green:from-outside]")) << done.out;
    EXPECT_TRUE(done.out.contains("aterminal")) << done.out;
    EXPECT_TRUE(done.out.contains("it ended with exit code 7")) << done.out;
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path() / "cache/synchost/store/steps"));
}

TEST_F(ShellOnError, WithoutATerminalTheErrorIsAllAndNamesTheFlag) {
    const Completed done = run({SYNCHOST_PROGRAM, "build", "--shell-on-error", "--secret", "id=t,env=TOKEN"},
                               kFailing, "echo no");
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_TRUE(done.err.contains("no shell is opened: standard input is no terminal\n")) << done.err;
    EXPECT_TRUE(done.err.contains("synchost build --shell-on-error\n")) << done.err;
}

TEST_F(ShellOnError, AnImageWithoutAShellHasNone) {
    const Completed done =
        run_in_terminal("FROM scratch\nCOPY busybox /tool\nRUN [\"/tool\", \"false\"]\n", "");
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_TRUE(done.out.contains("no shell is opened: the image has none")) << done.out;
}

}  // namespace
}  // namespace synchost::host
