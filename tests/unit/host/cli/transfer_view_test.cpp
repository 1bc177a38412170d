#include "host/cli/transfer_view.hpp"

#include "support/golden.hpp"

namespace synchost::host {
namespace {

using registry::BlobEvent;
using registry::BlobStep;
using std::chrono::milliseconds;

const Digest kLarge = sha256("large");
const Digest kSmall = sha256("small");
constexpr std::uint64_t kLargeSize = 1'073'741'824;
constexpr std::uint64_t kSmallSize = 3'400'000;

// Two blobs at a time, one that is there, one that is mounted, an empty one, and one that fails.
std::string story(ViewForm form, std::size_t columns = 80) {
    TransferView view(form, columns);
    std::string out;
    const auto at = [&](int ms, const BlobEvent& event) { out += view.take(event, milliseconds(ms)); };
    at(0, {kLarge, kLargeSize, 0, BlobStep::started});
    at(10, {sha256("there"), 45'000, 45'000, BlobStep::present});
    at(20, {kSmall, kSmallSize, 0, BlobStep::started});
    at(50, {kLarge, kLargeSize, 10'000'000, BlobStep::moved});
    at(250, {kLarge, kLargeSize, 62'500'000, BlobStep::moved});
    at(260, {kSmall, kSmallSize, 1'000'000, BlobStep::moved});
    at(270, {kSmall, kSmallSize, kSmallSize, BlobStep::sent});
    at(280, {sha256("elsewhere"), 12'000'000, 12'000'000, BlobStep::mounted});
    at(290, {sha256(""), 0, 0, BlobStep::started});
    at(400, {kLarge, kLargeSize, 100'000'000, BlobStep::moved});
    at(410, {sha256(""), 0, 0, BlobStep::sent});
    at(5000, {kLarge, kLargeSize, kLargeSize, BlobStep::sent});
    at(5010, {sha256("lost"), 700, 0, BlobStep::started});
    at(5020, {sha256("lost"), 700, 0, BlobStep::failed});
    return out + view.end();
}

// What stands on a terminal of many lines when all has been written to it.
std::vector<std::string> screen(const std::string& text) {
    std::vector<std::string> lines(1);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\x1b') {
            const std::size_t end = text.find_first_of("AJ", at);
            if (text[end] == 'A') lines.resize(lines.size() - std::stoul(text.substr(at + 2, end - at - 2)));
            if (text[end] == 'J') lines.back().clear();
            at = end;
        } else if (text[at] == '\n') {
            lines.emplace_back();
        } else {
            lines.back() += text[at];
        }
    }
    return lines;
}

TEST(TransferView, DrawsOnATerminal) {
    EXPECT_TRUE(test::matches_golden(story(ViewForm::terminal), "transfer/terminal.txt"));
}

TEST(TransferView, LeavesOneLineForEachBlob) {
    std::string left;
    for (const std::string& line : screen(story(ViewForm::terminal))) left += line + "\n";
    EXPECT_TRUE(test::matches_golden(left, "transfer/screen.txt"));
}

TEST(TransferView, WritesPlainLinesAtStartAndEndOnly) {
    EXPECT_TRUE(test::matches_golden(story(ViewForm::plain), "transfer/plain.txt"));
}

TEST(TransferView, WritesJsonObjects) {
    EXPECT_TRUE(test::matches_golden(story(ViewForm::json), "transfer/json.txt"));
}

TEST(TransferView, NoLineIsWiderThanTheTerminal) {
    for (const std::string& line : screen(story(ViewForm::terminal, 30))) EXPECT_LT(line.size(), 30u);
}

TEST(TransferView, DrawsAtMostTenTimesASecond) {
    TransferView view(ViewForm::terminal, 80);
    view.take({kLarge, kLargeSize, 0, BlobStep::started}, milliseconds(0));
    std::size_t drawn = 0;
    for (int ms = 1; ms <= 1000; ++ms) {
        const auto done = static_cast<std::uint64_t>(ms) * 1000;
        if (!view.take({kLarge, kLargeSize, done, BlobStep::moved}, milliseconds(ms)).empty()) ++drawn;
    }
    EXPECT_EQ(drawn, 10u);
}

TEST(TransferView, EndTakesTheDrawnLinesAway) {
    TransferView view(ViewForm::terminal, 80);
    view.take({kLarge, kLargeSize, 0, BlobStep::started}, milliseconds(0));
    EXPECT_EQ(view.end(), "\x1b[1A\x1b[J");
    EXPECT_EQ(view.end(), "");
}

}  // namespace
}  // namespace synchost::host
