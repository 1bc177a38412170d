#include "host/watch/debounce.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using std::chrono::microseconds;
using testing::ElementsAre;

// A burst under a clock that stands until it is moved. Times are microseconds.
class Burst {
  public:
    explicit Burst(DebounceTimes times = {}) : debounce(times) {}
    Burst& at(int microsecond) {
        now_ = Batch::Time(microseconds(1'000'000 + microsecond));
        return *this;
    }
    Burst& operator()(const char* path, Touch touch) {
        debounce.touch({0, path}, touch, now_);
        return *this;
    }
    Burst& lose() {
        debounce.lose(now_);
        return *this;
    }
    // Microseconds from the clock's start; -1 while nothing is due.
    [[nodiscard]] long long due() const {
        const auto due = debounce.due();
        return due ? std::chrono::duration_cast<microseconds>(due->time_since_epoch()).count() - 1'000'000
                   : -1;
    }
    Debounce debounce;

  private:
    Batch::Time now_{};
};

std::vector<std::string> names(const Batch& batch) {
    std::vector<std::string> out;
    for (const PathEvent& event : batch.paths) out.push_back(event.path);
    return out;
}

TEST(Debounce, NothingIsDueBeforeTheFirstTouchAndAfterTheBatchWasTaken) {
    Burst burst;
    EXPECT_EQ(burst.due(), -1);
    burst.at(0)("a", Touch::closed);
    EXPECT_THAT(names(burst.debounce.take()), ElementsAre("a"));
    EXPECT_EQ(burst.due(), -1);
}

