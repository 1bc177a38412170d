// Generations through the real stream: host link, TLS, sidecar, supervisor, file system.
#include <sys/stat.h>

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

}  // namespace
}  // namespace synchost::test
