#include "host/view/render.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "host/view/cells.hpp"
#include "support/golden.hpp"

namespace synchost::host {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

// One image in each of the states, with names and texts that are long, wide or hostile.
LiveState every_kind() {
    return {.project = "todo",
            .images = {
                {.name = "todo-api",
                 .stage = LiveStage::running,
                 .current = 2,
                 .containers = 2,
                 .generation = 14,
                 .last = "synced in 7.1 ms, restarted in 110 ms"},
                {.name = "todo-ui",
                 .stage = LiveStage::building,
                 .current = 1,
                 .containers = 1,
                 .generation = 3,
                 .work = {.what = "Dockerfile:7: RUN npm ci --omit=dev && npm run build",
                          .elapsed = seconds(12)}},
                {.name = "todo-worker",
                 .stage = LiveStage::building,
                 .work = {.what = "pushing", .elapsed = seconds(3), .done = 72'000'000, .size = 120'000'000}},
                {.name = "todo-mailer-with-a-name-that-is-longer-than-most",
                 .stage = LiveStage::held,
                 .current = 0,
                 .containers = 1,
                 .generation = 2,
                 .last = "exit code 1; it starts again on the next save"},
                {.name = "todo-search",
                 .stage = LiveStage::failed,
                 .last = "Dockerfile:4: RUN make: exit code 2"},
                {.name = "todo-web",
                 .stage = LiveStage::deploying,
                 .current = 1,
                 .containers = 12,
                 .generation = 1,
                 .last = "built in 2.40 s"},
                {.name = "todo-migrate",
                 .stage = LiveStage::ended,
                 .current = 1,
                 .containers = 1,
                 .generation = 1},
                {.name = "todo-wide",
                 .stage = LiveStage::running,
                 .current = 1,
                 .containers = 1,
                 .generation = 9,
                 .last = "rebuild: \u6F22\u5B57\u6F22\u5B57\u6F22\u5B57\u6F22\u5B57.txt: a RUN may read it"},
                {.name = "todo-\x1b[2Jhostile",
                 .stage = LiveStage::waiting,
                 .last = "failed: \x1b[31m\x07\n\xff and \xC2\x9B"
                         "2J"},
            }};
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
}

TEST(Render, EveryWidth) {
    std::string out;
    for (const std::size_t width : {20U, 40U, 60U, 80U, 120U, 200U})
        out += fmt::format("{} columns\n{}\n", width, joined(render(every_kind(), width, 40, false)));
    EXPECT_TRUE(test::matches_golden(out, "view/widths.txt"));
}

TEST(Render, Colours) {
    EXPECT_TRUE(test::matches_golden(joined(render(every_kind(), 80, 40, true)), "view/colours.txt"));
}

TEST(Render, WhereNotAllFitThoseWithTroubleComeFirst) {
    EXPECT_TRUE(test::matches_golden(joined(render(every_kind(), 80, 18, false)), "view/some.txt"));
}

TEST(Render, IsNeverWiderOrHigherThanItMayBe) {
    const LiveState state = every_kind();
    for (std::size_t width = 0; width <= 220; ++width) {
        for (std::size_t height = 0; height <= 45; ++height) {
            for (const bool colour : {false, true}) {
                const auto lines = render(state, width, height, colour);
                ASSERT_LE(lines.size(), height / 3);
                for (const std::string& line : lines) ASSERT_LT(cells_of(line).most, width);
            }
        }
    }
}

TEST(Render, NothingIsDrawnForNothing) {
    EXPECT_THAT(render({.project = "todo", .images = {}}, 80, 24, false), ElementsAre());
    EXPECT_THAT(render(every_kind(), 80, 2, false), ElementsAre());
}

TEST(Render, OnOneRowTheImagesAreCounted) {
    EXPECT_THAT(render(every_kind(), 80, 3, false), ElementsAre("9 images"));
    LiveState one{.project = "todo", .images = {{.name = "api"}}};
    EXPECT_THAT(render(one, 80, 3, false), ElementsAre("api  waiting"));
}

TEST(Render, ABarNeverPassesItsEnd) {
    LiveState state{.project = "todo", .images = {{.name = "api", .stage = LiveStage::building}}};
    state.images[0].work = {.what = "pushing", .done = 12, .size = 10};
    EXPECT_THAT(render(state, 80, 3, false), ElementsAre(HasSubstr("[##########] 100 %")));
}

}  // namespace
}  // namespace synchost::host
