// Archives that cost far more than their bytes: bombs, holes, headers after headers, names without end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "images/layer/tar_writer.hpp"
#include "images/layer/unpack_archive.hpp"
#include "images/output/detail/merged_root.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

constexpr std::uint64_t kMany = std::uint64_t{1} << 40;

class HostileTar : public testing::Test {
  protected:
    std::filesystem::path file(const std::string& name, std::string_view bytes) {
        EXPECT_OK(write_file_atomic(folder_.path() / name, bytes));
        return folder_.path() / name;
    }
    std::string compressed(std::vector<std::string> program, std::string_view bytes) {
        program.insert(program.end(), {"-c", file("plain", bytes).string()});
        return check_output({.argv = program}, Errc::io).value();
    }
    Result<FileTree> unpack(std::string_view bytes, std::optional<ArchiveLimits> limits = std::nullopt) {
        const Fd fd = open_file(file("archive", bytes), O_RDONLY).value();
        return unpack_archive(fd.get(), "archive", folder_.path(), limits);
    }
    bool is_one(std::string_view bytes) {
        const Fd fd = open_file(file("archive", bytes), O_RDONLY).value();
        return is_archive(fd.get());
    }
    static std::string member(TarHeader header, std::string_view content = {}) {
        header.size = content.size();
        return tar_header(header) + std::string(content) + std::string(tar_padding(content.size()));
    }
    static std::string repeated(std::string_view text, int times) {
        std::string out;
        for (int i = 0; i < times; ++i) out += text;
        return out;
    }
    TempDir folder_ = TempDir::make("tar").value();
};

