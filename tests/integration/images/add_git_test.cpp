// ADD of git repositories, from git's own daemon on loopback.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "images/fetch/git_source.hpp"
#include "images/image_set.hpp"
#include "images/output/output.hpp"
#include "support/free_port.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::HasSubstr;

class AddGit : public testing::Test {
  protected:
    void SetUp() override {
        script(
            "git init -q -b main repo && cd repo && git config user.name t && git config user.email t@t && "
            "mkdir sub && echo one >a && echo two >sub/b && chmod +x sub/b && ln -s a link && echo 'a "
            "export-ignore' "
            ">.gitattributes && git add . && git commit -qm 1 && git tag v1 && git checkout -qb next && "
            "echo three >a && git commit -qam 2 && git checkout -q main");
        const std::string port = std::to_string(test::free_port());
        auto daemon = BackgroundProcess::start(
            {.argv = {"git", "daemon", "--export-all", "--listen=127.0.0.1", "--port=" + port,
                      "--base-path=" + folder_.path().native(), "--reuseaddr"}},
            folder_.path() / "log");
        ASSERT_OK(daemon);
        daemon_.emplace(*std::move(daemon));
        url_ = "git://127.0.0.1:" + port + "/repo";
        for (int tries = 0; tries < 100; ++tries) {
            if (run_command({.argv = {"git", "ls-remote", url_}, .timeout = std::chrono::seconds(5)})
                    .value_or(Completed{.exit_code = 1})
                    .exit_code == 0)
                return;
        }
        FAIL() << "no git daemon: " << read_file(folder_.path() / "log").value_or("");
    }
    std::string script(const std::string& text) const {
        const auto out = check_output(
            {.argv = {"sh", "-c", text}, .env = {{"HOME", folder_.path().native()}}, .cwd = folder_.path()},
            Errc::io);
        EXPECT_OK(out);
        return out.value_or("");
    }
    std::string commit(const std::string& name) const {
        const std::string out = script("git -C repo rev-parse " + name);
        return out.substr(0, out.find('\n'));
    }
    Result<Image> built(const std::string& steps) {
        test::ImageContext context;
        context.file("Dockerfile", "FROM scratch\n" + steps);
        return build({.context = context.path()}, {.store = store_.path()});
    }
    // What `steps` lay, each path with its kind, mode and, of a file, content.
    std::string laid(const std::string& steps) {
        const auto image = built(steps);
        EXPECT_OK(image);
        if (!image) return {};
        const TempDir out = TempDir::make("out").value();
        EXPECT_OK(write_output(*image, {.kind = OutputKind::root_folder, .dest = out.path()}, {},
                               {.store = store_.path()}));
        return check_output(
                   {.argv = {"sh", "-c",
                             "find . -mindepth 1 -type d -printf '%P/\\n' -o -type l -printf '%P>%l\\n' -o "
                             "-printf '%P %m ' -exec cat {} \\; | LC_ALL=C sort"},
                    .cwd = out.path()},
                   Errc::io)
            .value_or("");
    }

    TempDir folder_ = TempDir::make("git").value();
    TempDir store_ = TempDir::make("store").value();
    std::optional<BackgroundProcess> daemon_;
    std::string url_;
};

TEST_F(AddGit, LaysWhatACommitHas) {
    EXPECT_EQ(laid("ADD " + url_ + " /x\n"),
              "x/\nx/.gitattributes 644 a export-ignore\nx/a 644 one\nx/link>a\nx/sub/\nx/sub/b 755 two\n");
    EXPECT_EQ(laid("ADD " + url_ + "#next:sub /x/\n"), "x/\nx/b 755 two\n");
    EXPECT_THAT(laid("ADD " + url_ + "#next /\n"), HasSubstr("a 644 three\n"));
    EXPECT_THAT(laid("ADD " + url_ + "#v1 /\n"), HasSubstr("a 644 one\n"));
    EXPECT_THAT(laid("ADD --chown=7:8 --chmod=600 " + url_ + "#v1 /\n"), HasSubstr("a 600 one\n"));
}

TEST_F(AddGit, IsTheSameTwice) {
    const auto one = built("ADD " + url_ + "#v1 /x\n");
    store_ = TempDir::make("store").value();
    const auto two = built("ADD " + url_ + "#v1 /x\n");
    ASSERT_OK(one);
    ASSERT_OK(two);
    EXPECT_EQ(one->digest, two->digest);
}

TEST_F(AddGit, ChecksumIsTheCommit) {
    const std::string right = commit("v1");
    EXPECT_OK(built("ADD --checksum=" + right + " " + url_ + "#v1 /\n"));
    EXPECT_OK(built("ADD --checksum=" + right.substr(0, 10) + " " + url_ + "#v1 /\n"));
    EXPECT_ERROR(built("ADD --checksum=" + right + " " + url_ + "#next /\n"), Errc::conflict,
                 "Dockerfile:2: " + url_ + ": the commit is " + commit("next"));
}

TEST_F(AddGit, ErrorsSayWhatIsMissing) {
    EXPECT_ERROR(built("ADD " + url_ + "#none /\n"), Errc::io, "none");
    EXPECT_ERROR(built("ADD " + url_ + "#v1:none /\n"), Errc::not_found, "no folder none");
    EXPECT_ERROR(built("ADD " + url_ + "#v1:a /\n"), Errc::not_found, "no folder a");
    EXPECT_ERROR(built("ADD " + url_ + "-absent /\n"), Errc::io, "repo-absent");
    script(
        "cd repo && git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),module && git commit -qm "
        "3");
    EXPECT_ERROR(built("ADD " + url_ + " /\n"), Errc::unsupported, "submodules");
}

// What this process's environment, or the user's configuration, tells git is not heard, and no other
// transport runs.
TEST_F(AddGit, GitHearsNobodyElse) {
    ::setenv("GIT_CONFIG_COUNT", "1", 1);
    ::setenv("GIT_CONFIG_KEY_0",
             ("url.ext::sh -c 'touch " + folder_.path().native() + "/evil'.insteadOf").c_str(), 1);
    ::setenv("GIT_CONFIG_VALUE_0", url_.c_str(), 1);
    ::setenv("GIT_ALLOW_PROTOCOL", "ext", 1);
    EXPECT_OK(built("ADD " + url_ + " /\n"));
    for (const char* name :
         {"GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0", "GIT_ALLOW_PROTOCOL"})
        ::unsetenv(name);
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "evil"));
    const GitFetcher fetcher{.scratch = store_.path(), .ssh_agent = {}};
    EXPECT_ERROR(fetcher.fetch({(folder_.path() / "repo").native(), "", ""}, {}), Errc::io, "file");
}

}  // namespace
}  // namespace synchost::images
