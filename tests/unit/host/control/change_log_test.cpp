#include "host/control/change_log.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ChangeRecord change(std::string image, std::vector<std::string> services = {}) {
    return {.image = std::move(image), .services = std::move(services), .sources = {}};
}

std::vector<std::uint64_t> ids(const std::vector<const ChangeRecord*>& changes) {
    std::vector<std::uint64_t> out;
    for (const ChangeRecord* one : changes) out.push_back(one->id);
    return out;
}

TEST(ChangeLog, NumbersRiseAndTheLastComeOldestFirst) {
    ChangeLog log;
    EXPECT_EQ(log.add(change("a", {"Deployment/a"})), 1u);
    EXPECT_EQ(log.add(change("b", {"Deployment/b", "Job/b"})), 2u);
    EXPECT_EQ(log.add(change("a", {"Deployment/a"})), 3u);
    EXPECT_THAT(ids(log.last({}, 500)), ElementsAre(1u, 2u, 3u));
    EXPECT_THAT(ids(log.last({}, 2)), ElementsAre(2u, 3u));
    EXPECT_THAT(ids(log.last(std::vector<std::string>{"Deployment/a"}, 500)), ElementsAre(1u, 3u));
    EXPECT_THAT(ids(log.last(std::vector<std::string>{"Job/b", "Job/c"}, 500)), ElementsAre(2u));
    EXPECT_THAT(log.last({}, 0), IsEmpty());
    EXPECT_EQ(log.last_of("Deployment/a"), 3u);
    EXPECT_EQ(log.last_of("Job/b"), 2u);
    EXPECT_EQ(log.last_of("Job/c"), std::nullopt);
}

TEST(ChangeLog, AnEditIsSeenAndCountsForWhatItNames) {
    ChangeLog log;
    const auto id = log.add({});
    const ChangeRecord* now = log.update(id, [](ChangeRecord& one) {
        one.services = {"Deployment/a"};
        one.outcome = SaveOutcome::done;
    });
    ASSERT_NE(now, nullptr);
    EXPECT_EQ(now->outcome, SaveOutcome::done);
    EXPECT_EQ(log.last_of("Deployment/a"), id);
    EXPECT_EQ(log.update(17, [](ChangeRecord&) { FAIL(); }), nullptr);
}

TEST(ChangeLog, AnImageThatIsSavedALotPushesOutItsOwnAlone) {
    ChangeLog log;
    log.add(change("quiet", {"Pod/quiet"}));
    for (std::size_t i = 0; i < ChangeLog::kPerImage + 1; ++i) log.add(change("loud", {"Pod/loud"}));
    EXPECT_EQ(log.find(2), nullptr) << "its oldest";
    EXPECT_NE(log.find(1), nullptr);
    EXPECT_EQ(log.last({}, 5'000).size(), ChangeLog::kPerImage + 1);
    EXPECT_EQ(log.last_of("Pod/quiet"), 1u);
}

TEST(ChangeLog, AllOfThemAreBoundedByNumberAndByBytes) {
    ChangeLog log;
    for (std::size_t i = 0; i < ChangeLog::kInAll + 10; ++i) log.add(change(std::to_string(i), {"Pod/p"}));
    EXPECT_EQ(log.last({}, 5'000).size(), ChangeLog::kInAll);
    EXPECT_EQ(log.find(10), nullptr);
    EXPECT_NE(log.find(11), nullptr);
    for (int i = 0; i < 40; ++i) {
        ChangeRecord large = change("large" + std::to_string(i));
        large.reason.assign(std::size_t{1} << 20, 'x');
        log.add(std::move(large));
    }
    const auto left = log.last({}, 5'000);
    EXPECT_LE(left.size(), 15u);
    EXPECT_GE(left.size(), 14u);
    EXPECT_EQ(log.last_of("Pod/p"), std::nullopt) << "it is not kept any more";
    ChangeRecord larger;
    larger.error.assign(ChangeLog::kMaxBytes + 1, 'x');
    const auto id = log.add(std::move(larger));
    EXPECT_THAT(ids(log.last({}, 500)), ElementsAre(id)) << "the newest stays";
}

TEST(ChangeJson, IsOneLineWhateverIsInIt) {
    ChangeRecord one = change("img", {"Deployment/api"});
    one.sources = {"a\nb", "\xff"};
    one.phases = {{"detected", std::chrono::microseconds(2300)}};
    one.kind = SaveKind::held;
    const std::string json = to_json(one);
    EXPECT_FALSE(json.contains('\n'));
    const auto read = nlohmann::json::parse(json);
    EXPECT_EQ(read.at("kind"), "held");
    EXPECT_EQ(read.at("build"), nullptr);
    EXPECT_EQ(read.at("phases").at(0).at("us"), 2300);
    EXPECT_EQ(read.at("sources").at(0), "a\nb");
    const std::vector<const ChangeRecord*> two = {&one, &one};
    EXPECT_EQ(nlohmann::json::parse(changes_json(two)).at("changes").size(), 2u);
    EXPECT_EQ(changes_json({}), R"({"changes":[]})");
}

}  // namespace
}  // namespace synchost::host
