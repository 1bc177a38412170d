#include "host/engine/after_log.hpp"

#include <gmock/gmock.h>

namespace synchost::host {
namespace {

using protocol::GenerationId;
using testing::ElementsAre;
using testing::IsEmpty;

const PlannedAfter kRestart{};
const PlannedAfter kHup{.kind = AfterKind::signal, .signal = 1, .command = {}};
const PlannedAfter kCompile{.kind = AfterKind::command, .command = {"compile"}};

std::vector<PlannedAfter> between(const AfterLog& log, std::uint64_t from, std::uint64_t to) {
    return log.between(GenerationId{from}, GenerationId{to});
}

TEST(AfterLog, JoinsWhatAContainerMissed) {
    AfterLog log;
    log.record(GenerationId{1}, {kHup});
    log.record(GenerationId{2}, {});
    log.record(GenerationId{3}, {kCompile});
    log.record(GenerationId{4}, {kRestart});
    EXPECT_THAT(between(log, 0, 1), ElementsAre(kHup));
    EXPECT_THAT(between(log, 1, 2), IsEmpty());
    EXPECT_THAT(between(log, 0, 3), ElementsAre(kCompile, kHup));
    EXPECT_THAT(between(log, 0, 4), ElementsAre(kCompile, kRestart));
    EXPECT_THAT(between(log, 4, 4), IsEmpty());
    EXPECT_THAT(between(log, 4, 3), IsEmpty());
}

TEST(AfterLog, AsksForARestartWhereSomethingIsNotKnown) {
    AfterLog log;
    EXPECT_THAT(between(log, 0, 1), ElementsAre(kRestart));
    log.record(GenerationId{1}, {kHup});
    log.record(GenerationId{1001}, {kCompile});  // after a container with a number from an earlier run
    EXPECT_THAT(between(log, 0, 1001), ElementsAre(kCompile, kRestart));
    EXPECT_THAT(between(log, 1000, 1001), ElementsAre(kCompile));
    log.clear();
    EXPECT_THAT(between(log, 0, 1), ElementsAre(kRestart));
}

TEST(AfterLog, ForgetsTheOldest) {
    AfterLog log;
    for (std::uint64_t id = 1; id <= AfterLog::kMaxRecords + 1; ++id) log.record(GenerationId{id}, {});
    EXPECT_THAT(between(log, 1, AfterLog::kMaxRecords + 1), IsEmpty());
    EXPECT_THAT(between(log, 0, AfterLog::kMaxRecords + 1), ElementsAre(kRestart));
}

}  // namespace
}  // namespace synchost::host
