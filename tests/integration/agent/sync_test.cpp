// Generations through the real stream: host link, TLS, sidecar, supervisor, file system.
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "support/agent_pod.hpp"
#include "support/result_matchers.hpp"

namespace synchost::test {
namespace {

using namespace protocol;

class Sync : public testing::Test {
  protected:
    void SetUp() override {
        pod_.start_sidecar();
        pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
        ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    }
    Result<Applied> apply(const GenerationBuilder& generation) {
        return pod_.await(pod_.link().apply("app", generation.get()));
    }
    GenerationBuilder generation(std::uint64_t id = 1) { return GenerationBuilder(pod_.root(), id); }
    [[nodiscard]] std::filesystem::path path(std::string_view below) const { return pod_.app_dir() / below; }

    AgentPod pod_{SYNCHOST_AGENT};
};

TEST_F(Sync, WritesFilesFoldersAndSymlinks) {
    const std::string big(1'000'000, 'b');
    const auto applied = apply(generation(7)
                                   .put("a.txt", "hello")
                                   .put("deep/er/b.bin", big, 0755)
                                   .folder("empty", 0700)
                                   .symlink("link", "a.txt")
                                   .put("none", ""));
    ASSERT_OK(applied);
    EXPECT_EQ(applied->id, GenerationId{7});
    EXPECT_EQ(content_of(path("a.txt")), "hello");
    EXPECT_EQ(content_of(path("deep/er/b.bin")), big);
    EXPECT_EQ(std::filesystem::read_symlink(path("link")), "a.txt");
    EXPECT_TRUE(std::filesystem::exists(path("none")));
    struct stat info{};
    ASSERT_EQ(::stat(path("deep/er/b.bin").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0755u);
    ASSERT_EQ(::stat(path("empty").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700u);
}

TEST_F(Sync, RemovesFilesAndFolders) {
    ASSERT_OK(apply(generation(1).put("d/a", "1").put("d/b", "2").put("keep", "3")));
    ASSERT_OK(apply(generation(2).remove("d").remove("d/a").remove("d/b")));
    EXPECT_FALSE(std::filesystem::exists(path("d")));
    EXPECT_EQ(content_of(path("keep")), "3");
}

TEST_F(Sync, ASymlinkIsCreatedAsItIsAndNeverWrittenThrough) {
    std::filesystem::create_directory(pod_.dir() / "outside");
    ASSERT_OK(apply(generation(1).symlink("out", (pod_.dir() / "outside").native())));
    EXPECT_EQ(std::filesystem::read_symlink(path("out")), pod_.dir() / "outside");
    EXPECT_ERROR(apply(generation(2).put("out/x", "1").put("a", "1")), Errc::invalid_input,
                 "never written through");
    EXPECT_TRUE(std::filesystem::is_empty(pod_.dir() / "outside"));
    EXPECT_FALSE(std::filesystem::exists(path("a")));
}

TEST_F(Sync, AnUnknownRootIsRefusedAndTheStreamGoesOn) {
    const auto refused =
        pod_.await(pod_.link().apply("app", GenerationBuilder("/etc/").put("passwd", "x").get()));
    EXPECT_ERROR(refused, Errc::invalid_input, "\"/etc/\" is not a managed path");
    EXPECT_FALSE(refused.error().next_step.empty());
    EXPECT_OK(apply(generation().put("a", "1")));
}

TEST_F(Sync, AFailureNamesFileAndCauseAndLeavesTheGenerationWhereItWas) {
    ASSERT_OK(apply(generation(1).put("a", "old")));
    EXPECT_ERROR(apply(generation(2).put("a", "new").put("a/b", "1")), Errc::io, "app/a: Not a directory");
    EXPECT_EQ(content_of(path("a")), "old");
    const auto inventory = pod_.await(pod_.link().inventory("app"));
    ASSERT_OK(inventory);
    EXPECT_EQ(inventory->id, GenerationId{1});
}

TEST_F(Sync, InventoryTellsWhatIsThere) {
    ASSERT_OK(apply(generation(3).put("a", "1").symlink("s", "nowhere").folder("d")));
    const auto inventory = pod_.await(pod_.link().inventory("app"));
    ASSERT_OK(inventory);
    EXPECT_EQ(inventory->id, GenerationId{3});
    ASSERT_EQ(inventory->roots, std::vector{pod_.root()});
    std::map<std::string, InventoryEntry> entries;
    for (const auto& entry : inventory->entries) entries.emplace(entry.path.str(), entry);
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries.at("a").hash, xxh3("1"));
    EXPECT_EQ(entries.at("s").hash, xxh3("nowhere"));
    EXPECT_EQ(entries.at("s").kind, ChangeKind::put_symlink);
    EXPECT_EQ(entries.at("d").kind, ChangeKind::make_folder);
}

TEST_F(Sync, ALargeGenerationArrivesWhole) {
    auto large = generation();
    for (int i = 0; i < 3000; ++i)
        large.put("f" + std::to_string(i % 50) + "/n" + std::to_string(i), std::to_string(i));
    std::string noise(20'000'000, '\0');
    std::uint32_t state = 1;
    for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    ASSERT_OK(apply(large.put("noise", noise)));
    EXPECT_EQ(content_of(path("f7/n2957")), "2957");
    EXPECT_EQ(content_of(path("noise")), noise);
}

TEST_F(Sync, OneGenerationGoesToSeveralContainersAtOnce) {
    pod_.drop_link();
    pod_.start_sidecar({"one", "two"});
    for (const char* name : {"one", "two"}) {
        std::filesystem::create_directory(pod_.dir() / name);
        pod_.start_supervisor(
            name, {"--gate", "hold", "--root", pod_.root(), "--root", (pod_.dir() / name).native() + "/"},
            {"sleep", "600"});
        ASSERT_TRUE(pod_.wait_for(name, ProcessState::gated));
    }
    const auto shared = GenerationBuilder(pod_.root()).put("a", "1").get();
    std::vector<Result<Applied>> results;
    for (const char* name : {"one", "two"}) {
        boost::asio::co_spawn(
            pod_.io(), pod_.link().apply(name, shared),
            [&](std::exception_ptr, Result<Applied> result) { results.push_back(std::move(result)); });
    }
    ASSERT_TRUE(pod_.run_until([&] { return results.size() == 2; }));
    for (const auto& result : results) EXPECT_OK(result);
}

// Figures are printed and not asserted: they belong to the machine and its load.
TEST_F(Sync, SaysHowLongAnEditTakes) {
    std::vector<double> times;
    for (std::uint64_t i = 1; i <= 300; ++i) {
        const auto edit =
            generation(i).put("server.py", std::string(4096, static_cast<char>('a' + i % 26))).get();
        const auto begun = std::chrono::steady_clock::now();
        ASSERT_OK(pod_.await(pod_.link().apply("app", edit)));
        times.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
    }
    std::sort(times.begin(), times.end());
    std::printf("apply() of 4 KiB to acknowledged, ms: median %.3f, 90 of 100 %.3f, slowest %.3f\n",
                times[150], times[270], times.back());
}

}  // namespace
}  // namespace synchost::test
