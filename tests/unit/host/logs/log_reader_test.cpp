#include "host/logs/log_reader.hpp"

#include <fstream>

#include "host/logs/segments.hpp"
#include "tests/unit/host/logs/log_files.hpp"

namespace synchost::host {
namespace {

using namespace test_logs;
using testing::ElementsAre;
using testing::IsEmpty;

class LogReaderTest : public LogFiles {
  protected:
    void SetUp() override {
        auto store = open();
        store->append(kApi, line(10, "a GET /", "api-0"));
        store->append(kUi, line(20, "u start", "ui-0"));
        store->append(kApi, line(30, "a panic: no (space)", "api-1"));
        store->append(kUi, line(40, "u stop", "ui-0"));
        LogRecord other = line(50, "a sidecar", "api-0");
        other.container = "proxy";
        store->append(kApi, other);
    }
};

TEST_F(LogReaderTest, PutsServicesInTheOrderOfTheirTimes) {
    EXPECT_THAT(texts(), ElementsAre("a GET /", "u start", "a panic: no (space)", "u stop", "a sidecar"));
    EXPECT_THAT(texts({.workloads = {kUi}}), ElementsAre("u start", "u stop"));
    EXPECT_THAT(texts({.workloads = {kUi, kUi}}), ElementsAre("u start", "u stop"));
    EXPECT_THAT(texts({.workloads = {"Job/none"}}), IsEmpty());
}

TEST_F(LogReaderTest, FiltersByWhatARecordSays) {
    EXPECT_THAT(texts({.pod = "api-1"}), ElementsAre("a panic: no (space)"));
    EXPECT_THAT(texts({.container = "proxy"}), ElementsAre("a sidecar"));
    EXPECT_THAT(texts({.since_ns = 40}), ElementsAre("u stop", "a sidecar"));
    EXPECT_THAT(texts({.grep = "panic|^u sta"}), ElementsAre("u start", "a panic: no (space)"));
    EXPECT_THAT(texts({.grep = "\\(space\\)"}), ElementsAre("a panic: no (space)"));
}

TEST_F(LogReaderTest, AnExpressionThatIsNoneIsSaid) {
    EXPECT_ERROR(LogReader::open(root(), {.grep = "a("}), Errc::invalid_input, "grep: \"a(\": missing )");
    EXPECT_ERROR(LogReader::open(root(), {.grep = std::string(1'001, 'a')}), Errc::invalid_input,
                 "longer than");
    EXPECT_OK(LogReader::open(root(), {.grep = "(a*)*b"}));
}

TEST_F(LogReaderTest, TheTailIsThatOfAllServicesTogether) {
    EXPECT_THAT(texts({.tail = 2}), ElementsAre("u stop", "a sidecar"));
    EXPECT_THAT(texts({.tail = 3}), ElementsAre("a panic: no (space)", "u stop", "a sidecar"));
    EXPECT_THAT(texts({.tail = 100}), testing::SizeIs(5));
    EXPECT_THAT(texts({.tail = 0}), IsEmpty());
    EXPECT_THAT(texts({.grep = "^a", .tail = 2}), ElementsAre("a panic: no (space)", "a sidecar"));
}

TEST_F(LogReaderTest, PagesBackwardsByTailAndUntil) {
    auto store = open();
    for (int i = 100; i < 110; ++i) store->append("Job/pages", line(i, std::to_string(i)));
    store.reset();
    const std::vector<std::string> job = {"Job/pages"};
    EXPECT_THAT(texts({.workloads = job, .tail = 3}), ElementsAre("107", "108", "109"));
    EXPECT_THAT(texts({.workloads = job, .until_ns = 107, .tail = 3}), ElementsAre("104", "105", "106"));
    EXPECT_THAT(texts({.workloads = job, .since_ns = 104, .until_ns = 106}), ElementsAre("104", "105"));
    EXPECT_THAT(texts({.workloads = job, .until_ns = 100}), IsEmpty());
}

TEST_F(LogReaderTest, ASourceIsOneOfThree) {
    EXPECT_EQ(parse_log_source("").value(), LogSource::runtime);
    EXPECT_EQ(parse_log_source("runtime").value(), LogSource::runtime);
    EXPECT_EQ(parse_log_source("build").value(), LogSource::build);
    EXPECT_EQ(parse_log_source("all").value(), LogSource::all);
    EXPECT_ERROR(parse_log_source("both"), Errc::invalid_input, "none of runtime, build and all");
}

TEST_F(LogReaderTest, GoesOnWithWhatComes) {
    auto reader = LogReader::open(root(), {.tail = 1});
    ASSERT_OK(reader);
    EXPECT_THAT(texts(*reader), ElementsAre("a sidecar"));
    EXPECT_THAT(texts(*reader), IsEmpty());
    auto store = open();
    store->append("Job/new", line(70, "of a service that is new"));
    store->append(kApi, line(60, "later"));
    store->flush();
    EXPECT_THAT(texts(*reader), ElementsAre("later", "of a service that is new"));
    EXPECT_THAT(texts(*reader), IsEmpty());
}

TEST_F(LogReaderTest, SaysWhereLinesWerePushedOutUnderIt) {
    const LogStore::Limits limits{.segment_bytes = 2'000, .segments = 2};
    auto store = open(limits);
    auto reader = LogReader::open(root(), {.workloads = {kApi}});
    ASSERT_OK(reader);
    EXPECT_THAT(texts(*reader), testing::SizeIs(3));
    const auto write = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            store->append(kApi, line(100 + i, std::string(100, 'x') + std::to_string(i)));
            store->flush();
        }
    };
    write(0, 20);  // a few segments, each read before it goes
    std::size_t seen = texts(*reader).size();
    write(20, 100);
    const auto late = texts(*reader);
    EXPECT_EQ(std::ranges::count(late, "(gap)"), 1) << seen;
    EXPECT_TRUE(late.back().ends_with("x99"));
    EXPECT_THAT(texts(*reader), IsEmpty());
}

TEST_F(LogReaderTest, ABrokenSegmentIsAGapBeforeTheNext) {
    open({.segment_bytes = 1})->append(kApi, line(60, "in the second"));
    std::fstream file(segment_path(folder(), 1), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.put('\xff');
    file.close();
    EXPECT_THAT(texts({.workloads = {kApi}}), ElementsAre("(gap)", "in the second"));
}

TEST_F(LogReaderTest, ALineLongerThanABatchIsOne) {
    auto store = open();
    for (int i = 0; i < 20; ++i) store->append(kApi, line(100 + i, std::string(kMaxLogTextBytes, 'x')));
    store->flush();
    EXPECT_THAT(texts({.grep = "^x"}),
                testing::AllOf(testing::SizeIs(20), testing::Each(testing::SizeIs(kMaxLogTextBytes))));
}

}  // namespace
}  // namespace synchost::host
