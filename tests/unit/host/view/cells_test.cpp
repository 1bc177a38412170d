#include "host/view/cells.hpp"

#include <gtest/gtest.h>

namespace synchost::host {
namespace {

TEST(Cells, AreBoundsThatEveryTerminalKeeps) {
    EXPECT_EQ(cells_of(""), (Cells{0, 0}));
    EXPECT_EQ(cells_of("app.py"), (Cells{6, 6}));
    EXPECT_EQ(cells_of("gr\u00FC\u00DFe"), (Cells{5, 5}));
    EXPECT_EQ(cells_of("e\u0301"), (Cells{1, 2}));                        // a mark that combines
    EXPECT_EQ(cells_of("\u6F22\u5B57"), (Cells{0, 4}));                   // two columns each
    EXPECT_EQ(cells_of("\U0001F600"), (Cells{0, 2}));                     // beyond the first plane
    EXPECT_EQ(cells_of("\x1b[32mok\x1b[0m\u2026"), (Cells{3, 3}));        // colours take none
    EXPECT_EQ(cells_of(std::string_view("\xE6\xBC", 2)), (Cells{2, 2}));  // cut off within a code point
}

TEST(Cells, ATextIsCutWithAnEllipsis) {
    EXPECT_EQ(cut_to("app.py", 6), "app.py");
    EXPECT_EQ(cut_to("app.py", 5), "app.\u2026");
    EXPECT_EQ(cut_to("app.py", 1), "\u2026");
    EXPECT_EQ(cut_to("app.py", 0), "");
    EXPECT_EQ(cut_to("", 0), "");
}

TEST(Cells, ACodePointIsNeverCut) {
    const std::string text = "\u6F22\u5B57\u6F22\u5B57";
    EXPECT_EQ(cut_to(text, 8), text);
    EXPECT_EQ(cut_to(text, 7), "\u6F22\u5B57\u6F22\u2026");
    EXPECT_EQ(cut_to(text, 6), "\u6F22\u5B57\u2026");
    EXPECT_EQ(cut_to(text, 2), "\u2026");
    for (std::size_t room = 0; room < 10; ++room) EXPECT_LE(cells_of(cut_to(text, room)).most, room);
}

}  // namespace
}  // namespace synchost::host
