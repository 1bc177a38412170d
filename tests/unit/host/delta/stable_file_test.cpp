#include "host/delta/detail/stable_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "support/result_matchers.hpp"
#include "unit/host/delta/contents.hpp"

namespace synchost::host::delta::detail {
namespace {

TEST(StableFile, UnchangedFileIsReadToItsEnd) {
    const Fd fd = test::file_of("0123456789");
    const auto file = StableFile::of(fd.get());
    ASSERT_OK(file);
    std::vector<char> buffer(4);
    const auto last = file->read_chunk(8, buffer);
    ASSERT_OK(last);
    EXPECT_EQ(*last, "89");
    EXPECT_OK(file->check_unchanged());
}

TEST(StableFile, TruncationWhileItIsReadIsAConflict) {
    const Fd fd = test::file_of("0123456789");
    const auto file = StableFile::of(fd.get());
    ASSERT_OK(file);
    ASSERT_EQ(::ftruncate(fd.get(), 9), 0);
    std::vector<char> buffer(4);
    EXPECT_OK(file->read_chunk(4, buffer));
    EXPECT_ERROR(file->read_chunk(8, buffer), Errc::conflict, "changed while it was read");
    EXPECT_ERROR(file->check_unchanged(), Errc::conflict, "changed while it was read");
}

TEST(StableFile, GrowthIsAConflict) {
    const Fd fd = test::file_of("0123456789");
    const auto file = StableFile::of(fd.get());
    ASSERT_OK(file);
    ASSERT_OK(write_all(fd.get(), "x"));
    EXPECT_ERROR(file->check_unchanged(), Errc::conflict, "changed while it was read");
}

TEST(StableFile, WriteInPlaceIsAConflict) {
    const Fd fd = test::file_of("0123456789");
    const timespec long_ago[2] = {{.tv_sec = 1000, .tv_nsec = 0}, {.tv_sec = 1000, .tv_nsec = 0}};
    ASSERT_EQ(::futimens(fd.get(), long_ago), 0);
    const auto file = StableFile::of(fd.get());
    ASSERT_OK(file);
    ASSERT_EQ(::pwrite(fd.get(), "x", 1, 5), 1);
    EXPECT_ERROR(file->check_unchanged(), Errc::conflict, "changed while it was read");
}

}  // namespace
}  // namespace synchost::host::delta::detail
