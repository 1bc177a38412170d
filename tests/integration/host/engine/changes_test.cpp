// What the engine notes of saves and builds: each kind of change with its outcome, its times and its files;
// and what it does with those that are to wait.
#include "host/logs/log_reader.hpp"
#include "integration/host/engine/graph_project.hpp"

namespace synchost::host {
namespace {

using test::eventually;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Changes : public GraphProject {
  protected:
    std::vector<ChangeRecord> changes() {
        return on_io([this] {
            std::vector<ChangeRecord> out;
            for (const ChangeRecord* one : engine_->changes().last({}, 500)) out.push_back(*one);
            return out;
        });
    }
    std::vector<BuildRecord> builds() {
        return on_io([this] {
            std::vector<BuildRecord> out;
            for (const BuildRecord* one : engine_->builds().list("")) out.push_back(*one);
            return out;
        });
    }
    // The newest of this kind, once it has this outcome.
    ChangeRecord change(SaveKind kind, SaveOutcome outcome) {
        ChangeRecord out;
        EXPECT_TRUE(eventually([&] {
            for (const ChangeRecord& one : changes()) {
                if (one.kind == kind && one.outcome == outcome) out = one;
            }
            return out.id != 0;
        })) << to_string(kind)
            << " " << to_string(outcome);
        return out;
    }
    static std::vector<std::string> names(const ChangeRecord& change) {
        std::vector<std::string> out;
        for (const ChangePhase& phase : change.phases) out.push_back(phase.name);
        return out;
    }
    static std::chrono::microseconds sum(const ChangeRecord& change) {
        std::chrono::microseconds out{};
        for (const ChangePhase& phase : change.phases) {
            if (phase.name != "restarted" && phase.name != "ready") out += phase.time;
        }
        return out;
    }
    void begin() {
        add_service("a");
        write_config();
        gate_.open();
        start();
        ASSERT_TRUE(is_well());
    }
};

TEST_F(Changes, ASyncHasItsFilesAndTimesOneAfterTheOther) {
    begin();
    write("app/a/main", "1");
    const ChangeRecord one = change(SaveKind::sync, SaveOutcome::done);
    EXPECT_EQ(one.image, "a");
    EXPECT_THAT(one.services, ElementsAre("Pod/a"));
    EXPECT_THAT(one.sources, ElementsAre("app/a/main"));
    EXPECT_EQ(one.reason,
              "COPY at line 8 of Dockerfile.a lays it at " + pods_->root_of("a").native() + "/main");
    EXPECT_GT(one.generation, 0u);
    EXPECT_EQ(one.containers, 1u);
    EXPECT_THAT(one.files, ElementsAre(ChangedFile{pods_->root_of("a").native() + "/main", "app/a/main"}));
    EXPECT_EQ(one.file_count, 1u);
    EXPECT_EQ(one.after, "restart");
    EXPECT_THAT(names(one), ElementsAre("detected", "encoded", "sent", "applied", "restarted"));
    EXPECT_GT(one.total.count(), 0);
    EXPECT_LE(std::abs((one.total - sum(one)).count()), 4) << "but for what is rounded";
    EXPECT_EQ(status().services.at(0).last_change, one.id);

    std::filesystem::remove(project() / "app/a/main");
    ChangeRecord removed;
    ASSERT_TRUE(eventually([&] {
        removed = change(SaveKind::sync, SaveOutcome::done);
        return removed.id > one.id;
    }));
    EXPECT_EQ(removed.reason, "it is gone from the context");
    ASSERT_EQ(removed.files.size(), 1u);
    EXPECT_TRUE(removed.files[0].removed);
}

TEST_F(Changes, AServerIsReadyWhenItTakesConnectionsAgain) {
    pods_->run_servers();
    begin();
    ASSERT_TRUE(eventually([&] { return pods_->said("a").contains("serving"); }));
    write("app/a/main", "1");
    ChangeRecord one;
    ASSERT_TRUE(eventually([&] {
        one = change(SaveKind::sync, SaveOutcome::done);
        return names(one).back() == "ready";
    }));
    EXPECT_THAT(names(one), ElementsAre("detected", "encoded", "sent", "applied", "restarted", "ready"));
    EXPECT_GT(one.phases.back().time.count(), 0);
    EXPECT_LE(std::abs((one.total - sum(one)).count()), 4) << "the files were there before";
}

TEST_F(Changes, ARebuildSaysWhyAndWhichBuildAndTheBuildItsSteps) {
    begin();
    write("dep/a", "1");
    const ChangeRecord one = change(SaveKind::rebuild, SaveOutcome::done);
    EXPECT_THAT(one.sources, ElementsAre("dep/a")) << "and not what a save leaves behind for a moment";
    EXPECT_THAT(one.reason, HasSubstr("RUN"));
    EXPECT_THAT(names(one), ElementsAre("detected", "built", "pushed", "deployed"));
    EXPECT_LE(std::abs((one.total - sum(one)).count()), 4);
    const std::vector<BuildRecord> all = builds();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_THAT(all[0].cause, HasSubstr("no image of it yet"));
    ASSERT_EQ(one.build, all[1].id);
    EXPECT_EQ(all[1].state, BuildState::built);
    EXPECT_EQ(all[1].cause, "dep/a: " + one.reason);
    const auto run = std::ranges::find_if(
        all[1].steps, [](const BuildStepRecord& step) { return step.text.starts_with("RUN"); });
    ASSERT_NE(run, all[1].steps.end());
    EXPECT_FALSE(run->cached);
    EXPECT_EQ(run->stage, "made");
    EXPECT_THAT(run->why, Contains(HasSubstr("an earlier step made another layer: COPY dep/a")));
    const auto busybox = std::ranges::find(all[1].steps, "COPY busybox /bin/", &BuildStepRecord::text);
    ASSERT_NE(busybox, all[1].steps.end());
    EXPECT_TRUE(busybox->cached);

    write("dep/a", "2");
    gate_.close();
    ASSERT_TRUE(eventually([&] { return is_building("a"); }));
    write("dep/a", "3");
    (void)change(SaveKind::rebuild, SaveOutcome::superseded);
    gate_.open();
    ASSERT_TRUE(eventually([&] { return baked_of("a").back() == "3"; }));
    ASSERT_TRUE(is_well());
    EXPECT_THAT(builds().back().state, BuildState::built);
}

TEST_F(Changes, ABuildThatFailsIsToldInBoth) {
    begin();
    write("Dockerfile.a", "FORM scratch\n");
    const ChangeRecord one = change(SaveKind::rebuild, SaveOutcome::failed);
    EXPECT_EQ(one.reason, "it is the Dockerfile");
    EXPECT_THAT(one.error, HasSubstr("Dockerfile.a:1"));
    EXPECT_THAT(one.next_step, HasSubstr("FROM"));
    EXPECT_EQ(builds().back().state, BuildState::failed);
    EXPECT_EQ(builds().back().error, one.error);
}

TEST_F(Changes, WhatNoImageHasIsIgnoredAndWhatATriggerWaitsForIsHeld) {
    add_service("a");
    write_config("services: {a: {trigger: manual}}\n");
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    write("notes/one", "1");
    const ChangeRecord ignored = change(SaveKind::ignored, SaveOutcome::done);
    EXPECT_THAT(ignored.reason, HasSubstr("no COPY"));
    EXPECT_EQ(ignored.image, "a");
    write("dep/a", "1");
    const ChangeRecord held = change(SaveKind::held, SaveOutcome::pending);
    EXPECT_THAT(held.sources, ElementsAre("dep/a"));
    EXPECT_EQ(held.next_step, "synchost trigger a");
    auto triggered =
        boost::asio::co_spawn(io_, engine_->trigger_services({"Pod/a"}), boost::asio::use_future);
    ASSERT_OK(triggered.get());
    EXPECT_EQ(change(SaveKind::held, SaveOutcome::done).id, held.id);
    EXPECT_EQ(change(SaveKind::rebuild, SaveOutcome::done).reason, "it was asked for");
}

TEST_F(Changes, SavesOfAPausedServiceWaitAndAreTakenUpAsAWhole) {
    add_service("a");
    add_service("b");
    write_config();
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    const int built = gate_.came();
    ASSERT_OK(on_io([this] { return engine_->set_paused({"Pod/a"}, true); }));
    EXPECT_ERROR(on_io([this] { return engine_->set_paused({"Pod/nobody"}, true); }), Errc::unsupported,
                 "no image that is kept live");
    EXPECT_TRUE(eventually([&] { return status().services.at(0).state == ServiceState::paused; }));
    write("app/a/main", "1");
    write("dep/a", "1");
    const ChangeRecord held = change(SaveKind::held, SaveOutcome::pending);
    EXPECT_THAT(held.next_step, HasSubstr("synchost resume"));
    write("app/b/main", "1");
    ASSERT_TRUE(has("b", "1")) << "the others are synced";
    EXPECT_EQ(test::content_of(pods_->root_of("a") / "main"), "0");
    EXPECT_EQ(gate_.came(), built) << "nothing is built";
    write_config("services: {b: }\n");
    ASSERT_TRUE(eventually([&] { return status().services.size() == 2 && !status().deploying; }));
    EXPECT_TRUE(status().services.at(0).paused) << "another configuration changes nothing about it";
    ASSERT_OK(on_io([this] { return engine_->set_paused({"Pod/a"}, false); }));
    EXPECT_TRUE(has("a", "1"));
    EXPECT_TRUE(eventually([&] { return baked_of("a").back() == "1"; }));
    EXPECT_TRUE(is_well());
    EXPECT_EQ(change(SaveKind::held, SaveOutcome::done).image, "a");

    ASSERT_OK(on_io([this] { return engine_->set_paused({"Pod/a"}, true); }));
    write("app/a/main", "2");
    ASSERT_TRUE(eventually([&] { return change(SaveKind::held, SaveOutcome::pending).id > held.id; }));
    const int before = gate_.came();
    ASSERT_OK(on_io([this] { return engine_->set_paused({"Pod/a"}, false); }));
    EXPECT_TRUE(has("a", "2"));
    EXPECT_EQ(gate_.came(), before) << "what is synced needs no build";
}

TEST_F(Changes, AStoppedServiceHasNoPodsUntilItIsStarted) {
    add_service("a");
    add_service("b");
    write_config();
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    ASSERT_OK(on_io([this] { return engine_->set_stopped({"Pod/a"}, true); }));
    ASSERT_TRUE(eventually([&] {
        return pods_->applied().back().workloads == std::set<std::string>{"Pod/b"} &&
               status().pods.size() == 1;
    }));
    const ServiceStatus a = status().services.at(0);
    EXPECT_EQ(a.state, ServiceState::stopped);
    EXPECT_EQ(a.replicas, (ReplicaCount{.wanted = 0, .there = 0, .current = 0}));
    ASSERT_TRUE(is_well()) << "the rest goes on";
    write("app/a/main", "1");
    (void)change(SaveKind::held, SaveOutcome::pending);
    write_config("services: {b: }\n");
    write("app/b/main", "1");
    ASSERT_TRUE(has("b", "1"));
    EXPECT_TRUE(status().services.at(0).stopped);
    ASSERT_OK(on_io([this] { return engine_->set_stopped({"Pod/a"}, false); }));
    ASSERT_TRUE(eventually([&] { return pods_->applied().back().workloads.size() == 2; }));
    EXPECT_TRUE(has("a", "1")) << "with the files as they are now";
    EXPECT_TRUE(is_well()) << to_text(status());
}

TEST_F(Changes, AServiceIsToldWithItsPods) {
    begin();
    auto asked = boost::asio::co_spawn(io_, engine_->describe("Pod/a"), boost::asio::use_future);
    const auto told = asked.get();
    ASSERT_OK(told);
    EXPECT_EQ(told->service.name, "a");
    ASSERT_EQ(told->pods.size(), 1u);
    EXPECT_EQ(told->pods[0].phase, "Running");
    auto gone = boost::asio::co_spawn(io_, engine_->describe("Pod/b"), boost::asio::use_future);
    EXPECT_ERROR(gone.get(), Errc::not_found, "Pod/b");
}

TEST_F(Changes, WhatABuildTellsIsKeptAsALog) {
    auto store = LogStore::open(dir_.path() / "logs", {});
    ASSERT_OK(store);
    log_store_ = store->get();
    begin();
    stop();
    store->reset();
    auto reader = LogReader::open(dir_.path() / "logs", {.workloads = {}, .source = LogSource::build});
    ASSERT_OK(reader);
    std::vector<std::string> lines;
    for (const LogReader::Item& item : reader->next().items) {
        EXPECT_EQ(item.workload, "Build/a");
        EXPECT_EQ(item.record.pod, "build 1");
        lines.push_back(item.record.text);
    }
    EXPECT_THAT(lines, Contains(HasSubstr("RUN : a")));
    auto runtime = LogReader::open(dir_.path() / "logs", {.workloads = {}});
    ASSERT_OK(runtime);
    EXPECT_THAT(runtime->next().items, IsEmpty());
}

}  // namespace
}  // namespace synchost::host
