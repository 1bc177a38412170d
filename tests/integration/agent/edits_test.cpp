// Thousands of random edits against a model, and a reader that looks on while generations come in.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <map>
#include <set>
#include <thread>

#include "support/result_matchers.hpp"
#include "support/simple_host.hpp"
#include "support/torture.hpp"
#include "support/tree_edits.hpp"

namespace synchost::test {
namespace {

using namespace protocol;

class Edits : public TortureTest {};

// 30 operations in each of 350 generations.
TEST_F(Edits, RandomSequencesEndWithEqualTrees) {
    constexpr std::uint64_t kGenerations = 350;
    constexpr int kOperations = 30;
    TreeEdits edits(seed(), {});
    start();
    SimpleHost host(pod_, name(), host::UnixAddress{pod_.host_socket()});
    ASSERT_EQ(host.reported(), GenerationId{0});
    Tree tree;
    std::size_t changes = 0;
    std::size_t with_difference = 0;
    for (std::uint64_t number = 1; number <= kGenerations; ++number) {
        const Tree before = tree;
        for (int i = 0; i < kOperations; ++i) edits.edit(tree);
        const Generation generation =
            generation_between(before, tree, GenerationId{number}, pod_.root(), edits.random());
        changes += generation.changes.size();
        for (const auto& [path, node] : tree) with_difference += node.difference ? 1 : 0;
        TreeEdits::settle(tree);
        ASSERT_TRUE(host.apply(generation)) << "generation " << number;
        if (number % 50 != 0) continue;
        ASSERT_EQ(differences(tree, read_tree(pod_.app_dir())), "") << "generation " << number;
        const auto digest = pod_.await(host.link().digest(name()));
        ASSERT_OK(digest);
        EXPECT_EQ(*digest, digest_of(tree, pod_.root(), GenerationId{number}));
        const auto inventory = pod_.await(host.link().inventory(name()));
        ASSERT_OK(inventory);
        EXPECT_EQ(inventory->id, GenerationId{number});
        EXPECT_EQ(differences(hashed(tree), tree_of(*inventory)), "");
        for (const InventoryEntry& entry : inventory->entries)
            EXPECT_TRUE(entry.ours) << printable(entry.path.str());
    }
    EXPECT_GE(changes, 10'000u);
    EXPECT_GE(with_difference, 1'000u);
    std::printf("%d operations as %zu changes, %zu of them differences; %zu entries in the end\n",
                static_cast<int>(kGenerations) * kOperations, changes, with_difference, tree.size());
}

// A file that tells what it should be: its number, its length, and a checksum over all of it.
std::string telling(std::uint32_t number, std::size_t length) {
    std::string text(length, static_cast<char>('a' + number % 26));
    std::array<char, 64> head{};
    std::snprintf(head.data(), head.size(), "%10u %10zu ", number, length);
    text.replace(0, 22, head.data());
    return text + xxh3(text).hex();
}

// Reads files in a tight loop, on a thread of its own.
class Reader {
  public:
    explicit Reader(std::vector<std::filesystem::path> files) : files_(std::move(files)) {
        thread_ = std::jthread([this](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                for (const auto& file : files_) read(file);
                ++passes_;
            }
        });
    }
    void stop() {
        thread_.request_stop();
        thread_.join();
    }
    [[nodiscard]] std::uint64_t passes() const { return passes_; }
    // Once it is stopped.
    [[nodiscard]] std::size_t reads() const { return reads_; }
    [[nodiscard]] std::size_t versions() const { return versions_.size(); }
    [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }

  private:
    void read(const std::filesystem::path& path) {
        constexpr std::size_t kFooter = 32;
        const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        struct stat info{};
        if (!file || ::fstat(file.get(), &info) != 0)
            return fault(path, "open failed: " + std::to_string(errno));
        std::string text;
        std::array<char, 65536> buffer;
        for (ssize_t got = 0; (got = ::read(file.get(), buffer.data(), buffer.size())) > 0;)
            text.append(buffer.data(), static_cast<std::size_t>(got));
        ++reads_;
        if (text.size() != static_cast<std::size_t>(info.st_size))
            return fault(path, "another size than its own");
        if (text.size() < kFooter + 22) return fault(path, "short");
        const std::string_view body = std::string_view(text).substr(0, text.size() - kFooter);
        if (std::stoul(text.substr(11, 10)) != body.size()) return fault(path, "another length than it says");
        if (!text.ends_with(xxh3(body).hex())) return fault(path, "mixed");
        versions_.emplace(path.native(), std::stoul(text.substr(0, 10)));
    }
    void fault(const std::filesystem::path& path, const std::string& what) {
        if (faults_.size() < 10) faults_.push_back(path.filename().native() + ": " + what);
    }

    std::vector<std::filesystem::path> files_;
    std::atomic<std::uint64_t> passes_ = 0;
    std::size_t reads_ = 0;
    std::set<std::pair<std::string, std::size_t>> versions_;
    std::vector<std::string> faults_;
    std::jthread thread_;
};

TEST_F(Edits, AReaderNeverSeesAMissingShortOrMixedFile) {
    constexpr std::uint32_t kGenerations = 500;
    constexpr std::uint32_t kFiles = 20;
    std::mt19937 random(seed());
    start();
    SimpleHost host(pod_, name(), host::UnixAddress{pod_.host_socket()});
    ASSERT_TRUE(host.reported());
    std::vector<std::string> paths;
    for (std::uint32_t i = 0; i < kFiles; ++i)
        paths.push_back((i % 3 == 0 ? "deep/er/" : i % 3 == 1 ? "src/" : "") + ("f" + std::to_string(i)));
    Tree tree = {{"deep", {.mode = 0755}}, {"deep/er", {.mode = 0755}}, {"src", {.mode = 0755}}};
    const auto next_tree = [&](std::uint32_t number) {
        Tree next = tree;
        for (const std::string& path : paths)
            if (number == 1 || random() % 3 != 0)
                next[path] = file_node(telling(number, 64 + random() % (random() % 4 == 0 ? 150'000 : 5'000)),
                                       random() % 2 == 0 ? 0644 : 0755);
        next["churn" + std::to_string(number % 7)] = file_node("beside");
        next.erase("churn" + std::to_string((number + 3) % 7));
        return next;
    };
    const auto send = [&](std::uint32_t number) {
        const Tree next = next_tree(number);
        const bool sent =
            host.apply(generation_between(tree, next, GenerationId{number}, pod_.root(), random)).has_value();
        tree = next;
        return sent;
    };
    ASSERT_TRUE(send(1));
    std::vector<std::filesystem::path> files;
    for (const std::string& path : paths) files.push_back(pod_.app_dir() / path);
    Reader reader(files);
    for (std::uint32_t number = 2; number <= kGenerations; ++number) {
        const std::uint64_t passes = reader.passes();
        ASSERT_TRUE(send(number)) << number;
        // It gets its turn however few processors there are.
        ASSERT_TRUE(eventually([&] { return reader.passes() > passes; }));
    }
    reader.stop();
    EXPECT_EQ(reader.faults(), std::vector<std::string>());
    EXPECT_GE(reader.versions(), 500u);
    EXPECT_EQ(differences(tree, read_tree(pod_.app_dir())), "");
    std::printf("%zu reads saw %zu versions of %u files\n", reader.reads(), reader.versions(), kFiles);
}

}  // namespace
}  // namespace synchost::test
