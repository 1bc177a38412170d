#include "host/logs/log_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <future>
#include <thread>

#include "host/logs/segments.hpp"
#include "tests/unit/host/logs/log_files.hpp"

namespace synchost::host {
namespace {

using namespace test_logs;
using testing::ElementsAre;
using testing::IsEmpty;
namespace fs = std::filesystem;

using LogStoreTest = LogFiles;

TEST_F(LogStoreTest, KeepsWhatWasAppendedForItsUserAlone) {
    auto store = open();
    store->append(kApi, line(1, "one"));
    store->append(kApi, line(2, "two"));
    store->flush();
    EXPECT_THAT(texts(), ElementsAre("one", "two"));
    struct stat info{};
    ASSERT_EQ(::stat(segment_path(folder(), 1).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    ASSERT_EQ(::stat(root().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700u);
    store.reset();
    store = open();
    store->append(kApi, line(3, "three"));
    store.reset();
    EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
}

TEST_F(LogStoreTest, WritesByItself) {
    std::promise<void> written;
    std::atomic<bool> told = false;
    auto store = open({}, {.on_written = [&] {
                          if (!told.exchange(true)) written.set_value();
                      }});
    store->append(kApi, line(1, "one"));
    ASSERT_EQ(written.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
    EXPECT_THAT(texts(), ElementsAre("one"));
}

TEST_F(LogStoreTest, AContainerThatIsToldFromTheBeginningAgainAddsNothingTwice) {
    const auto tell = [&](LogStore& store) {
        store.append(kApi, line(1, "one"));
        store.append(kApi, line(2, "two"));
        store.append(kApi, line(2, "two, too"));
    };
    tell(*open());
    auto store = open();
    tell(*store);
    store->append(kApi, line(2, "two, new"));
    store->append(kApi, line(2, "two, new"));
    store->append(kApi, line(1, "older: a clock that was set back"));
    store->append(kApi, line(1, "of another container", "api-1"));
    store.reset();
    EXPECT_THAT(texts({.pod = "api-0"}), ElementsAre("one", "two", "two, too", "two, new", "two, new",
                                                     "older: a clock that was set back"));
    EXPECT_THAT(texts({.pod = "api-1"}), ElementsAre("of another container"));
    EXPECT_EQ(texts().size(), 7u);
}

TEST_F(LogStoreTest, ASourceThatNoLongerHasWhatWasKeptLeavesAGap) {
    open()->append(kApi, line(1, "one"), "pod-1");
    {  // its log begins with what was kept, or before that
        auto store = open();
        store->append(kApi, line(1, "one"), "pod-1");
        store->append(kApi, line(2, "two"), "pod-1");
    }
    EXPECT_THAT(texts(), ElementsAre("one", "two"));
    {  // and now it does not
        auto store = open();
        store->append(kApi, line(7, "seven"), "pod-1");
        store->append(kApi, line(9, "nine"), "pod-1");
    }
    const auto with_gap = ElementsAre("one", "two", "(gap of app)", "seven", "nine");
    EXPECT_THAT(texts(), with_gap);
    EXPECT_THAT(texts({.grep = "o"}), ElementsAre("one", "two", "(gap of app)"));
    EXPECT_THAT(texts({.container = "other"}), testing::IsEmpty());
    EXPECT_THAT(texts({.tail = 3}), ElementsAre("(gap of app)", "seven", "nine"));
    {  // another pod of the same name has a log of its own; of one without a source nothing is known
        auto store = open();
        store->append(kApi, line(20, "new"), "pod-2");
        store->append(kUi, line(3, "ui"));
    }
    open()->append(kUi, line(5, "ui again"));
    EXPECT_THAT(texts(), ElementsAre("one", "two", "ui", "ui again", "(gap of app)", "seven", "nine", "new"));
}

TEST_F(LogStoreTest, AGapThatTheSourceTellsIsKept) {
    auto store = open();
    LogRecord gap = line(5, "");
    gap.kind = LogKind::gap;
    store->append(kApi, line(1, "one"), "pod-1");
    store->append(kApi, gap, "pod-1");
    store->append(kApi, line(5, "five"), "pod-1");
    store.reset();
    EXPECT_THAT(texts(), ElementsAre("one", "(gap of app)", "five"));
}

TEST_F(LogStoreTest, TheSourceIsKnownInEverySegment) {
    const LogStore::Limits limits{.segment_bytes = 2'000, .segments = 3};
    {
        auto store = open(limits);
        for (int i = 1; i <= 200; ++i) {
            store->append(kApi, line(i, std::string(100, 'x')), "pod-1");
            store->flush();
        }
    }
    auto store = open(limits);
    store->append(kApi, line(300, "later"), "pod-1");
    store.reset();
    const auto now = texts();
    ASSERT_GE(now.size(), 3u);
    EXPECT_EQ(now.back(), "later");
    EXPECT_EQ(now.at(now.size() - 2), "(gap of app)");
}

TEST_F(LogStoreTest, OldSegmentsGoAndTheirLinesDoNotComeBack) {
    const LogStore::Limits limits{.segment_bytes = 2'000, .segments = 3};
    const auto tell = [&](LogStore& store) {
        for (int i = 0; i < 200; ++i) {
            store.append(kApi, line(i + 1, std::string(100, 'x') + std::to_string(i)));
            store.flush();
        }
    };
    auto store = open(limits);
    store->append(kUi, line(1, "of a service that says little"));
    tell(*store);
    store.reset();
    EXPECT_EQ(list_segments(folder()).size(), 3u);
    std::uintmax_t bytes = 0;
    for (const std::uint32_t number : list_segments(folder()))
        bytes += fs::file_size(segment_path(folder(), number));
    EXPECT_LE(bytes, 6'000u);
    const auto before = texts({.workloads = {kApi}});
    EXPECT_TRUE(before.back().ends_with("x199"));
    tell(*open(limits));
    EXPECT_EQ(texts({.workloads = {kApi}}), before);
    EXPECT_THAT(texts({.workloads = {kUi}}), ElementsAre("of a service that says little"));
}

TEST_F(LogStoreTest, ATornTailIsCutOffAndWrittenOver) {
    open()->append(kApi, line(1, "one"));
    const auto whole = fs::file_size(segment_path(folder(), 1));
    std::string next;
    encode_log_record(line(2, "torn"), next);
    for (std::size_t size = 1; size < next.size(); ++size) {
        std::ofstream(segment_path(folder(), 1), std::ios::app) << next.substr(0, size);
        EXPECT_THAT(texts(), ElementsAre("one")) << size;
        open()->append(kApi, line(1, "one"));
        EXPECT_EQ(fs::file_size(segment_path(folder(), 1)), whole) << size;
    }
    open()->append(kApi, line(3, "three"));
    EXPECT_THAT(texts(), ElementsAre("one", "three"));
}

TEST_F(LogStoreTest, HasRoomForSoManyWorkloads) {
    const LogStore::Limits limits{.workloads = 2};
    open(limits)->append("Job/one", line(1, "one"));
    open(limits)->append("Job/two", line(1, "two"));
    const timespec long_ago[2] = {{1, 0}, {1, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, segment_path(root() / "Job.two", 1).c_str(), long_ago, 0), 0);
    open(limits)->append("Job/three", line(1, "three"));
    EXPECT_THAT(list_log_workloads(root()), ElementsAre("Job/one", "Job/three"));
    std::vector<std::string> problems;
    auto store = open(limits, {.on_problem = [&](const std::string& workload, const Error& error) {
                          problems.push_back(workload + ": " + error.message);
                      }});
    for (const char* name : {"Job/one", "Job/three", "Job/four", "Job/four", "../etc"})
        store->append(name, line(2, "more"));
    store.reset();
    EXPECT_THAT(problems,
                ElementsAre(testing::HasSubstr("Job/four: its log is not kept from here on: the logs of 2"),
                            testing::HasSubstr("../etc names no workload")));
    EXPECT_EQ(texts().size(), 4u);
}

std::uintmax_t bytes_below(const fs::path& folder) {
    std::uintmax_t out = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) out += entry.file_size();
    }
    return out;
}

TEST_F(LogStoreTest, ManyWorkloadsShareTheRoomAndEachKeepsItsNewest) {
    const LogStore::Limits limits{.segment_bytes = 10'000,
                                  .segments = 4,
                                  .total_bytes = 100'000,
                                  .least_bytes = 1'000,
                                  .workloads = 100,
                                  .open_files = 3};
    auto store = open(limits);
    const auto tell = [&](const std::string& workload, int lines) {
        for (int i = 1; i <= lines; ++i) {
            store->append(workload, line(i, std::string(100, 'x') + std::to_string(i)));
            if (i % 4 == 0) store->flush();
        }
        store->flush();
    };
    tell("Job/first", 1'000);
    EXPECT_GT(bytes_below(root() / "Job.first"), 30'000u);
    for (int i = 0; i < 40; ++i) tell("Job/j" + std::to_string(i), 40);
    EXPECT_LE(bytes_below(root() / "Job.first"), 10'000u) << "but for its newest segment";
    for (int i = 0; i < 40; ++i) {
        const std::string workload = "Job/j" + std::to_string(i);
        const auto kept = texts({.workloads = {workload}});
        ASSERT_FALSE(kept.empty()) << workload;
        EXPECT_TRUE(kept.back().ends_with("x40")) << workload;
    }
    EXPECT_LE(bytes_below(root()), 110'000u);
    tell("Job/first", 2'000);  // one that writes a lot
    EXPECT_LE(bytes_below(root() / "Job.first"), 3'500u);
    EXPECT_TRUE(texts({.workloads = {"Job/j7"}}).back().ends_with("x40"));
    store.reset();
    store = open(limits);
    tell("Job/j7", 40);
    EXPECT_TRUE(texts({.workloads = {"Job/j7"}}).back().ends_with("x40"));
    EXPECT_EQ(texts({.workloads = {"Job/j7"}, .grep = "x40$"}).size(), 1u) << "nothing twice";
}

TEST_F(LogStoreTest, ThreeHundredWorkloadsAreKeptAndReadTogether) {
    auto store = open({.delay = std::chrono::milliseconds(1)});
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 300; ++i)
            store->append("Job/j" + std::to_string(i), line(round * 1'000 + i + 1, "line"));
    }
    store->append("Job/j7", line(10'000, std::string(kMaxLogTextBytes, 'x')));
    store->flush();
    auto reader = LogReader::open(root(), {.workloads = {}});
    ASSERT_OK(reader);
    std::int64_t last = 0;
    std::size_t count = 0;
    for (bool at_end = false; !at_end;) {
        const LogReader::Batch batch = reader->next();
        at_end = batch.at_end;
        EXPECT_FALSE(batch.gap);
        for (const LogReader::Item& item : batch.items) {
            EXPECT_GE(item.record.time_ns, last);
            last = item.record.time_ns;
            ++count;
        }
    }
    EXPECT_EQ(count, 901u);
    EXPECT_EQ(last, 10'000);
    store->append("Job/j299", line(20'000, "later"));
    store->flush();
    EXPECT_THAT(texts(*reader), ElementsAre("later"));
}

TEST_F(LogStoreTest, WhatIsNotWrittenYetIsBounded) {
    auto store = open({.pending_bytes = 10'000, .delay = std::chrono::hours(1)});
    for (int i = 0; i < 20; ++i) store->append("Job/j" + std::to_string(i), line(1, std::string(1'000, 'x')));
    EXPECT_GE(bytes_below(root()), 10'000u);
}

TEST_F(LogStoreTest, LinesOfBuildsAreKeptBesideThem) {
    auto store = open();
    for (const char* image : {"todo-api", "ghcr.io/x/api:1.0_b", "a%2Fb", ".."})
        store->append(build_log_name(image),
                      {.time_ns = 1, .pod = "build 1", .container = {}, .text = image});
    store->append(kApi, line(2, "of a container"));
    store.reset();
    EXPECT_THAT(list_log_workloads(root()),
                testing::UnorderedElementsAre("Build/todo-api", "Build/ghcr.io/x/api:1.0_b", "Build/a%2Fb",
                                              "Build/..", kApi));
    EXPECT_THAT(texts(), ElementsAre("of a container"));
    EXPECT_THAT(texts({.source = LogSource::build}),
                testing::UnorderedElementsAre("todo-api", "ghcr.io/x/api:1.0_b", "a%2Fb", ".."));
    EXPECT_EQ(texts({.source = LogSource::all}).size(), 5u);
    EXPECT_THAT(texts({.workloads = {"Build/todo-api"}}), ElementsAre("todo-api"));
    EXPECT_FALSE(log_folder_name("Build/"));
    EXPECT_FALSE(log_folder_name("Build/" + std::string(300, 'x')));
    EXPECT_TRUE(is_build_log("Build/x"));
    EXPECT_FALSE(is_build_log("Builder/x"));
    for (const auto& entry : fs::directory_iterator(root()))
        EXPECT_TRUE(workload_of_log_folder(entry.path().filename().native())) << entry.path();
    EXPECT_FALSE(workload_of_log_folder("Build.a/b"));
    EXPECT_FALSE(workload_of_log_folder("Build.%2f")) << "as we write it alone";
}

TEST_F(LogStoreTest, ManyThreadsAppendWholeLines) {
    auto store = open({.segment_bytes = 100'000, .segments = 100});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 1'000; ++i)
                store->append(t % 2 == 0 ? kApi : kUi, line(i + 1, "line", "pod-" + std::to_string(t)));
        });
    }
    for (std::thread& thread : threads) thread.join();
    store.reset();
    EXPECT_THAT(texts(), testing::AllOf(testing::SizeIs(4'000), testing::Each("line")));
}

TEST(LogFolders, AreNamedByTheirWorkload) {
    EXPECT_EQ(log_folder_name("Deployment/api.v1"), "Deployment.api.v1");
    EXPECT_EQ(workload_of_log_folder("Deployment.api.v1"), "Deployment/api.v1");
    for (const char* wrong : {"", "api", "/api", "Deployment/", "Deployment/../x", "a.b/c", "Deployment/a/b",
                              "D/.x", "D/a b", "D/a\n"})
        EXPECT_EQ(log_folder_name(wrong), std::nullopt) << wrong;
    for (const char* wrong : {"", "api", ".api", "Deployment.", "x..", "a.b/c"})
        EXPECT_EQ(workload_of_log_folder(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace synchost::host
