#include "host/runtime/podman/log_line.hpp"

#include <gmock/gmock.h>

namespace synchost::host::podman {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kRecords =
    "2023-01-01T00:00:00.000000001+00:00 stdout P he\n2023-01-01T00:00:00.000000002+00:00 stderr F no\n"
    "2023-01-01T01:00:00.000000003+01:00 stdout F llo  you\nno-time stdout F \n";
constexpr std::int64_t kTime = 1'672'531'200'000'000'000;

TEST(LogLines, JoinsPartsByStream) {
    LogLines lines;
    EXPECT_THAT(lines.feed(kRecords),
                ElementsAre(ContainerLine{"no", true, kTime + 2},
                            ContainerLine{"hello  you", false, kTime + 3}, ContainerLine{}));
}

TEST(LogLines, OneByteAtATimeGivesTheSame) {
    LogLines whole;
    LogLines bytes;
    std::vector<ContainerLine> out;
    for (const char& c : kRecords) {
        for (auto& line : bytes.feed({&c, 1})) out.push_back(std::move(line));
    }
    EXPECT_EQ(out, whole.feed(kRecords));
}

TEST(LogLines, PassesOverWhatIsNoRecord) {
    LogLines lines;
    EXPECT_THAT(lines.feed("\nx\nt stdout\nt other F x\nt stdout Q x\n"), IsEmpty());
}

TEST(LogLines, LongLineComesInPieces) {
    LogLines lines;
    std::size_t bytes = 0;
    for (int i = 0; i < 100; ++i) {
        for (const auto& line : lines.feed("t stdout P " + std::string(2'000, 'x') + "\n")) {
            EXPECT_EQ(line.text.size(), kMaxLineBytes);
            bytes += line.text.size();
        }
    }
    EXPECT_EQ(bytes, 3 * kMaxLineBytes);
}

}  // namespace
}  // namespace synchost::host::podman