TEST_F(HostileTar, WhatAFileBecomesIsBounded) {
    const std::string tar = member({.path = "zeros"}, std::string(1 << 20, '\0')) + std::string(tar_end());
    for (const std::vector<std::string>& program :
         std::vector<std::vector<std::string>>{{"gzip"}, {"bzip2"}, {"xz"}, {"zstd", "-q"}, {"cat"}}) {
        const std::string bytes =
            program[0] == "cat" ? tar : compressed({program.begin(), program.end()}, tar);
        EXPECT_ERROR(unpack(bytes, ArchiveLimits{kMany, (1 << 20) - 1}), Errc::protocol,
                     "as a decompression bomb does");
        EXPECT_ERROR(unpack(bytes, ArchiveLimits{1 << 20, kMany}), Errc::protocol,
                     "as a decompression bomb does");
        const auto enough = unpack(bytes, ArchiveLimits{(1 << 20) + 16'384, 1 << 20});
        EXPECT_OK(enough);
    }
    EXPECT_EQ(limits_of(0).tar_bytes, std::uint64_t{4} << 30);
    EXPECT_EQ(limits_of(4).content_bytes, (std::uint64_t{4} << 30) + 1000);
    EXPECT_GT(limits_of(UINT64_MAX).tar_bytes, UINT64_MAX / 2);
}

TEST_F(HostileTar, WhatNobodyReadsIsBoundedToo) {
    TarHeader folder{.path = "d", .type = '0', .size = 1 << 20};
    std::string header = tar_header(folder);
    const std::string tar =
        header + std::string(1 << 20, '\0') + member({.path = "f"}) + std::string(tar_end());
    const Fd fd = open_file(file("archive", compressed({"gzip"}, tar)), O_RDONLY).value();
    int seen = 0;
    const auto look = [&](const TarEntry&, TarContent&) -> Result<TarWalk> {
        ++seen;
        return TarWalk::go_on;
    };
    EXPECT_ERROR(read_archive(fd.get(), {1 << 19, kMany}, look), Errc::protocol, "decompression bomb");
    EXPECT_EQ(seen, 1);
    EXPECT_OK(read_archive(fd.get(), {2 << 20, 0}, look));
    EXPECT_EQ(seen, 3);
}

TEST_F(HostileTar, HolesCountAsTheZerosThatTheyBecome) {
    const auto sparse = folder_.path() / "sparse";
    ASSERT_OK(write_file_atomic(sparse, "x"));
    ASSERT_EQ(::truncate(sparse.c_str(), 64 << 20), 0);
    for (const char* format : {"gnu", "posix"}) {
        const auto tar = check_output(
            {.argv = {"tar", "-C", folder_.path().string(), "-cSf", "-", "--format", format, "sparse"}},
            Errc::io);
        ASSERT_OK(tar);
        ASSERT_LT(tar->size(), 64u << 10);
        EXPECT_ERROR(unpack(*tar, ArchiveLimits{kMany, 1 << 20}), Errc::protocol, "decompression bomb");
    }
}

TEST_F(HostileTar, OneCompressionIsTakenOff) {
    const std::string tar = member({.path = "f"}, "text") + std::string(tar_end());
    const std::string once = compressed({"gzip"}, tar);
    EXPECT_TRUE(is_one(once));
    EXPECT_FALSE(is_one(compressed({"zstd", "-q"}, once)));
    EXPECT_FALSE(is_one(compressed({"gzip"}, once)));
}

TEST_F(HostileTar, AHeaderWithoutEndEnds) {
    const std::string tar = member({.path = repeated("a/", 400'000)}) + std::string(tar_end());
    EXPECT_FALSE(is_one(tar));
    EXPECT_ERROR(unpack(tar), Errc::protocol, "a header of more than 256 KiB");
    EXPECT_ERROR(unpack(member({.path = "e"}) + tar), Errc::protocol, "a header of more than 256 KiB");
}

TEST_F(HostileTar, NamesHaveTheLengthsOfLinux) {
    const std::string deep = repeated("a/", 2'047) + "f";
    const auto tree = unpack(member({.path = deep}) + std::string(tar_end()));
    ASSERT_OK(tree);
    EXPECT_EQ(tree->nodes().size(), 2'049u);
    EXPECT_ERROR(unpack(member({.path = repeated("a/", 3'000)}) + std::string(tar_end())), Errc::protocol,
                 "Linux has 4096 at most");
    EXPECT_ERROR(unpack(member({.path = std::string(256, 'n')}) + std::string(tar_end())), Errc::protocol,
                 "a name of more than 255 bytes");
    const std::string target = repeated("a/", 3'000);
    EXPECT_ERROR(unpack(member({.path = "l", .type = '2', .link = target}) + std::string(tar_end())),
                 Errc::protocol, "a target of more than 4096 bytes");
    EXPECT_ERROR(unpack(member({.path = "l", .type = '1', .link = target}) + std::string(tar_end())),
                 Errc::protocol, "an entry with a path of 6000 bytes");
}

TEST(NameBudget, ImpliedFoldersCountWithTheirNames) {
    NameBudget budget(1'000);
    EXPECT_OK(budget.spend(std::string(200, 'a')));
    EXPECT_OK(budget.spend(std::string(200, 'b')));
    EXPECT_ERROR(budget.spend("c"), Errc::protocol, "more and longer names");
}

TEST_F(HostileTar, SymlinksOfALayerLeadInABoundedWay) {
    const std::string deep = repeated("d/", 1'000);
    std::string links;
    for (int i = 0; i < 40; ++i) {
        const std::string target = "l" + std::to_string(i + 1) + "/" + deep;
        links += member({.path = "l" + std::to_string(i), .type = '2', .link = target});
    }
    const auto merged = [&](const std::string& bytes) {
        return detail::MergedRoot::read({file("layer", bytes + std::string(tar_end()))});
    };
    EXPECT_ERROR(merged(links + member({.path = "l0/f"})), Errc::protocol, "a path of more than 4096 bytes");
    EXPECT_ERROR(merged(member({.path = "a", .type = '2', .link = "b"}) +
                        member({.path = "b", .type = '2', .link = "a"}) + member({.path = "a/f"})),
                 Errc::protocol, "too many symlinks");
    EXPECT_OK(merged(member({.path = "a", .type = '2', .link = "../../b/c"}) + member({.path = "a/f"})));
}

}  // namespace
}  // namespace synchost::images
