#include "host/steps/detail/output_lines.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace synchost::host::detail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::string_literals;

std::vector<std::string> lines_in(const std::string& bytes, std::size_t piece) {
    std::vector<std::string> out;
    OutputLines lines([&](std::string_view line) { out.emplace_back(line); });
    for (std::size_t at = 0; at < bytes.size(); at += piece)
        lines.feed(std::string_view(bytes).substr(at, piece));
    lines.finish();
    return out;
}

TEST(OutputLines, AreTheSameInPiecesOfEverySize) {
    const std::string bytes = "a\n\nb\r\n\xff\0\x1b[31m\nlast"s;
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece)
        EXPECT_THAT(lines_in(bytes, piece), ElementsAre("a", "", "b\r", "\xff\0\x1b[31m"s, "last")) << piece;
}

TEST(OutputLines, ALongLineComesInPieces) {
    const std::string full(kMaxStepLineBytes, 'x');
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{777}, kMaxStepLineBytes, 4 * kMaxStepLineBytes}) {
        EXPECT_THAT(lines_in(full + "\n", piece), ElementsAre(full));
        EXPECT_THAT(lines_in(full + "y\n", piece), ElementsAre(full, "y"));
        EXPECT_THAT(lines_in(full + full + "\n\nz\n", piece), ElementsAre(full, full, "", "z"));
        EXPECT_THAT(lines_in(full, piece), ElementsAre(full));
    }
}

TEST(OutputLines, NothingIsNoLine) {
    EXPECT_THAT(lines_in("", 1), IsEmpty());
}

}  // namespace
}  // namespace synchost::host::detail
