#include "agent/apply/kept_log.hpp"

#include <fcntl.h>

#include <map>
#include <random>
#include <set>

#include "agent/apply/inventory.hpp"
#include "agent/apply/transaction.hpp"
#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "protocol/messages.hpp"
#include "support/result_matchers.hpp"

namespace synchost::agent {
namespace {

using namespace protocol;

using Tree = std::map<std::string, std::string>;

// A container: its folder, as the image has it, and the pod's volume beside it.
class KeptLogTest : public testing::Test {
  protected:
    KeptLogTest() {
        std::filesystem::create_directories(app());
        std::filesystem::create_directories(volume());
    }
    [[nodiscard]] std::filesystem::path app() const { return dir_.path() / "app"; }
    [[nodiscard]] std::filesystem::path volume() const { return dir_.path() / "kept"; }
    void write(const std::string& path, std::string_view content) {
        ASSERT_OK(make_folders((app() / path).parent_path()));
        ASSERT_OK(write_file_atomic(app() / path, content));
    }
    [[nodiscard]] Tree tree() const {
        Tree tree;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(app())) {
            const std::string path = entry.path().lexically_relative(app());
            if (path.starts_with(kStagingPrefix)) continue;
            tree[path] = entry.is_symlink()     ? "l:" + std::filesystem::read_symlink(entry.path()).native()
                         : entry.is_directory() ? "d"
                                                : "f:" + read_file(entry.path()).value_or("?");
        }
        return tree;
    }
    static KeptChange changed(ChangeKind kind, std::string_view path, bool whole = false) {
        return {kind, 0, RelPath::parse(path).value(), whole};
    }
    // The container is made anew from its image, as `image` makes it, and gets back what the pod kept.
    void restart(const std::function<void()>& image, KeptLog& log) {
        std::filesystem::remove_all(app());
        std::filesystem::create_directory(app());
        image();
        Folders folders({app().native() + "/"});
        StagingAreas areas(folders, "test", {});
        ASSERT_OK(log.restore(folders, areas));
        EXPECT_EQ(areas.generation(), log.generation().value_or(GenerationId{}));
    }

    TempDir dir_ = TempDir::make("kept").value();
    KeptLog log_{volume(), {app().native() + "/"}};
};

TEST_F(KeptLogTest, ARestartedContainerGetsBackWhatItWasSent) {
    const auto image = [&] {
        write("a", "image");
        write("gone", "image");
    };
    image();
    write("a", "edited");
    write("n/x", "new");
    write("n/deep/y", std::string(700'000, 'y'));
    std::filesystem::create_symlink("a", app() / "s");
    std::filesystem::remove(app() / "gone");
    const Tree edited = tree();
    ASSERT_OK(log_.append(GenerationId{3},
                          {changed(ChangeKind::put_file, "a"), changed(ChangeKind::make_folder, "n", true),
                           changed(ChangeKind::put_symlink, "s"), changed(ChangeKind::remove, "gone")}));
    EXPECT_EQ(log_.generation(), GenerationId{3});
    KeptLog next(volume(), {app().native() + "/"});  // of the supervisor that is started
    restart(image, next);
    EXPECT_EQ(tree(), edited);
}

TEST_F(KeptLogTest, GenerationsAreReplayedInTheirOrder) {
    write("a", "1");
    ASSERT_OK(log_.append(GenerationId{1}, {changed(ChangeKind::put_file, "a")}));
    std::filesystem::remove(app() / "a");
    ASSERT_OK(log_.append(GenerationId{2}, {changed(ChangeKind::remove, "a")}));
    write("a/in", "3");
    ASSERT_OK(log_.append(GenerationId{3}, {changed(ChangeKind::make_folder, "a", true)}));
    const Tree last = tree();
    restart([] {}, log_);
    EXPECT_EQ(tree(), last);
}

// As where a file is saved in place: more than once within the moment in which changes are gathered.
TEST_F(KeptLogTest, WhatSeveralGenerationsNameIsKeptAsItLiesThere) {
    const auto image = [&] { write("back", "image"); };
    image();
    write("n/x", "newest");
    write("a", "newest");
    write("back", "newest");
    write("turned/in", "newest");
    const Tree newest = tree();
    ASSERT_OK(log_.append(GenerationId{4},
                          {changed(ChangeKind::make_folder, "n", true), changed(ChangeKind::put_file, "a"),
                           changed(ChangeKind::put_file, "back"), changed(ChangeKind::put_file, "turned"),
                           changed(ChangeKind::put_file, "n/x"), changed(ChangeKind::put_file, "a"),
                           changed(ChangeKind::remove, "back"), changed(ChangeKind::put_file, "back"),
                           changed(ChangeKind::make_folder, "turned", true)}));
    restart(image, log_);
    EXPECT_EQ(tree(), newest);
}

TEST_F(KeptLogTest, ABurstMayNameAPathManyTimes) {
    write("a", "1");
    write("n/x", "new");
    const auto put = changed(ChangeKind::put_file, "a");
    ASSERT_OK(log_.append(
        GenerationId{2},
        {put, changed(ChangeKind::remove, "a"), put, put, changed(ChangeKind::make_folder, "n", true),
         changed(ChangeKind::put_file, "n/x"), changed(ChangeKind::make_folder, "n")}));
    restart([] {}, log_);
    EXPECT_EQ(tree(), (Tree{{"a", "f:1"}, {"n", "d"}, {"n/x", "f:new"}}));
}

TEST_F(KeptLogTest, AFolderThatWentAndCameAgainHoldsNothingOfTheOldOne) {
    const auto image = [&] {
        write("d/old", "image");
        std::filesystem::create_symlink("d", app() / "s");
    };
    write("d/new", "2");
    write("s/y", "2");
    ASSERT_OK(log_.append(GenerationId{2},
                          {changed(ChangeKind::remove, "d"), changed(ChangeKind::make_folder, "d", true),
                           changed(ChangeKind::make_folder, "s", true), changed(ChangeKind::remove, "s/x")}));
    restart(image, log_);
    EXPECT_EQ(tree(), (Tree{{"d", "d"}, {"d/new", "f:2"}, {"s", "d"}, {"s/y", "f:2"}}));
}

TEST_F(KeptLogTest, WhatWasInterruptedIsAsIfItHadNotBegun) {
    write("a", "1");
    ASSERT_OK(log_.append(GenerationId{1}, {changed(ChangeKind::put_file, "a")}));
    write("a", "2");
    log_.interrupt();
    EXPECT_ERROR(log_.append(GenerationId{2}, {changed(ChangeKind::put_file, "a")}), Errc::cancelled, "");
    log_.allow();
    EXPECT_EQ(log_.generation(), GenerationId{1});
    restart([] {}, log_);
    EXPECT_EQ(tree(), (Tree{{"a", "f:1"}}));
}

TEST_F(KeptLogTest, ALogThatWasCutOffOrDamagedIsNone) {
    write("a", "1");
    ASSERT_OK(log_.append(GenerationId{1}, {changed(ChangeKind::put_file, "a")}));
    const std::string whole = read_file(volume() / "log").value();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        ASSERT_OK(write_file_atomic(volume() / "log", whole.substr(0, length)));
        EXPECT_FALSE(KeptLog(volume(), {app().native() + "/"}).generation()) << length;
    }
    // Bytes after what the header calls complete are of a copy that was cut off.
    ASSERT_OK(write_file_atomic(volume() / "log", whole + "half a frame"));
    KeptLog log(volume(), {app().native() + "/"});
    restart([] {}, log);
    EXPECT_EQ(tree(), (Tree{{"a", "f:1"}}));
    write("b", "2");
    ASSERT_OK(log.append(GenerationId{2}, {changed(ChangeKind::put_file, "b")}));
    restart([] {}, log);
    EXPECT_EQ(tree(), (Tree{{"a", "f:1"}, {"b", "f:2"}}));
}

TEST_F(KeptLogTest, FlippedBytesNeverLeaveTheRoot) {
    write("a", "1");
    ASSERT_OK(log_.append(GenerationId{1}, {changed(ChangeKind::put_file, "a")}));
    const std::string whole = read_file(volume() / "log").value();
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string flipped = whole;
        flipped[i] = static_cast<char>(flipped[i] ^ 0x20);
        ASSERT_OK(write_file_atomic(volume() / "log", flipped));
        KeptLog log(volume(), {app().native() + "/"});
        Folders folders({app().native() + "/"});
        StagingAreas areas(folders, "test", {});
        (void)log.restore(folders, areas);
        EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_.path()), {}), 2) << i;
    }
}

