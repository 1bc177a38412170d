// What is neither plain file, folder nor symlink, and what a file has beside its bytes: through a scan, a
// COPY, a layer and back.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "images/builder.hpp"
#include "images/context/scan.hpp"
#include "images/layer/layer_writer.hpp"
#include "images/layer/tar_reader.hpp"
#include "images/layer/tar_writer.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::Pair;

const std::string kBytes("\0=\n\xff", 4);

std::shared_ptr<const Xattrs> attributes(Xattrs of) {
    return std::make_shared<const Xattrs>(std::move(of));
}

struct ReadBack {
    std::vector<TarEntry> entries;
    std::vector<std::string> paths;
};

class SpecialFiles : public testing::Test {
  protected:
    ReadBack through_a_layer(const NodeMap& nodes, LayerSettings settings = {}) {
        const auto store = BlobStore::open(folder_->path());
        settings.context = context.path();
        settings.scratch = folder_->path();
        const auto layer = write_layer(nodes, settings, *store);
        EXPECT_OK(layer);
        ReadBack out;
        if (!layer) return out;
        EXPECT_OK(read_tar(layer->file, [&](const TarEntry& entry, TarContent&) -> Result<TarWalk> {
            out.entries.push_back(entry);
            out.paths.push_back(entry.path);
            return TarWalk::go_on;
        }));
        return out;
    }
    test::ImageContext context;
    Result<TempDir> folder_ = TempDir::make("store");
};

TEST_F(SpecialFiles, DevicesFifosAndAttributesComeBackAsTheyWere) {
    const ReadBack back = through_a_layer(
        {{"a", Node{.kind = FileKind::char_device, .mode = 0666, .device = {4095, 1'048'575}}},
         {"b", Node{.kind = FileKind::block_device, .mode = 0660, .device = {8, 0}}},
         {"c", Node{.kind = FileKind::fifo, .mode = 0600, .uid = 7}},
         {"d", Node{.xattrs = attributes({{"user.of.folder", "x"}})}},
         {"d/e", Node{.kind = FileKind::file,
                      .content = std::make_shared<const std::string>("text"),
                      .xattrs = attributes({{"security.capability", kBytes}, {"user.a", ""}})}}});
    ASSERT_THAT(back.paths, ElementsAre("a", "b", "c", "d", "d/e"));
    EXPECT_EQ(back.entries[0].kind, TarKind::char_device);
    EXPECT_EQ(back.entries[0].device, (DeviceNumber{4095, 1'048'575}));
    EXPECT_EQ(back.entries[1].kind, TarKind::block_device);
    EXPECT_EQ(back.entries[1].device, (DeviceNumber{8, 0}));
    EXPECT_EQ(back.entries[2].kind, TarKind::fifo);
    EXPECT_EQ(back.entries[2].uid, 7u);
    EXPECT_EQ(back.entries[2].xattrs, nullptr);
    EXPECT_THAT(*back.entries[3].xattrs, ElementsAre(Pair("user.of.folder", "x")));
    EXPECT_THAT(*back.entries[4].xattrs,
                ElementsAre(Pair("security.capability", kBytes), Pair("user.a", "")));
}

TEST_F(SpecialFiles, AWhiteoutIsAnEmptyFileOfThatName) {
    const Node whiteout{.kind = FileKind::file, .mode = 0, .mtime = 0};
    const ReadBack back = through_a_layer({{"d", Node{}}, {"d/.wh.x", whiteout}}, {.time = 77});
    ASSERT_THAT(back.paths, ElementsAre("d", "d/.wh.x"));
    EXPECT_EQ(back.entries[0].mtime, 77);
    EXPECT_EQ(back.entries[1].kind, TarKind::file);
    EXPECT_EQ(back.entries[1].mode, 0u);
    EXPECT_EQ(back.entries[1].mtime, 0);
    EXPECT_EQ(back.entries[1].size, 0u);
}

TEST_F(SpecialFiles, AFileThatWouldHideAnotherIsRefused) {
    context.file("Dockerfile", "FROM scratch\nCOPY d /d/\n").file("d/.wh.x", "1");
    EXPECT_ERROR(build({.context = context.path()}, {.store = folder_->path()}), Errc::invalid_input,
                 "Dockerfile:2: /d/.wh.x: in an image, names that start with .wh.");
}

