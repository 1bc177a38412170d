// `synchost copy` as a user has it: what it prints, and its exit codes.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/lines.hpp"
#include "base/subprocess.hpp"
#include "support/free_port.hpp"
#include "support/layout_maker.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using test::LayoutMaker;
using test::RegistryServer;
using testing::HasSubstr;

Completed copy(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {SYNCHOST_PROGRAM, "copy"});
    auto done = run_command({.argv = std::move(arguments)});
    EXPECT_OK(done);
    return done.value_or(Completed{});
}

class CopyCommand : public testing::Test {
  protected:
    void SetUp() override {
        auto server = RegistryServer::start();
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
    }
    [[nodiscard]] std::string name(const std::string& text) const { return server_->address() + "/" + text; }

    std::optional<RegistryServer> server_;
    LayoutMaker layout_{{.platforms = {"linux/amd64", "linux/arm/v7"}}};
    const std::string source_ = "oci:" + layout_.folder().native();
};

TEST_F(CopyCommand, CopiesAllPlatformsAndThenOne) {
    const Completed all = copy({"--all", source_, name("app:1")});
    EXPECT_EQ(all.exit_code, 0) << all.err;
    EXPECT_THAT(all.out, HasSubstr("copied " + name("app@") + layout_.root().to_string() +
                                   " (3 manifests; "
                                   "5 blobs sent, "));
    const std::vector<std::string_view> lines = lines_of(all.err);  // two for each blob, and the empty end
    EXPECT_EQ(lines.size(), 11u) << all.err;
    EXPECT_FALSE(all.err.contains('\x1b'));

    const Completed one = copy({"--platform", "linux/arm/v7", name("app:1"), name("arm:1")});
    EXPECT_EQ(one.exit_code, 0) << one.err;
    EXPECT_THAT(one.out, HasSubstr("copied " + name("arm@") + layout_.images()[1].to_string()));
    EXPECT_THAT(one.err, HasSubstr("  mounted\n"));

    const Completed again = copy({"--all", source_, name("app:1")});
    EXPECT_EQ(again.out, name("app@") + layout_.root().to_string() + " was there already\n");
    EXPECT_EQ(again.err, "");
}

TEST_F(CopyCommand, JsonIsOneObjectInALineAndTheResultTheLast) {
    const Completed done = copy({"--all", "--json", source_, name("app:1")});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.err, "");
    std::map<std::string, int> events;
    nlohmann::json last;
    for (const std::string_view line : lines_of(done.out)) {
        if (line.empty()) continue;
        last = nlohmann::json::parse(line, nullptr, false);
        ASSERT_TRUE(last.is_object()) << line;
        ++events[last.at("event").get<std::string>()];
    }
    EXPECT_EQ(events.at("started"), 5);
    EXPECT_EQ(events.at("sent"), 5);
    EXPECT_EQ(last.at("event"), "copied");
    EXPECT_EQ(last.at("image"), name("app@") + layout_.root().to_string());
    EXPECT_EQ(last.at("blobsSent"), 5);
    EXPECT_EQ(last.at("manifests"), 3);
}

TEST_F(CopyCommand, ARegistryThatIsNotThereEndsWith3) {
    const std::string nobody = "127.0.0.1:" + std::to_string(test::free_port());
    const Completed to = copy({"--all", source_, nobody + "/app:1"});
    EXPECT_EQ(to.exit_code, 3);
    EXPECT_THAT(to.err, testing::StartsWith("synchost: registry " + nobody + ": connection refused"));
    const Completed from = copy({nobody + "/app:1", name("app:1")});
    EXPECT_EQ(from.exit_code, 3);
}

TEST_F(CopyCommand, WrongWordsAreTold) {
    EXPECT_EQ(copy({source_}).exit_code, 2);
    EXPECT_EQ(copy({"--all", "--platform", "linux/amd64", source_, name("app:1")}).exit_code, 2);
    const Completed platform = copy({"--platform", "amd64", source_, name("app:1")});
    EXPECT_EQ(platform.exit_code, 1);
    EXPECT_THAT(platform.err, HasSubstr("os/architecture"));
    const Completed missing = copy({name("nothing:1"), name("app:1")});
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_THAT(missing.err, HasSubstr("nothing:1"));
    const Completed folder = copy({"oci:/nowhere", name("app:1")});
    EXPECT_EQ(folder.exit_code, 1);
    EXPECT_THAT(folder.err, HasSubstr("oci:/nowhere is no OCI image layout"));
    const Completed other = copy({"--platform", "linux/s390x", source_, name("app:1")});
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.err, HasSubstr("(there is: linux/amd64, linux/arm/v7)"));
}

TEST(CopyHelp, Teaches) {
    const Completed help = copy({"--help"});
    EXPECT_EQ(help.exit_code, 0);
    for (const char* part : {"oci:FOLDER", "--all", "--platform", "--registry-ca", "Examples:"})
        EXPECT_THAT(help.out, HasSubstr(part));
}

}  // namespace
}  // namespace synchost::host
