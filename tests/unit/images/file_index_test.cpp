#include "images/cache/file_index.hpp"

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'700'000'000 * kSecond;

FileStamp stamp(std::uint64_t inode, std::int64_t ctime_ns = kNow - 10 * kSecond - 1) {
    return {.device = 1, .inode = inode, .size = 3, .mtime_ns = kNow - 20 * kSecond, .ctime_ns = ctime_ns};
}

class Index : public testing::Test {
  protected:
    [[nodiscard]] std::filesystem::path path() const { return folder_->path() / "index"; }
    Result<TempDir> folder_ = TempDir::make("index");
};

TEST_F(Index, WhatWasLearntIsThereAfterASave) {
    FileIndex first(path());
    EXPECT_EQ(first.size(), 0u);
    first.learn(stamp(1), stamp(1), xxh3("one"), kNow);
    first.learn(stamp(2), stamp(2), xxh3("two"), kNow);
    ASSERT_OK(first.save());
    FileIndex second(path());
    EXPECT_EQ(second.find(stamp(1)), xxh3("one"));
    EXPECT_EQ(second.find(stamp(2)), xxh3("two"));
    EXPECT_EQ(second.find(stamp(3)), std::nullopt);
}

TEST_F(Index, EveryFieldOfAStampCounts) {
    FileIndex index(path());
    index.learn(stamp(1), stamp(1), xxh3("one"), kNow);
    for (auto change : {+[](FileStamp& s) { s.device++; }, +[](FileStamp& s) { s.inode++; },
                        +[](FileStamp& s) { s.size++; }, +[](FileStamp& s) { s.mtime_ns++; },
                        +[](FileStamp& s) { s.ctime_ns++; }}) {
        FileStamp other = stamp(1);
        change(other);
        EXPECT_EQ(index.find(other), std::nullopt);
    }
}

TEST_F(Index, WhatCouldChangeBehindTheSameStampIsNotKept) {
    FileIndex index(path());
    index.learn(stamp(1, kNow - 1), stamp(1, kNow - 1), xxh3("x"), kNow);
    index.learn(stamp(2, kNow + kSecond + 1), stamp(2, kNow + kSecond + 1), xxh3("x"), kNow);
    index.learn(stamp(3, kNow - kSecond), stamp(3, kNow - kSecond), xxh3("x"), kNow);  // whole seconds
    index.learn(stamp(4), stamp(4, kNow - kSecond - 7), xxh3("x"), kNow);              // changed meanwhile
    index.learn(FileStamp{}, FileStamp{}, xxh3("x"), kNow);                            // no stamp at all
    EXPECT_EQ(index.size(), 0u);
    index.learn(stamp(1, kNow - kSecond + 1), stamp(1, kNow - kSecond + 1), xxh3("x"), kNow);
    index.learn(stamp(3, kNow - 4 * kSecond), stamp(3, kNow - 4 * kSecond), xxh3("x"), kNow);
    EXPECT_EQ(index.size(), 2u);
}

TEST_F(Index, ADamagedOneIsThrownAwayAndWrittenAnew) {
    FileIndex first(path());
    for (std::uint64_t i = 1; i <= 3; ++i) first.learn(stamp(i), stamp(i), xxh3("x"), kNow);
    ASSERT_OK(first.save());
    const std::string good = read_file(path()).value();
    const auto knows = [&](const std::string& bytes) {
        EXPECT_OK(write_file_atomic(path(), bytes));
        return FileIndex(path()).size();
    };
    EXPECT_EQ(knows(good), 3u);
    for (std::size_t at = 0; at < good.size(); ++at) {
        EXPECT_EQ(knows(good.substr(0, at)), 0u) << at;
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x40);
        EXPECT_EQ(knows(bad), 0u) << at;
    }
    EXPECT_EQ(knows(good + "x"), 0u);
    FileIndex again(path());
    ASSERT_OK(again.save());
    EXPECT_OK(FileIndex(path()).parse(read_file(path()).value()));
}

TEST_F(Index, WhatNobodyAsksForGoesAfterSomeBuilds) {
    {
        FileIndex index(path());
        index.learn(stamp(1), stamp(1), xxh3("kept"), kNow);
        index.learn(stamp(2), stamp(2), xxh3("gone"), kNow);
        ASSERT_OK(index.save());
    }
    for (std::uint64_t i = 0; i < 20; ++i) {
        FileIndex index(path());
        EXPECT_TRUE(index.find(stamp(1)));
        index.learn(stamp(100 + i), stamp(100 + i), xxh3("news"), kNow);
        ASSERT_OK(index.save());
    }
    FileIndex index(path());
    EXPECT_TRUE(index.find(stamp(1)));
    EXPECT_FALSE(index.find(stamp(2)));
    EXPECT_LT(index.size(), 12u);
}

TEST_F(Index, OneThatToldNothingNewIsNotWritten) {
    {
        FileIndex index(path());
        index.learn(stamp(1), stamp(1), xxh3("x"), kNow);
        ASSERT_OK(index.save());
    }
    FileIndex index(path());
    EXPECT_TRUE(index.find(stamp(1)));
    std::filesystem::remove(path());
    ASSERT_OK(index.save());
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Index, RemembersWhichFilesHaveNoExtendedAttributes) {
    {
        FileIndex index(path());
        index.note_no_xattrs(stamp(1));
        EXPECT_FALSE(index.has_no_xattrs(stamp(1)))
            << "its content is not known: its stamp may not be settled";
        index.learn(stamp(1), stamp(1), xxh3("x"), kNow);
        index.learn(stamp(2), stamp(2), xxh3("y"), kNow);
        EXPECT_FALSE(index.has_no_xattrs(stamp(1)));
        index.note_no_xattrs(stamp(1));
        EXPECT_TRUE(index.has_no_xattrs(stamp(1)));
        ASSERT_OK(index.save());
    }
    FileIndex index(path());
    EXPECT_TRUE(index.has_no_xattrs(stamp(1)));
    EXPECT_FALSE(index.has_no_xattrs(stamp(2)));
    EXPECT_EQ(index.find(stamp(1)), xxh3("x"));
    index.learn(stamp(1), stamp(1), xxh3("x"), kNow);
    EXPECT_FALSE(index.has_no_xattrs(stamp(1))) << "what was read again is looked at again";
}

TEST_F(Index, WhereItCannotBeWrittenThatIsSaid) {
    FileIndex index(folder_->path() / "absent" / "index");
    index.learn(stamp(1), stamp(1), xxh3("x"), kNow);
    EXPECT_FALSE(index.save());
    EXPECT_EQ(index.find(stamp(1)), xxh3("x"));
}

}  // namespace
}  // namespace synchost::images
