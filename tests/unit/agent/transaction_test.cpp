#include "agent/apply/transaction.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "agent/apply/inventory.hpp"
#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::agent {
namespace {

using namespace protocol;

// Path -> "f:content", "d:" or "l:target"; temporary names of ours included, so that a leftover is seen.
using Tree = std::map<std::string, std::string>;

class TransactionTest : public testing::Test {
  protected:
    TransactionTest() { std::filesystem::create_directory(app_); }

    struct Put {
        std::string path;
        std::string content;
        std::uint32_t mode = 0644;
    };
    static ChangeStart file(const Put& put) {
        return {{ChangeKind::put_file, 0, RelPath::parse(put.path).value(), put.mode, {}, {}}, {}};
    }
    static ChangeStart change(ChangeKind kind, std::string_view path, std::uint32_t mode = 0,
                              std::string target = {}) {
        return {{kind, 0, RelPath::parse(path).value(), mode, std::move(target), {}}, {}};
    }
    static ChangeStart folder(std::string_view path) { return change(ChangeKind::make_folder, path, 0755); }
    static ChangeStart removal(std::string_view path) { return change(ChangeKind::remove, path); }
    static ChangeStart symlink(std::string_view path, std::string target) {
        return change(ChangeKind::put_symlink, path, 0, std::move(target));
    }
    static Result<> stage(Transaction& transaction, const Put& put) {
        TRY(transaction.stage(file(put)));
        if (!put.content.empty()) TRY(transaction.write({put.content}));
        return transaction.finish({xxh3(put.content)});
    }
    Result<> apply(const std::vector<Put>& puts, const std::vector<ChangeStart>& others = {}) {
        Transaction transaction(folders_, areas_, GenerationId{++generation_});
        for (const Put& put : puts) TRY(stage(transaction, put));
        for (const ChangeStart& other : others) TRY(transaction.stage(other));
        return transaction.commit();
    }
    [[nodiscard]] Tree tree() const {
        Tree tree;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(app_)) {
            const std::string path = entry.path().lexically_relative(app_);
            if (entry.is_symlink()) {
                tree[path] = "l:" + std::filesystem::read_symlink(entry.path()).native();
            } else if (entry.is_directory()) {
                tree[path] = "d:";
            } else {
                tree[path] = "f:" + read_file(entry.path()).value_or("?");
            }
        }
        return tree;
    }
    void write(std::string_view path, std::string_view content) {
        ASSERT_OK(write_file_atomic(app_ / path, content));
    }

    TempDir dir_ = TempDir::make("transaction").value();
    std::filesystem::path app_ = dir_.path() / "app";
    Folders folders_{{app_.native() + "/"}};
    StagingAreas areas_{folders_, "test", {dir_.path()}};
    std::uint64_t generation_ = 0;
};

TEST_F(TransactionTest, MakesWhatItSays) {
    ASSERT_OK(apply({{"a", "1"}, {"d/e/f", "2"}, {"empty", ""}}, {folder("g"), symlink("s", "/etc/passwd")}));
    EXPECT_EQ(tree(), (Tree{{"a", "f:1"},
                            {"d", "d:"},
                            {"d/e", "d:"},
                            {"d/e/f", "f:2"},
                            {"empty", "f:"},
                            {"g", "d:"},
                            {"s", "l:/etc/passwd"}}));
}

TEST_F(TransactionTest, ReplacesAndRemoves) {
    ASSERT_OK(apply({{"a", "1"}, {"b", "1"}, {"d/x", "1"}}, {symlink("s", "a")}));
    ASSERT_OK(
        apply({{"a", "2"}, {"s", "file"}}, {removal("b"), removal("d"), removal("d/x"), symlink("t", "b")}));
    EXPECT_EQ(tree(), (Tree{{"a", "f:2"}, {"s", "f:file"}, {"t", "l:b"}}));
}

TEST_F(TransactionTest, ASymlinkIsReplacedAndNotFollowed) {
    const auto outside = dir_.path() / "outside";
    ASSERT_OK(write_file_atomic(outside, "untouched"));
    std::filesystem::create_symlink(outside, app_ / "link");
    ASSERT_OK(apply({{"link", "new"}, {"other", "x"}}));
    EXPECT_EQ(tree().at("link"), "f:new");
    EXPECT_EQ(read_file(outside).value(), "untouched");
}

