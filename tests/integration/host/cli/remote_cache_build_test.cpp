// `synchost build --cache-to` and `--cache-from` of the real program, as two machines that share a registry.
// Needs root, for RUN.
#include <gmock/gmock.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::HasSubstr;
using testing::Not;

class RemoteCacheBuild : public testing::Test {
  protected:
    void SetUp() override {
        auto server = test::RegistryServer::start({.in_memory = true});
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
        put("busybox", read_file("/bin/busybox").value(), 0755);
        put("Dockerfile",
            "FROM scratch\nCOPY busybox /bin/sh\nRUN read id </proc/sys/kernel/random/uuid; echo $id "
            ">/out\n");
    }
    void put(const std::string& path, const std::string& content, mode_t mode = 0644) const {
        ASSERT_OK(make_folders(dir_.path() / "project"));
        ASSERT_OK(write_file_atomic(dir_.path() / "project" / path, content, mode));
    }
    Completed run(const std::string& machine, std::vector<std::string> arguments,
                  const std::string& command = "build") {
        arguments.insert(arguments.begin(), {SYNCHOST_PROGRAM, command});
        auto done = run_command({.argv = arguments,
                                 .env = {{"XDG_STATE_HOME", (dir_.path() / machine / "state").native()},
                                         {"XDG_CACHE_HOME", (dir_.path() / machine / "cache").native()}},
                                 .cwd = dir_.path() / "project"});
        EXPECT_OK(done);
        return done.value_or(Completed{});
    }
    [[nodiscard]] std::string name(const std::string& image) const {
        return server_->address() + "/" + image;
    }

    TempDir dir_ = TempDir::make("test").value();
    std::optional<test::RegistryServer> server_;
};

TEST_F(RemoteCacheBuild, OneMachineTakesWhatAnotherMade) {
    const Completed first = run("one", {"--push", "--json", "-t", name("app:1"), "--cache-to",
                                        "type=registry,ref=" + name("app:cache") + ",mode=max"});
    ASSERT_EQ(first.exit_code, 0) << first.err;
    const std::size_t line = first.out.find("{\"cache\"");
    ASSERT_NE(line, std::string::npos) << first.out;
    const auto cached = nlohmann::json::parse(first.out.substr(line), nullptr, false);
    ASSERT_TRUE(cached.is_object()) << first.out;
    EXPECT_EQ(cached["cache"], name("app:cache"));
    EXPECT_EQ(cached["blobsSent"], 2) << "the record of the RUN, and the records: the layers were pushed";

    const Completed second = run("two", {"-q", "--cache-from", name("app:none"), "--cache-from",
                                         "type=registry,ref=" + name("app:cache")});
    ASSERT_EQ(second.exit_code, 0) << second.err;
    const Completed again = run("one", {"-q"});
    EXPECT_EQ(second.out, again.out);

    // What was not fetched can be pushed all the same, later and by name.
    ASSERT_EQ(run("two", {"-q", "-t", name("later:1"), "--cache-from", name("app:cache")}).exit_code, 0);
    const Completed pushed = run("two", {name("later:1")}, "push");
    EXPECT_EQ(pushed.exit_code, 0) << pushed.err;
    EXPECT_THAT(pushed.out, HasSubstr("(1 blob sent"));

    const Completed told = run("three", {"--cache-from", name("app:none"), "--cache-from", name("app:cache"),
                                         "-t", name("app:2"), "--push", "--cache-to", name("app:cache")});
    ASSERT_EQ(told.exit_code, 0) << told.err;
    EXPECT_THAT(told.err, HasSubstr("the build cache " + name("app:none") + " is not used: "));
    EXPECT_THAT(told.err, HasSubstr(" (from the build cache)"));
    EXPECT_THAT(told.out, HasSubstr("cached to " + name("app:cache") + " (0 blobs sent"));
}

TEST_F(RemoteCacheBuild, WrongFlagsAreToldBeforeAnythingIsBuilt) {
    const Completed field = run("one", {"--cache-to", "type=registry,reff=" + name("app:cache")});
    EXPECT_NE(field.exit_code, 0);
    EXPECT_THAT(field.err, HasSubstr("--cache-to: unknown field reff"));
    EXPECT_THAT(field.err, HasSubstr("Did you mean ref?"));
    EXPECT_THAT(field.err, Not(HasSubstr("Dockerfile:")));
    const Completed type = run("one", {"--cache-from", "type=local,src=/cache"});
    EXPECT_NE(type.exit_code, 0);
    EXPECT_THAT(type.err,
                HasSubstr("--cache-from: type=local is not supported: a build cache lies in a registry"));
    EXPECT_TRUE(server_->requests().empty());
}

}  // namespace
}  // namespace synchost::host
