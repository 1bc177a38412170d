#include "host/tree/file_index.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "base/file.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::host {
namespace {

using namespace std::string_literals;

// A stamp is trusted at once, as if every change were old.
constexpr FileIndex::Limits kTrusting{.settled = std::chrono::hours(-24)};

class FileIndexTest : public testing::Test {
  protected:
    Result<Entry> read(std::string_view path, Want want = Want::content) {
        return index.read(RelPath::parse(path).value(), want);
    }
    test::TempTree tree;
    FileIndex index = FileIndex::open(tree.root()).value();
};

TEST_F(FileIndexTest, ReadsAFileWithItsModeAndHash) {
    tree.write("src/app.py", "print(1)\n");
    ASSERT_EQ(::chmod((tree / "src/app.py").c_str(), 04751), 0);
    const auto entry = read("src/app.py");
    ASSERT_OK(entry);
    EXPECT_EQ(entry->kind, EntryKind::file);
    EXPECT_EQ(entry->mode, 04751u);
    EXPECT_EQ(entry->stamp.size, 9u);
    EXPECT_EQ(*entry->content, "print(1)\n");
    EXPECT_EQ(entry->hash, xxh3("print(1)\n"));
}

TEST_F(FileIndexTest, ReadsAnEmptyFileAndALargeOne) {
    const std::string large(3'000'000, 'x');
    tree.write("empty", "");
    tree.write("large", large);
    EXPECT_EQ(*read("empty").value().content, "");
    EXPECT_EQ(*read("large").value().content, large);
}

TEST_F(FileIndexTest, TellsFoldersAndSymlinks) {
    tree.folder("folder");
    tree.symlink("../outside/\xff", "folder/link");
    tree.symlink("link", "folder/loop_a");
    tree.symlink("loop", "loop");
    EXPECT_EQ(read("folder").value().kind, EntryKind::folder);
    const Entry link = read("folder/link").value();
    EXPECT_EQ(link.kind, EntryKind::symlink);
    EXPECT_EQ(link.link_target, "../outside/\xff");
    EXPECT_EQ(link.hash, xxh3("../outside/\xff"));
    EXPECT_EQ(read("loop").value().link_target, "loop");
}

TEST_F(FileIndexTest, ReadsNothingThroughASymlink) {
    test::TempTree outside;
    outside.write("secret", "x");
    tree.symlink(outside.root().native(), "link");
    EXPECT_EQ(read("link/secret").value().kind, EntryKind::absent);
}

TEST_F(FileIndexTest, WhatIsNotThereIsAbsent) {
    tree.write("file", "");
    EXPECT_EQ(read("missing").value().kind, EntryKind::absent);
    EXPECT_EQ(read("missing/below").value().kind, EntryKind::absent);
    EXPECT_EQ(read("file/below").value().kind, EntryKind::absent);
    tree.remove("file");
    EXPECT_EQ(read("file").value().kind, EntryKind::absent);
}

TEST_F(FileIndexTest, KeepsNamesThatAreNotText) {
    for (const std::string& name : {"a\nb"s, "\xff\xfe"s, " "s, "-"s, "\x1b[31m"s}) {
        tree.write(name, name);
        EXPECT_EQ(*read(name).value().content, name);
    }
}

TEST_F(FileIndexTest, NeverOpensFifosSocketsAndDevices) {
    ASSERT_EQ(::mkfifo((tree / "fifo").c_str(), 0600), 0);
    // A writer that waits for a reader would be let go by any open for reading.
    EXPECT_EQ(read("fifo").value().kind, EntryKind::other);
    EXPECT_EQ(::open((tree / "fifo").c_str(), O_WRONLY | O_NONBLOCK), -1);
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (tree / "socket").c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(read("socket").value().kind, EntryKind::other);
    auto devices = FileIndex::open("/dev");
    ASSERT_OK(devices);
    EXPECT_EQ(devices->read(RelPath::parse("zero").value())->kind, EntryKind::other);
}

TEST_F(FileIndexTest, AFileWithoutPermissionIsAnErrorWithItsName) {
    tree.write("closed", "x");
    ASSERT_EQ(::chmod((tree / "closed").c_str(), 0), 0);
    ASSERT_EQ(::chmod(tree.root().c_str(), 0755), 0);
    // Root reads everything: this thread gives up that right for file systems.
    const bool root = ::geteuid() == 0;
    if (root) ::setfsuid(65'534);
    const auto entry = read("closed");
    if (root) ::setfsuid(0);
    EXPECT_ERROR(entry, Errc::io, "closed: open: Permission denied");
}

TEST_F(FileIndexTest, TakesTheLimitAndRefusesOneByteMore) {
    auto small = FileIndex::open(tree.root(), {.max_file_bytes = 4});
    ASSERT_OK(small);
    tree.write("four", "1234");
    tree.write("five", "12345");
    EXPECT_EQ(*small->read(RelPath::parse("four").value())->content, "1234");
    const auto refused = small->read(RelPath::parse("five").value());
    EXPECT_ERROR(refused, Errc::unsupported, "five: has 5 bytes; files over 4 bytes are not synced");
    EXPECT_THAT(refused.error().next_step, testing::StartsWith("Name it in .dockerignore"));
}

TEST_F(FileIndexTest, RefusesASparseFileByItsSizeAlone) {
    tree.write("sparse", "");
    ASSERT_EQ(::truncate((tree / "sparse").c_str(), static_cast<off_t>(kMaxFileBytes) + 1), 0);
    EXPECT_ERROR(read("sparse"), Errc::unsupported, "files over 268435456 bytes");
    EXPECT_EQ(index.files_read(), 0u);
}

TEST(FileIndex, GivesUpOnAFileWhoseSizeNeverAgreesWithItsContent) {
    auto index = FileIndex::open("/proc");
    ASSERT_OK(index);
    EXPECT_ERROR(index->read(RelPath::parse("version").value()), Errc::conflict,
                 "version: changes while it is read");
    EXPECT_EQ(index->files_read(), 3u);
}

TEST(FileIndex, DoesNotReadAnUnchangedFileTwice) {
    test::TempTree tree;
    tree.write("a", "one");
    auto index = FileIndex::open(tree.root(), kTrusting).value();
    const RelPath a = RelPath::parse("a").value();
    EXPECT_EQ(index.read(a, Want::hash)->hash, xxh3("one"));
    const Entry again = index.read(a, Want::hash).value();
    EXPECT_EQ(again.hash, xxh3("one"));
    EXPECT_EQ(again.content, nullptr);
    EXPECT_EQ(index.files_read(), 1u);
    EXPECT_EQ(*index.read(a, Want::content)->content, "one");
    EXPECT_EQ(index.files_read(), 2u);
}

TEST(FileIndex, KnowsARenamedFileAndReadsAReplacedOne) {
    test::TempTree tree;
    tree.write("a", "one");
    auto index = FileIndex::open(tree.root(), kTrusting).value();
    EXPECT_EQ(index.read(RelPath::parse("a").value(), Want::hash)->hash, xxh3("one"));
    tree.write("b", "two");
    tree.rename("b", "a");
    EXPECT_EQ(index.read(RelPath::parse("a").value(), Want::hash)->hash, xxh3("two"));
    tree.write("a", "three");
    EXPECT_EQ(index.read(RelPath::parse("a").value(), Want::hash)->hash, xxh3("three"));
}

TEST(FileIndex, DoesNotTrustAStampYoungerThanTheClocksTick) {
    test::TempTree tree;
    auto index = FileIndex::open(tree.root(), {.settled = std::chrono::hours(24)}).value();
    const RelPath a = RelPath::parse("a").value();
    for (int i = 0; i < 100; ++i) {
        const std::string content(1, static_cast<char>('a' + i % 2));
        tree.write("a", content);
        ASSERT_EQ(index.read(a, Want::hash)->hash, xxh3(content));
    }
    EXPECT_EQ(index.files_read(), 100u);
    EXPECT_EQ(index.read(a, Want::hash)->hash, xxh3("b"));
    EXPECT_EQ(index.files_read(), 101u);
}

TEST(FileIndex, ForgetsRatherThanGrowWithoutBound) {
    test::TempTree tree;
    auto index =
        FileIndex::open(tree.root(), {.max_remembered = 2, .settled = std::chrono::hours(-24)}).value();
    for (const char* name : {"a", "b", "c"}) {
        tree.write(name, name);
        EXPECT_OK(index.read(RelPath::parse(name).value(), Want::hash));
    }
    EXPECT_OK(index.read(RelPath::parse("c").value(), Want::hash));
    EXPECT_EQ(index.files_read(), 3u);
    EXPECT_OK(index.read(RelPath::parse("a").value(), Want::hash));
    EXPECT_EQ(index.files_read(), 4u);
}

TEST(FileIndex, HashesALargeFileInPiecesAndKeepsNoneOfThem) {
    test::TempTree tree;
    auto index = FileIndex::open(tree.root(), {.max_kept_bytes = 1'000'000}).value();
    const RelPath a = RelPath::parse("a").value();
    for (const std::size_t size : {1'000'000u, 1'000'001u, 3'000'000u}) {
        std::string content(size, 'x');
        content[size / 2] = 'y';
        tree.write("a", content);
        const Entry entry = index.read(a, Want::hash).value();
        EXPECT_EQ(entry.hash, xxh3(content));
        EXPECT_EQ(entry.content != nullptr, size == 1'000'000);
        EXPECT_EQ(*index.read(a, Want::content).value().content, content);
    }
}

TEST(FileIndex, HashesAFileOverTheLimitThatItDoesNotRead) {
    test::TempTree tree;
    tree.write("sparse", "");
    ASSERT_EQ(::truncate((tree / "sparse").c_str(), static_cast<off_t>(kMaxFileBytes) + 1), 0);
    auto index = FileIndex::open(tree.root(), kTrusting).value();
    const RelPath sparse = RelPath::parse("sparse").value();
    rusage before{};
    rusage after{};
    ASSERT_EQ(::getrusage(RUSAGE_SELF, &before), 0);
    const auto entry = index.read(sparse, Want::hash);
    ASSERT_EQ(::getrusage(RUSAGE_SELF, &after), 0);
    ASSERT_OK(entry);
    EXPECT_EQ(entry->content, nullptr);
    EXPECT_EQ(entry->hash, xxh3(std::string(kMaxFileBytes + 1, '\0')));
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 8'192);  // KiB
    EXPECT_EQ(index.read(sparse, Want::hash)->hash, entry->hash);
    EXPECT_EQ(index.files_read(), 1u);
}

TEST(FileIndex, AFileThatGrowsWhileItIsHashedIsNotHashedForever) {
    test::TempTree tree;
    tree.write("log", std::string(2'000'000, 'x'));
    auto index = FileIndex::open(tree.root()).value();
    std::atomic<bool> stop = false;
    std::jthread writer([&] {
        const auto file = open_file(tree / "log", O_WRONLY | O_APPEND);
        const std::string more(10'000, 'y');
        while (!stop && file) (void)write_all(file->get(), more);
    });
    const auto entry = index.read(RelPath::parse("log").value(), Want::hash);
    stop = true;
    writer.join();
    if (entry) {
        EXPECT_EQ(entry->content, nullptr);  // a pause of the writer's was long enough
    } else {
        EXPECT_ERROR(entry, Errc::conflict, "log: changes while it is read");
    }
    EXPECT_EQ(index.read(RelPath::parse("log").value(), Want::hash)->hash,
              xxh3(read_file(tree / "log", kMaxFileBytes).value()));
}

TEST_F(FileIndexTest, OpensARegularFileForReading) {
    tree.write("src/app.py", "print(1)\n");
    const auto file = index.open_for_reading(RelPath::parse("src/app.py").value());
    ASSERT_OK(file);
    EXPECT_EQ(read_all(file->get(), 100).value(), "print(1)\n");
    EXPECT_EQ(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    EXPECT_EQ(::fcntl(file->get(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST_F(FileIndexTest, OpensNothingElseForReading) {
    test::TempTree outside;
    outside.write("secret", "x");
    tree.symlink(outside.root().native(), "to_folder");
    tree.symlink((outside / "secret").native(), "to_file");
    tree.folder("folder");
    ASSERT_EQ(::mkfifo((tree / "fifo").c_str(), 0600), 0);
    auto open = [&](std::string_view path) { return index.open_for_reading(RelPath::parse(path).value()); };
    EXPECT_ERROR(open("missing"), Errc::not_found, "missing: no such file");
    EXPECT_ERROR(open("to_folder/secret"), Errc::not_found, "to_folder/secret: no such file");
    EXPECT_ERROR(open("to_file"), Errc::invalid_input, "to_file: is not a regular file");
    EXPECT_ERROR(open("folder"), Errc::invalid_input, "folder: is not a regular file");
    EXPECT_ERROR(open("fifo"), Errc::invalid_input, "fifo: is not a regular file");
}

TEST(FileIndex, RefusesARootThatIsNotAFolder) {
    EXPECT_ERROR(FileIndex::open("/nonexistent/x"), Errc::not_found, "/nonexistent/x");
    EXPECT_ERROR(FileIndex::open("/proc/version"), Errc::io, "Not a directory");
}

}  // namespace
}  // namespace synchost::host