TEST(Debounce, AFileClosedAfterWritingIsDueAMillisecondLater) {
    Burst burst;
    burst.at(0)("a", Touch::written).at(50)("a", Touch::written).at(90)("a", Touch::closed);
    EXPECT_EQ(burst.due(), 1'090);
}

TEST(Debounce, AFileRenamedOverIsDueAMillisecondLater) {
    Burst burst;
    burst.at(0)(".a.tmp", Touch::created)(".a.tmp", Touch::written)(".a.tmp", Touch::closed);
    burst.at(100)(".a.tmp", Touch::removed)("a", Touch::arrived);
    EXPECT_EQ(burst.due(), 1'100);
}

TEST(Debounce, WaitsForAWriterThatHasNotClosedItsFile) {
    Burst burst;
    burst.at(0)("a", Touch::written);
    EXPECT_EQ(burst.due(), 50'000);
    burst.at(30'000)("b", Touch::closed);
    EXPECT_EQ(burst.due(), 80'000) << "b is settled, a is not";
    burst.at(40'000)("a", Touch::closed);
    EXPECT_EQ(burst.due(), 41'000);
}

TEST(Debounce, AttributesDoNotSettleAnOpenFile) {
    Burst burst;
    burst.at(0)("a", Touch::written).at(10)("a", Touch::attributes);
    EXPECT_EQ(burst.due(), 50'010);
    Burst other;
    other.at(0)("a", Touch::attributes);
    EXPECT_EQ(other.due(), 1'000);
}

TEST(Debounce, WaitsForARemovedFileToComeBack) {
    Burst burst;
    burst.at(0)("a", Touch::removed)("a~", Touch::arrived);
    EXPECT_EQ(burst.due(), 10'000);
    burst.at(3'000)("a", Touch::created);
    EXPECT_EQ(burst.due(), 53'000);
    burst.at(3'500)("a", Touch::closed)("a~", Touch::removed);
    EXPECT_EQ(burst.due(), 4'500);
}

TEST(Debounce, ATemporaryFileThatCameAndWentLeavesNothingToWaitFor) {
    Burst burst;
    burst.at(0)("4913", Touch::created)("4913", Touch::closed).at(20)("4913", Touch::removed);
    EXPECT_EQ(burst.due(), 1'020);
}

TEST(Debounce, AFolderThatWasMovedInStandsForAllBelowIt) {
    Burst burst;
    burst.at(0)("lib", Touch::all_arrived)("b", Touch::arrived)("lib", Touch::attributes);
    EXPECT_EQ(burst.due(), 1'000);
    const Batch batch = burst.debounce.take();
    EXPECT_THAT(names(batch), ElementsAre("b", "lib"));
    EXPECT_THAT(batch.arrived, ElementsAre(PathEvent{0, "lib"}));
    burst.at(5'000)("lib", Touch::attributes);
    EXPECT_THAT(burst.debounce.take().arrived, testing::IsEmpty());
}

TEST(Debounce, FilesFoundInANewFolderMayStillBeWritten) {
    Burst burst;
    burst.at(0)("new", Touch::arrived)("new/a", Touch::found);
    EXPECT_EQ(burst.due(), 10'000);
    burst.at(200)("new/a", Touch::closed);
    EXPECT_EQ(burst.due(), 1'200);
    Burst other;
    other.at(0)("new/a", Touch::written).at(10)("new/a", Touch::found);
    EXPECT_EQ(other.due(), 50'010) << "found says nothing new of an open file";
}

TEST(Debounce, EachPathLengthensTheWaitUpToABound) {
    Burst burst;
    for (int i = 0; i < 8; ++i) burst.at(i)(std::to_string(i).c_str(), Touch::closed);
    EXPECT_EQ(burst.due(), 7 + 2'000);
    for (int i = 8; i < 1'000; ++i) burst.at(i)(std::to_string(i).c_str(), Touch::closed);
    EXPECT_EQ(burst.due(), 999 + 10'000);
}

TEST(Debounce, AChurnThatNeverRestsIsDueAllTheSame) {
    Burst burst;
    for (int t = 0; t < 199'500; t += 500) burst.at(t)("log", Touch::written);
    EXPECT_EQ(burst.due(), 200'000);
    const Batch batch = burst.debounce.take();
    EXPECT_EQ(batch.last_event - batch.first_event, microseconds(199'000));
    burst.at(200'500)("log", Touch::written);
    EXPECT_EQ(burst.due(), 250'500) << "a batch of its own";
}

TEST(Debounce, WaitsLongerWhereMoreIsKnownToCome) {
    Burst burst;
    EXPECT_EQ(burst.debounce.due(Outlook::more_comes), std::nullopt);
    burst.at(0)("a", Touch::closed).at(100'000)("b", Touch::closed);
    EXPECT_EQ(burst.due(), 101'000);
    const auto at = [](int microsecond) { return Batch::Time(microseconds(1'000'000 + microsecond)); };
    EXPECT_EQ(burst.debounce.due(Outlook::more_comes), at(100'000 + 1'000'000)) << "a second of quiet";
    for (int now = 1'000'000; now <= 9'500'000; now += 500'000) burst.at(now)("c", Touch::closed);
    EXPECT_EQ(burst.debounce.due(Outlook::more_comes), at(10'000'000)) << "bounded";
}

TEST(Debounce, NamesEachPathOnceSortedByRootAndName) {
    Burst burst;
    burst.at(0)("b", Touch::closed)("a", Touch::closed)("b", Touch::removed)("a/b", Touch::closed);
    burst.debounce.touch({1, "0"}, Touch::closed, {});
    EXPECT_THAT(burst.debounce.take().paths,
                ElementsAre(PathEvent{0, "a"}, PathEvent{0, "a/b"}, PathEvent{0, "b"}, PathEvent{1, "0"}));
}

TEST(Debounce, ALossMakesARescanThatNamesNoPaths) {
    Burst burst;
    burst.at(0)("a", Touch::written).at(10).lose().at(20)("b", Touch::written);
    EXPECT_EQ(burst.due(), 10'020);
    const Batch batch = burst.debounce.take();
    EXPECT_TRUE(batch.rescan);
    EXPECT_TRUE(batch.paths.empty());
    burst.at(30)("c", Touch::closed);
    EXPECT_FALSE(burst.debounce.take().rescan);
}

TEST(Debounce, MorePathsThanTheLimitBecomeARescan) {
    Burst burst(DebounceTimes{.max_paths = 2});
    burst.at(0)("a", Touch::closed)("b", Touch::written)("a", Touch::closed);
    EXPECT_FALSE(burst.debounce.take().rescan);
    burst.at(10)("a", Touch::closed)("b", Touch::written)("c", Touch::closed);
    EXPECT_EQ(burst.due(), 10'010);
    const Batch batch = burst.debounce.take();
    EXPECT_TRUE(batch.rescan);
    EXPECT_TRUE(batch.paths.empty());
}

TEST(Debounce, FoldersThatCannotBeWatchedMakeABatch) {
    Burst burst;
    burst.debounce.add_unwatched(Error{Errc::io, "no permission", 0, {}},
                                 Batch::Time(microseconds(1'000'000)));
    EXPECT_EQ(burst.due(), 1'000);
    const Batch batch = burst.debounce.take();
    ASSERT_EQ(batch.unwatched.size(), 1u);
    EXPECT_EQ(batch.unwatched[0].message, "no permission");
    EXPECT_TRUE(burst.debounce.take().unwatched.empty());
}

}  // namespace
}  // namespace synchost::host
