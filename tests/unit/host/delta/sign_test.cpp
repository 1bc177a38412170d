#include "host/delta/sign.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/delta/detail/rolling.hpp"
#include "support/result_matchers.hpp"
#include "unit/host/delta/contents.hpp"

namespace synchost::host::delta {
namespace {

using test::file_of;
using test::random_bytes;
using test::signature_of;

TEST(Sign, HashesTheWholeAndEachBlock) {
    const std::string content = random_bytes(700'001, 1);  // over several reads
    const Signature signature = signature_of(content);
    EXPECT_EQ(signature.size, content.size());
    EXPECT_EQ(signature.hash, xxh3(content));
    EXPECT_EQ(signature.block_bytes, 1024u);
    ASSERT_EQ(signature.strong.size(), 684u);
    for (std::size_t i = 0; i < signature.strong.size(); ++i)
        ASSERT_EQ(signature.strong[i], xxh3_64(std::string_view(content).substr(i * 1024, 1024))) << i;
}

TEST(Sign, EmptyContentHasNoBlocks) {
    const Signature signature = signature_of("");
    EXPECT_EQ(signature.size, 0u);
    EXPECT_EQ(signature.hash, xxh3(""));
    EXPECT_TRUE(signature.strong.empty());
}

TEST(Sign, AnchorIsTheFirstWindowThatDoesNotRepeatItself) {
    std::string content = random_bytes(4 * 1024 + 100, 2);
    content.replace(1024, 300, 300, '\0');   // block 1: eighths 0 and 1, and what of 2 there is of it
    content.replace(2048, 1024, 1024, 'x');  // block 2: nothing else
    for (std::size_t i = 0; i < 200; ++i) content[3072 + i] = "0, 1\n"[i % 5];
    const Signature signature = signature_of(content);
    EXPECT_EQ(signature.anchor, (std::vector<std::uint8_t>{0, 2, kNoAnchor, 2, kNoAnchor}));
    const auto weak_at = [&](std::size_t offset) {
        return detail::weak_of(detail::roll_all(std::string_view(content).substr(offset, 64)));
    };
    EXPECT_EQ(signature.weak,
              (std::vector<std::uint32_t>{weak_at(0), weak_at(1024 + 256), 0, weak_at(3072 + 256), 0}));
}

TEST(Sign, RollingHashForgetsWhatLeftTheWindow) {
    const std::string bytes = random_bytes(1000, 3);
    EXPECT_EQ(detail::roll_all(bytes), detail::roll_all(std::string_view(bytes).substr(1000 - 64)));
    EXPECT_NE(detail::roll_all(bytes), detail::roll_all(std::string_view(bytes).substr(1000 - 63)));
}

TEST(Sign, BlockSizeGrowsWithTheContent) {
    constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
    EXPECT_EQ(block_bytes_for(0), 1024u);
    EXPECT_EQ(block_bytes_for(64 * kMiB), 1024u);
    EXPECT_EQ(block_bytes_for(64 * kMiB + 1), 2048u);
    EXPECT_EQ(block_bytes_for(256 * kMiB), 4096u);
    EXPECT_EQ(block_bytes_for(512 * kMiB), 8192u);
    EXPECT_EQ(block_bytes_for(4096 * kMiB), 8192u);
    EXPECT_EQ(block_bytes_for(4096 * kMiB + 1), 16384u);
    EXPECT_EQ(block_bytes_for(kMaxSignedBytes), kMaxBlockBytes);
}

TEST(Sign, LeavesThePositionOfTheFile) {
    const Fd fd = file_of(random_bytes(3000, 4));
    ASSERT_EQ(::lseek(fd.get(), 17, SEEK_SET), 17);
    EXPECT_OK(sign(fd.get()));
    EXPECT_EQ(::lseek(fd.get(), 0, SEEK_CUR), 17);
}

TEST(Sign, RefusesWhatIsTooLargeOrNoFile) {
    const Fd fd = file_of("");
    ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(kMaxSignedBytes) + 1), 0);
    EXPECT_ERROR(sign(fd.get()), Errc::unsupported, "64 GiB");
    const auto folder = open_file("/", O_RDONLY | O_DIRECTORY);
    ASSERT_OK(folder);
    EXPECT_ERROR(sign(folder->get()), Errc::invalid_input, "not a regular file");
}

}  // namespace
}  // namespace synchost::host::delta