TEST_F(SpecialFiles, OwnTimesAreKeptUpToTheLatest) {
    const NodeMap nodes = {{"a", Node{.kind = FileKind::file, .mtime = 1000}},
                           {"b", Node{.kind = FileKind::file, .mtime = 20'000'000'000}},
                           {"c", Node{.kind = FileKind::file}}};
    const ReadBack back = through_a_layer(nodes, {.time = 5});
    EXPECT_EQ(back.entries[0].mtime, 1000);
    EXPECT_EQ(back.entries[1].mtime, 20'000'000'000);
    EXPECT_EQ(back.entries[2].mtime, 5);
    const ReadBack bounded = through_a_layer(nodes, {.time = 5, .latest = 2000});
    EXPECT_EQ(bounded.entries[0].mtime, 1000);
    EXPECT_EQ(bounded.entries[1].mtime, 2000);
}

TEST_F(SpecialFiles, AnAttributeThatIsSetLaterIsSeenThoughTheIndexKnewOfNone) {
    context.file("f", "1").file("g", "2");
    FileIndex index(context.path() / "absent");
    constexpr std::int64_t kSoon = 3'600'000'000'000;  // so that the stamps of now are settled
    const auto stamp = [&](const char* name) {
        struct stat info{};
        EXPECT_EQ(::stat((context.path() / name).c_str(), &info), 0);
        return stamp_of(info);
    };
    for (const char* name : {"f", "g"})
        index.learn(stamp(name), stamp(name), xxh3("x"), wall_clock_ns() + kSoon);
    const auto scan = [&] { return scan_context(context.path(), IgnoreRules(), ScanFor::layers, &index); };
    ASSERT_OK(scan());
    if (!index.has_no_xattrs(stamp("f")))
        GTEST_SKIP() << "the file system is none that is known to move the ctime";
    if (::setxattr((context.path() / "f").c_str(), "user.a", "1", 1, 0) != 0)
        GTEST_SKIP() << "the file system has no user attributes";
    for (int round = 0; round < 2; ++round) {
        const auto again = scan();
        ASSERT_OK(again);
        ASSERT_NE(again->tree.find("f")->xattrs, nullptr);
        EXPECT_THAT(*again->tree.find("f")->xattrs, ElementsAre(Pair("user.a", "1")));
        EXPECT_EQ(again->tree.find("g")->xattrs, nullptr);
    }
}

TEST_F(SpecialFiles, AContextGivesItsAttributesAndFifosAndEmptyFilesForSockets) {
    context.file("f", "1").folder("d").link("l", "f");
    if (::setxattr((context.path() / "f").c_str(), "user.a", kBytes.data(), kBytes.size(), 0) != 0)
        GTEST_SKIP() << "the file system has no user attributes";
    ASSERT_EQ(::setxattr((context.path() / "d").c_str(), "user.b", "2", 1, 0), 0);
    ASSERT_EQ(::mkfifo((context.path() / "p").c_str(), 0600), 0);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string at = (context.path() / "s").native();
    ASSERT_LT(at.size(), sizeof address.sun_path);
    std::ranges::copy(at, address.sun_path);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(fd);

    const auto scanned = scan_context(context.path(), IgnoreRules());
    ASSERT_OK(scanned);
    EXPECT_TRUE(scanned->skipped.empty());
    EXPECT_THAT(*scanned->tree.find("f")->xattrs, ElementsAre(Pair("user.a", kBytes)));
    EXPECT_THAT(*scanned->tree.find("d")->xattrs, ElementsAre(Pair("user.b", "2")));
    EXPECT_EQ(scanned->tree.find("l")->xattrs, nullptr);
    const ReadBack back = through_a_layer(scanned->tree.nodes());
    ASSERT_THAT(back.paths, ElementsAre("", "d", "f", "l", "p", "s"));
    EXPECT_EQ(back.entries[4].kind, TarKind::fifo);
    EXPECT_EQ(back.entries[5].kind, TarKind::file);
    EXPECT_EQ(back.entries[5].size, 0u);
    const auto places = scan_context(context.path(), IgnoreRules(), ScanFor::places);
    EXPECT_EQ(places->tree.find("f")->xattrs, nullptr);
}

TEST_F(SpecialFiles, SyncNeverHearsOfThem) {
    context.file("Dockerfile", "FROM scratch\nCOPY d /d/\n").file("d/f", "1");
    ASSERT_EQ(::mkfifo((context.path() / "d/p").c_str(), 0600), 0);
    const auto image = build({.context = context.path()}, {.store = folder_->path()});
    ASSERT_OK(image);
    const auto traced = trace({.context = context.path()});
    ASSERT_OK(traced);
    for (const auto& copied : {image->copied, traced->copied}) {
        ASSERT_EQ(copied.size(), 2u);
        EXPECT_EQ(copied[0].image_path, "/d");
        EXPECT_EQ(copied[1].image_path, "/d/f");
    }
}

TEST(Xattrs, OnlyThoseOfTheFileAreCarried) {
    for (const char* name : {"user.a", "user.mime_type", "security.capability"})
        EXPECT_TRUE(carries_xattr(name)) << name;
    for (const char* name : {"user.", "user.overlay.opaque", "trusted.overlay.opaque", "security.selinux",
                             "system.posix_acl_access", "security.ima", "user.a=b", ""})
        EXPECT_FALSE(carries_xattr(name)) << name;
}

TEST_F(SpecialFiles, ATarsForeignAttributesAreLeftOut) {
    const Xattrs all = {{"security.selinux", "s"}, {"trusted.overlay.opaque", "y"}, {"user.a", "1"}};
    const std::string bytes = tar_header({.path = "f", .xattrs = &all}) + std::string(tar_end());
    ASSERT_OK(write_file_atomic(folder_->path() / "x.tar", bytes));
    EXPECT_OK(read_tar(folder_->path() / "x.tar", [&](const TarEntry& entry, TarContent&) -> Result<TarWalk> {
        EXPECT_THAT(*entry.xattrs, ElementsAre(Pair("user.a", "1")));
        return TarWalk::go_on;
    }));
}

TEST_F(SpecialFiles, ADeviceNumberThatLinuxDoesNotHaveIsRefused) {
    const std::string bytes =
        tar_header({.path = "f", .type = '3', .device = {4096, 0}}) + std::string(tar_end());
    ASSERT_OK(write_file_atomic(folder_->path() / "x.tar", bytes));
    EXPECT_ERROR(read_tar(folder_->path() / "x.tar",
                          [](const TarEntry&, TarContent&) -> Result<TarWalk> { return TarWalk::go_on; }),
                 Errc::protocol, "a device with a number");
}

}  // namespace
}  // namespace synchost::images
