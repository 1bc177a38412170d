// `synchost cache` and its limit, on the real program.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "images/store/blob_store.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using nlohmann::json;

class CacheCommand : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_OK(make_folders(project()));
        ASSERT_OK(write_file_atomic(project() / "Dockerfile", "FROM scratch\nCOPY f /f\n"));
        ASSERT_OK(write_file_atomic(project() / "f", "content"));
    }
    Completed run(std::vector<std::string> arguments, const std::string& limit = "") {
        arguments.insert(arguments.begin(), SYNCHOST_PROGRAM);
        auto done = run_command({.argv = arguments,
                                 .env = {{"XDG_STATE_HOME", (dir_.path() / "state").native()},
                                         {"XDG_CACHE_HOME", (dir_.path() / "cache").native()},
                                         {"SYNCHOST_CACHE_LIMIT", limit}},
                                 .cwd = project()});
        EXPECT_OK(done);
        return done.value_or(Completed{});
    }
    json usage() { return json::parse(run({"cache", "--json"}).out, nullptr, false); }
    void build_with(const std::string& content, std::vector<std::string> options,
                    const std::string& limit = "") {
        ASSERT_OK(write_file_atomic(project() / "f", content));
        options.insert(options.begin(), "build");
        const Completed done = run(options, limit);
        ASSERT_EQ(done.exit_code, 0) << done.err;
    }
    [[nodiscard]] std::filesystem::path project() const { return dir_.path() / "project"; }
    [[nodiscard]] std::filesystem::path store() const { return dir_.path() / "cache/synchost/store"; }
    TempDir dir_ = TempDir::make("test").value();
};

TEST_F(CacheCommand, TellsThePartsAndTheLimit) {
    const Completed empty = run({"cache"}, "3MB");
    ASSERT_EQ(empty.exit_code, 0) << empty.err;
    EXPECT_EQ(empty.out,
              store().native() +
                  "\n"
                  "  layers                 0 B  0 blobs\n"
                  "  unpacked layers        0 B  as folders, for RUN\n"
                  "  cache mounts           0 B  of RUN --mount=type=cache; not counted in the limit\n"
                  "  records                0 B  which step made what\n"
                  "  together               0 B  limit 3.0 MB: a build removes what is more\n");
    build_with("one", {});
    const Completed some = run({"cache", "--cache-limit", "none"});
    EXPECT_TRUE(some.out.contains("1 blob\n")) << some.out;
    EXPECT_TRUE(some.out.contains("no limit\n")) << some.out;
    const json told = usage();
    EXPECT_EQ(told["store"], store().native());
    EXPECT_EQ(told["layers"], 1);
    EXPECT_GT(told["limitBytes"], 0);
    EXPECT_EQ(told["totalBytes"].get<int>(), told["layerBytes"].get<int>() + told["recordBytes"].get<int>());
}

TEST_F(CacheCommand, PrunesToASizeOrAltogether) {
    build_with("one", {});
    build_with("two", {});
    const int bytes = usage()["layerBytes"].get<int>();
    const Completed nothing = run({"cache", "prune"});
    EXPECT_TRUE(nothing.out.starts_with("nothing to remove, ")) << nothing.out << nothing.err;
    EXPECT_TRUE(nothing.out.contains("--keep SIZE leaves less, --all nothing")) << nothing.out;
    ASSERT_EQ(run({"cache", "prune", "--keep", std::to_string(bytes - 1)}).exit_code, 0);
    EXPECT_EQ(usage()["layers"], 1);
    std::filesystem::create_directories(store() / "cache-mounts/npm");
    const json told = json::parse(run({"cache", "prune", "--all", "--json"}).out, nullptr, false);
    EXPECT_GT(told["removed"], 1);
    EXPECT_EQ(told["left"]["totalBytes"], 0);
    EXPECT_FALSE(std::filesystem::exists(store() / "cache-mounts/npm"));
    build_with("two", {});
    EXPECT_EQ(usage()["layers"], 1);
}

TEST_F(CacheCommand, ABuildKeepsTheLimit) {
    build_with("one", {"--cache-limit", "1"});
    build_with("two", {"--cache-limit", "1"});
    EXPECT_EQ(usage()["layers"], 1);
    build_with("three", {}, "1");
    EXPECT_EQ(usage()["layers"], 1);
    build_with("four", {});
    EXPECT_EQ(usage()["layers"], 2);
}

TEST_F(CacheCommand, WrongWordsAndARunningBuildAreToldWithTheNextStep) {
    const Completed size = run({"cache", "prune", "--keep", "much"});
    EXPECT_EQ(size.exit_code, 1);
    EXPECT_EQ(size.err, "synchost: --keep: much is no size\n  Write a number and a unit: 5GB, 512MiB.\n");
    EXPECT_EQ(run({"cache", "prune", "--keep", "1", "--all"}).exit_code, 2);
    EXPECT_EQ(run({"build"}, "much").exit_code, 1);
    build_with("one", {});
    const auto used = images::BlobStore::open(store());
    ASSERT_OK(used);
    const Completed busy = run({"cache", "prune", "--all"});
    EXPECT_EQ(busy.exit_code, 1);
    EXPECT_EQ(busy.err, "synchost: a build uses " + store().native() + "\n  Try again when it has ended.\n");
    EXPECT_EQ(usage()["layers"], 1);
}

}  // namespace
}  // namespace synchost::host