TEST_F(TransactionTest, RefusesToWriteThroughASymlinkThatLeadsOutside) {
    std::filesystem::create_directory(dir_.path() / "outside");
    std::filesystem::create_directory_symlink(dir_.path() / "outside", app_ / "out");
    write("a", "old");
    EXPECT_ERROR(apply({{"a", "new"}, {"out/x", "1"}}), Errc::invalid_input, "never written through");
    EXPECT_EQ(tree(), (Tree{{"a", "f:old"}, {"out", "l:" + (dir_.path() / "outside").native()}}));
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path() / "outside"));
    EXPECT_ERROR(apply({}, {removal("out/x")}), Errc::invalid_input, "never written through");
}

TEST_F(TransactionTest, FilesBecomeFoldersAndFoldersFiles) {
    ASSERT_OK(apply({{"a", "file"}, {"d/x", "1"}, {"d/y/z", "2"}}, {symlink("s", "d")}));
    ASSERT_OK(
        apply({{"a/in", "1"}, {"d", "now a file"}, {"s/in", "2"}},
              {folder("a"), folder("s"), removal("d"), removal("d/x"), removal("d/y"), removal("d/y/z")}));
    EXPECT_EQ(tree(),
              (Tree{{"a", "d:"}, {"a/in", "f:1"}, {"d", "f:now a file"}, {"s", "d:"}, {"s/in", "f:2"}}));
}

TEST_F(TransactionTest, RemovesAFolderWithWhatTheAppPutThere) {
    ASSERT_OK(apply({{"d/x.py", "1"}}));
    ASSERT_OK(make_folders(app_ / "d/__pycache__"));
    write("d/__pycache__/x.pyc", "cache");
    ASSERT_OK(apply({}, {removal("d"), removal("d/x.py")}));
    EXPECT_EQ(tree(), Tree{});
}

TEST_F(TransactionTest, RemovingWhatIsGoneIsDone) {
    EXPECT_OK(apply({}, {removal("none"), removal("no/where")}));
}