TEST_F(KeptLogTest, AFullVolumeLeavesAnEmptyLog) {
    KeptLog small(volume(), {app().native() + "/"}, 50'000);
    write("a", "1");
    ASSERT_OK(small.append(GenerationId{1}, {changed(ChangeKind::put_file, "a")}));
    std::minstd_rand random(1);
    std::string noise(100'000, '\0');
    for (char& c : noise) c = static_cast<char>(random() >> 8);
    write("b", noise);
    EXPECT_ERROR(small.append(GenerationId{2}, {changed(ChangeKind::put_file, "b")}), Errc::io,
                 "No space left");
    EXPECT_FALSE(small.generation());  // half of it would be worse than nothing
}

TEST_F(KeptLogTest, StaysSmallHoweverOftenAFileChanges) {
    std::minstd_rand random(1);
    std::string noise(1'000'000, '\0');
    for (std::uint64_t i = 1; i <= 40; ++i) {
        for (char& c : noise) c = static_cast<char>(random() >> 8);
        write("a", noise);
        write("n/" + std::to_string(i % 3), std::to_string(i));
        ASSERT_OK(log_.append(GenerationId{i}, {changed(ChangeKind::put_file, "a"),
                                                changed(ChangeKind::make_folder, "n", true)}));
    }
    EXPECT_LT(std::filesystem::file_size(volume() / "log"), 10'000'000u);
    std::filesystem::remove_all(app() / "n");
    ASSERT_OK(log_.append(GenerationId{41}, {changed(ChangeKind::remove, "n")}));
    const Tree last = tree();
    restart([&] { write("n/of-the-image", "1"); }, log_);
    EXPECT_EQ(tree(), last);
}

TEST_F(KeptLogTest, InventoryTellsWhatIsOurs) {
    write("image", "1");
    write("put", "1");
    write("whole/in/it", "1");
    write("pending", "1");
    ASSERT_OK(log_.append(GenerationId{1}, {changed(ChangeKind::put_file, "put"),
                                            changed(ChangeKind::make_folder, "whole", true)}));
    const auto payloads =
        list_with_owners({app().native() + "/"}, log_, {changed(ChangeKind::put_file, "pending")}, 40);
    ASSERT_OK(payloads);
    EXPECT_GT(payloads->size(), 1u);
    Inventory inventory{.id = {}, .roots = {"/app/"}, .entries = {}};
    for (const std::string& payload : *payloads) ASSERT_OK(parse_inventory_entries(payload, inventory));
    std::set<std::string> ours;
    for (const InventoryEntry& entry : inventory.entries) {
        if (entry.ours) ours.insert(entry.path.str());
    }
    EXPECT_EQ(ours, (std::set<std::string>{"put", "whole", "whole/in", "whole/in/it", "pending"}));
    EXPECT_EQ(inventory.entries.size(), 6u);
}

}  // namespace
}  // namespace synchost::agent
