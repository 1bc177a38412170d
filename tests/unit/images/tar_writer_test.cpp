#include "images/layer/tar_writer.hpp"

#include <gmock/gmock.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "images/layer/tar_reader.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

Result<TarEntry> read_back(const TarHeader& header, std::string_view content = {}) {
    const auto folder = TempDir::make("tar");
    std::string bytes = tar_header(header) + std::string(content) + std::string(tar_padding(content.size())) +
                        std::string(tar_end());
    TRY(write_file_atomic(folder->path() / "x.tar", bytes));
    TarEntry out;
    TRY(read_tar(folder->path() / "x.tar", [&](const TarEntry& entry, TarContent&) -> Result<TarWalk> {
        out = entry;
        return TarWalk::go_on;
    }));
    return out;
}

TEST(TarWriter, PlainEntriesNeedOneBlock) {
    EXPECT_EQ(tar_header({.path = "a/b", .mode = 0644}).size(), 512u);
    EXPECT_EQ(tar_header({.path = std::string(100, 'a')}).size(), 512u);
    EXPECT_EQ(tar_header({.path = std::string(99, 'a') + "/" + std::string(100, 'b')}).size(), 512u);
    EXPECT_GT(tar_header({.path = std::string(101, 'a')}).size(), 512u);
    EXPECT_GT(tar_header({.path = "caf\xc3\xa9"}).size(), 512u);
}

TEST(TarWriter, LibarchiveReadsWhatWasWritten) {
    for (const std::string& path :
         {std::string("a"), std::string(100, 'a'), std::string(101, 'a'),
          std::string(150, 'd') + "/" + std::string(100, 'x'),
          std::string(200, 'd') + "/" + std::string(200, 'x'), std::string("caf\xc3\xa9"),
          std::string("\xff\xfe"), std::string("a\nb")}) {
        for (const char type : {'0', '5', '2'}) {
            const auto entry = read_back({.path = path,
                                          .type = type,
                                          .mode = 04755,
                                          .uid = 3'000'000,
                                          .gid = 7,
                                          .link = type == '2' ? path : ""});
            ASSERT_OK(entry);
            EXPECT_EQ(entry->path, path);
            EXPECT_EQ(entry->mode, 04755u);
            EXPECT_EQ(entry->uid, 3'000'000u);
            EXPECT_EQ(entry->gid, 7u);
            EXPECT_EQ(entry->kind, type == '0'   ? TarKind::file
                                   : type == '5' ? TarKind::folder
                                                 : TarKind::symlink);
            if (type == '2') EXPECT_EQ(entry->link, path);
        }
    }
}

TEST(TarWriter, TheRootIsAnEntryToo) {
    const auto entry = read_back({.path = "", .type = '5', .mode = 0755, .uid = 5});
    ASSERT_OK(entry);
    EXPECT_EQ(entry->path, "");
    EXPECT_EQ(entry->kind, TarKind::folder);
}

TEST(TarReader, RefusesPathsThatLeaveTheRoot) {
    EXPECT_ERROR(read_back({.path = "../x"}), Errc::protocol, "../x");
    EXPECT_ERROR(read_back({.path = "a/../../x"}), Errc::protocol, "path");
    EXPECT_EQ(read_back({.path = "/etc/x"})->path, "etc/x");
}

TEST(TarReader, DamageIsAProtocolError) {
    const auto folder = TempDir::make("tar");
    ASSERT_OK(write_file_atomic(folder->path() / "x", std::string(2000, 'x')));
    EXPECT_ERROR(read_tar(folder->path() / "x",
                          [](const TarEntry&, TarContent&) -> Result<TarWalk> { return TarWalk::go_on; }),
                 Errc::protocol, "layer x: damaged archive");
}

}  // namespace
}  // namespace synchost::images