TEST_F(TransactionTest, SetsModesOfFilesAndFolders) {
    ASSERT_OK(apply({{"run.sh", "#!", 0755}}, {change(ChangeKind::make_folder, "d", 0700)}));
    ASSERT_OK(apply({}, {change(ChangeKind::make_folder, "d", 0750)}));
    struct stat info{};
    ASSERT_EQ(::stat((app_ / "run.sh").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0755u);
    ASSERT_EQ(::stat((app_ / "d").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0750u);
}

TEST_F(TransactionTest, NewFoldersInheritNoBitOfTheFolderAbove) {
    ASSERT_OK(apply({}, {change(ChangeKind::make_folder, "d", 02775), folder("d/e")}));
    struct stat info{};
    ASSERT_EQ(::stat((app_ / "d").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 02775u);
    ASSERT_EQ(::stat((app_ / "d/e").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0755u);
}

TEST_F(TransactionTest, NothingIsTouchedBeforeCommit) {
    write("a", "old");
    {
        Transaction transaction(folders_, areas_, GenerationId{1});
        ASSERT_OK(stage(transaction, {"a", "new"}));
        ASSERT_OK(stage(transaction, {"deep/b", "new"}));
        EXPECT_EQ(read_file(app_ / "a").value(), "old");
        EXPECT_FALSE(std::filesystem::exists(app_ / "deep"));
    }
    EXPECT_EQ(tree(), (Tree{{"a", "f:old"}}));
}

TEST_F(TransactionTest, ContentThatDoesNotMatchItsHashIsRefused) {
    Transaction transaction(folders_, areas_, GenerationId{1});
    ASSERT_OK(transaction.stage(file({"a", "12345"})));
    ASSERT_OK(transaction.write({"12346"}));
    EXPECT_ERROR(transaction.finish({xxh3("12345")}), Errc::protocol,
                 "a: the content does not have the announced hash");
}

TEST_F(TransactionTest, ManyFilesOfANewFolderAreMadeByTwoThreads) {
    std::vector<Put> puts;
    for (int i = 0; i < 2'000; ++i) {
        const std::string folder = "n/" + std::to_string(i / 50);
        // Up to twice of what is collected before a file is opened.
        const std::string content(static_cast<std::size_t>(i % 40 == 0 ? 131'072 - i : i),
                                  static_cast<char>(i));
        puts.push_back({folder + "/" + std::to_string(i), content, i % 7 == 0 ? 04711U : 0666U});
    }
    Transaction transaction(folders_, areas_, GenerationId{1});
    ASSERT_OK(transaction.stage(folder("n")));
    std::string last;
    for (const Put& put : puts) {
        const std::string above = put.path.substr(0, put.path.rfind('/'));
        if (std::exchange(last, above) != above) ASSERT_OK(transaction.stage(folder(above)));
        ASSERT_OK(transaction.stage(file(put)));
        for (std::size_t at = 0; at < put.content.size(); at += 40'000)
            ASSERT_OK(transaction.write({std::string_view(put.content).substr(at, 40'000)}));
        ASSERT_OK(transaction.finish({xxh3(put.content)}));
    }
    ASSERT_OK(transaction.commit());
    for (const Put& put : puts) {
        EXPECT_EQ(read_file(app_ / put.path).value_or("none"), put.content) << put.path;
        struct stat info{};
        ASSERT_EQ(::stat((app_ / put.path).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 07777, put.mode) << put.path;
    }
}

TEST_F(TransactionTest, ALargeFileIsMadeOfItsBaseAndOfWhatIsNew) {
    std::string old(5'000'000, '\0');
    for (std::size_t i = 0; i < old.size(); ++i) old[i] = static_cast<char>(i * 7 / 3);
    ASSERT_OK(apply({{"large", old}}));
    const std::string content =
        old.substr(100, 900'000) + "new" + old.substr(4'000'000) + old.substr(0, 3'000'001);
    Transaction transaction(folders_, areas_, GenerationId{2});
    ChangeStart start = file({"large", "", 04755});
    start.base = FileBase{old.size(), xxh3(old)};
    ASSERT_OK(transaction.stage(start));
    ASSERT_OK(transaction.copy({100, 900'000}));
    ASSERT_OK(transaction.write({"new"}));
    ASSERT_OK(transaction.copy({4'000'000, 1'000'000}));
    ASSERT_OK(transaction.copy({0, 3'000'001}));
    ASSERT_OK(transaction.finish({xxh3(content)}));
    ASSERT_OK(transaction.commit());
    EXPECT_TRUE(read_file(app_ / "large").value() == content);
    struct stat info{};
    ASSERT_EQ(::stat((app_ / "large").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 04755U);
}

TEST_F(TransactionTest, AnErrorOfTheOtherThreadFailsTheGeneration) {
    ASSERT_OK(apply({{"a", "1"}}));
    const Tree before = tree();
    Transaction transaction(folders_, areas_, GenerationId{2});
    ASSERT_OK(transaction.stage(folder("n")));
    Result<> done;
    for (int i = 0; i < 500 && done; ++i) {
        const Put put{"n/" + std::to_string(i == 300 ? 299 : i), "x"};  // one comes twice
        done = stage(transaction, put);
    }
    if (done) done = transaction.commit();
    EXPECT_ERROR(done, Errc::conflict, "n/299: stage: File exists");
    transaction.clean_up();
    EXPECT_EQ(tree(), before);
}

TEST_F(TransactionTest, AFailureWhilePublishingIsTakenBack) {
    ASSERT_OK(
        apply({{"a", "old"}, {"b", "old"}}, {symlink("s", "a"), change(ChangeKind::make_folder, "d", 0755)}));
    const Tree before = tree();
    // "f" becomes a file first, so that "f/g" has no folder to be in.
    const auto failed =
        apply({{"a", "new"}, {"new", "1"}, {"s", "new"}, {"deep/er", "1"}, {"f", "1"}, {"f/g", "2"}},
              {change(ChangeKind::make_folder, "d", 0700), folder("e"), removal("b")});
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().message.contains("f")) << failed.error().message;
    EXPECT_FALSE(failed.error().message.contains("taken back")) << failed.error().message;
    EXPECT_EQ(tree(), before);
    struct stat info{};
    ASSERT_EQ(::stat((app_ / "d").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0755u);
}

TEST_F(TransactionTest, AFullDiskLeavesEverythingAsItWas) {
    if (::mount("none", app_.c_str(), "tmpfs", 0, "size=64k") != 0)
        GTEST_SKIP() << "needs the right to mount";
    Result<> failed;
    Tree after;
    {
        Folders folders({app_.native() + "/"});
        StagingAreas areas(folders, "test",
                           {dir_.path()});  // another mount: the area is in the folder itself
        write("a", "old");
        Transaction transaction(folders, areas, GenerationId{1});
        ASSERT_OK(stage(transaction, {"a", "new"}));
        failed = stage(transaction, {"big", std::string(200'000, 'x')});
        after = tree();
    }
    ::umount2(app_.c_str(), MNT_DETACH);
    EXPECT_ERROR(failed, Errc::io, "big: write: No space left");
    EXPECT_EQ(after.at("a"), "f:old");
    EXPECT_FALSE(after.contains("big"));
}

TEST_F(TransactionTest, ASingleFileIsReplacedInItsFolder) {
    write("server.py", "old");
    Folders one({(app_ / "server.py").native()});
    StagingAreas areas(one, "one", {dir_.path()});
    Transaction transaction(one, areas, GenerationId{1});
    ASSERT_OK(stage(transaction, {"server.py", "new"}));
    ASSERT_OK(transaction.commit());
    EXPECT_EQ(tree(), (Tree{{"server.py", "f:new"}}));
}

TEST_F(TransactionTest, AReaderSeesTheOldFileOrTheNewOne) {
    write("a", std::string(5000, '0'));
    const int reader = ::open((app_ / "a").c_str(), O_RDONLY);
    ASSERT_OK(apply({{"a", std::string(5000, '1')}, {"b", "x"}}));
    EXPECT_EQ(read_all(reader, 10'000).value(), std::string(5000, '0'));  // opened before: the old one, whole
    ::close(reader);
}

// Random trees against a model: whatever the step from one to the next, the folder is equal to the model
// afterwards.
TEST_F(TransactionTest, RandomGenerationsKeepTheFolderEqualToTheModel) {
    std::minstd_rand random(7);
    const auto pick = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    Tree model;
    for (int round = 0; round < 150; ++round) {
        Tree next;
        for (std::uint32_t i = pick(8); i > 0; --i) {
            std::string path;
            for (std::uint32_t depth = 1 + pick(3); depth > 0; --depth) {
                path += (path.empty() ? "" : "/") + std::string(1, static_cast<char>('a' + pick(3)));
                if (depth > 1 && next.contains(path) && next[path] != "d:") break;
                if (depth > 1) next[path] = "d:";
            }
            if (next.contains(path)) continue;
            next[path] = pick(4) == 0 ? "l:a" : "f:" + std::to_string(pick(3));
        }
        std::vector<Put> puts;
        std::vector<ChangeStart> others;
        for (const auto& [path, what] : next) {
            if (model.contains(path) && model[path] == what) continue;
            if (what.starts_with("f:")) puts.push_back({path, what.substr(2)});
            if (what.starts_with("l:")) others.push_back(symlink(path, what.substr(2)));
            if (what == "d:") others.push_back(folder(path));
        }
        for (const auto& [path, what] : model) {
            if (!next.contains(path)) others.push_back(removal(path));
        }
        std::shuffle(puts.begin(), puts.end(), random);
        std::shuffle(others.begin(), others.end(), random);
        ASSERT_OK(apply(puts, others)) << "round " << round;
        ASSERT_EQ(tree(), next) << "round " << round;
        model = next;
    }
}

TEST_F(TransactionTest, InventoryIsTheTree) {
    ASSERT_OK(apply({{"a", "1", 0755}, {"d/b", "2"}}, {symlink("s", "x")}));
    write(".synchost-tmp-left", "left over");
    std::set<std::string> seen;
    ASSERT_OK(take_inventory(folders_, [&](const InventoryEntry& entry) {
        seen.insert(entry.path.str());
        if (entry.path.str() == "a") {
            EXPECT_EQ(entry.hash, xxh3("1"));
            EXPECT_EQ(entry.mode, 0755u);
        }
    }));
    EXPECT_EQ(seen, (std::set<std::string>{"a", "d", "d/b", "s"}));
}

}  // namespace
}  // namespace synchost::agent
