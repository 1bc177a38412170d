#include "host/engine/rollout.hpp"

#include <gmock/gmock.h>

#include <random>

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Workload workload(const std::string& id, std::vector<std::string> images,
                  std::vector<std::string> depends_on = {}) {
    return {.id = id,
            .name = id,
            .images = std::move(images),
            .depends_on = std::move(depends_on),
            .service = {}};
}

std::vector<std::string> held(const Rollout::Step& step) {
    std::vector<std::string> out;
    for (const Rollout::Held& one : step.held) out.push_back(one.workload->id + "<" + one.by);
    return out;
}

TEST(Rollout, AppliesWhatIsBuiltAndWhoseDependenciesAreReady) {
    Rollout rollout;
    rollout.set({workload("web", {"w"}, {"api"}), workload("api", {"a"}, {"db"}), workload("db", {})});
    const Rollout::Step first = rollout.next({"a", "w"});
    EXPECT_THAT(first.apply, ElementsAre("db"));
    EXPECT_THAT(first.await, ElementsAre("db"));
    EXPECT_THAT(held(first), ElementsAre("web<api", "api<db"));
    rollout.started(first.apply);
    EXPECT_THAT(rollout.next({"a", "w"}).apply, ElementsAre("db")) << "started is not ready";
    rollout.ready({"db"});
    const Rollout::Step second = rollout.next({"a", "w"});
    EXPECT_THAT(second.apply, ElementsAre("api", "db"));
    EXPECT_THAT(second.await, ElementsAre("api"));
    rollout.started(second.apply);
    rollout.ready({"api"});
    const Rollout::Step last = rollout.next({"a", "w"});
    EXPECT_THAT(last.apply, ElementsAre("api", "db", "web"));
    EXPECT_THAT(last.await, IsEmpty());
    EXPECT_THAT(last.held, IsEmpty());
}

TEST(Rollout, WhatIsStoppedIsNeitherAppliedNorWaitedFor) {
    Rollout rollout;
    rollout.set({workload("web", {}, {"db"}), workload("db", {}), workload("late", {}, {"db"})});
    rollout.started({"web", "db"});
    rollout.ready({"db"});
    rollout.stop("db");
    EXPECT_TRUE(rollout.is_stopped("db"));
    Rollout::Step step = rollout.next({});
    EXPECT_THAT(step.apply, ElementsAre("web")) << "what runs already runs on";
    EXPECT_THAT(step.await, IsEmpty());
    EXPECT_THAT(held(step), ElementsAre("late<db"));
    rollout.set({workload("web", {}, {"db"}), workload("db", {}), workload("late", {}, {"db"})});
    EXPECT_TRUE(rollout.is_stopped("db")) << "other manifests change nothing about it";
    rollout.start("db");
    EXPECT_FALSE(rollout.stops_any());
    step = rollout.next({});
    EXPECT_THAT(step.apply, ElementsAre("db", "web"));
    EXPECT_THAT(step.await, ElementsAre("db")) << "it begins as a new one";
}

TEST(Rollout, AnImageThatIsNotBuiltHoldsItsWorkloadsAlone) {
    Rollout rollout;
    rollout.set({workload("web", {"w", "x"}, {"db"}), workload("other", {"o"}), workload("db", {"d"})});
    const Rollout::Step step = rollout.next({"o", "w"});
    EXPECT_THAT(step.apply, ElementsAre("other"));
    EXPECT_THAT(step.await, IsEmpty()) << "nobody waits for what is not applied";
    EXPECT_THAT(held(step), ElementsAre("web<x", "db<d"));
}

TEST(Rollout, ADependencyCountsForTheFirstStartAlone) {
    Rollout rollout;
    rollout.set({workload("api", {"a"}, {"db"}), workload("db", {})});
    rollout.started({"api", "db"});
    EXPECT_THAT(rollout.next({"a"}).apply, ElementsAre("api", "db")) << "db may be starting anew";
    const Rollout::Step step = rollout.next({});
    EXPECT_THAT(step.apply, ElementsAre("db")) << "an image is needed all the same";
    EXPECT_TRUE(step.held.at(0).started) << "it would be taken away";
}

TEST(Rollout, WhatIsGoneFromTheManifestsBeginsAnewWhenItReturns) {
    Rollout rollout;
    rollout.set({workload("api", {}, {"db"}), workload("db", {})});
    rollout.started({"db"});
    rollout.ready({"db"});
    rollout.set({workload("api", {}, {"db"}), workload("db", {}), workload("new", {})});
    EXPECT_THAT(rollout.next({}).apply, ElementsAre("api", "db", "new"));
    rollout.set({workload("api", {})});
    rollout.set({workload("api", {}, {"db"}), workload("db", {})});
    EXPECT_THAT(rollout.next({}).apply, ElementsAre("db"));
}

// Whatever gets ready in whatever order: everything is applied in the end, and nothing before what it needs.
TEST(Rollout, EndsWithAllOfThemInEveryOrder) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        std::vector<Workload> all;
        for (int i = 0; i < 8; ++i) {
            Workload one = workload(std::to_string(i), {});
            for (int before = 0; before < i; ++before) {
                if (random() % 3 == 0) one.depends_on.push_back(std::to_string(before));
            }
            all.push_back(std::move(one));
        }
        std::shuffle(all.begin(), all.end(), random);
        Rollout rollout;
        rollout.set(all);
        std::set<std::string> ready;
        std::set<std::string> applied;
        for (int round = 0; round < 9 && applied.size() < all.size(); ++round) {
            const Rollout::Step step = rollout.next({});
            for (const Workload& one : all) {
                if (!step.apply.contains(one.id) || applied.contains(one.id)) continue;
                for (const std::string& needed : one.depends_on)
                    ASSERT_TRUE(ready.contains(needed)) << seed << ": " << one.id << " before " << needed;
            }
            ASSERT_TRUE(std::ranges::includes(step.apply, applied)) << seed;
            applied = step.apply;
            ASSERT_TRUE(std::ranges::includes(applied, step.await)) << seed;
            ASSERT_EQ(step.await.empty(), applied.size() == all.size()) << seed;
            rollout.started(applied);
            rollout.ready(step.await);
            ready.insert(step.await.begin(), step.await.end());
        }
        EXPECT_EQ(applied.size(), all.size()) << seed;
    }
}

}  // namespace
}  // namespace synchost::host
