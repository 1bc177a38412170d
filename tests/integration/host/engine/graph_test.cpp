// What is built and deployed, in which order, and what of it when saves come meanwhile: the engine with real
// builds, a real registry and real agents; the scheduling of pods alone is played.
#include "integration/host/engine/graph_project.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::eventually;
using testing::ElementsAre;
using testing::IsEmpty;

class Graph : public GraphProject {};

// The build of one hangs, begins anew with each save that it reads, and both go on being synced.
TEST_F(Graph, TwoHundredSavesWhileABuildRunsLoseNothingAndDeployNothingStale) {
    add_service("a");
    add_service("b");
    write_config();
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    ASSERT_THAT(baked_of("a"), ElementsAre("0"));
    const std::size_t deployments = pods_->applied().size();
    gate_.close();
    int builds = gate_.came();
    write("dep/a", "1");
    ASSERT_TRUE(eventually([&] { return gate_.came() > builds; })) << "the build has come to its step";
    for (int i = 1; i <= 200; ++i) {
        const std::string name = i % 2 == 0 ? "a" : "b";
        write("app/" + name + "/main", std::to_string(i));
        if (i % 4 == 1) write("app/" + name + "/more-" + std::to_string(i), std::to_string(i));
        if (i % 5 == 0) {
            ASSERT_TRUE(has(name, std::to_string(i))) << "synced though the other is built";
        }
        if (i % 50 == 0) {  // the build under way is stale now
            builds = gate_.came();
            write("dep/a", std::to_string(i));
            ASSERT_TRUE(eventually([&] { return gate_.came() > builds; })) << "it begins anew";
        }
    }
    EXPECT_EQ(pods_->applied().size(), deployments) << "nothing is deployed before the newest is built";
    EXPECT_TRUE(is_building("a"));
    gate_.open();
    ASSERT_TRUE(eventually([&] { return baked_of("a").back() != "0"; }));
    ASSERT_TRUE(is_well());
    EXPECT_THAT(baked_of("a"), ElementsAre("0", "200")) << "no stale build was deployed";
    EXPECT_THAT(baked_of("b"), ElementsAre("0"));
    EXPECT_TRUE(has("a", "200"));
    EXPECT_TRUE(has("b", "199"));
    for (int i = 1; i <= 200; i += 4) EXPECT_TRUE(has("b", std::to_string(i), "more-" + std::to_string(i)));
    auto verified = boost::asio::co_spawn(io_, engine_->verified_status(), boost::asio::use_future).get();
    EXPECT_TRUE(verified.all_well()) << to_text(verified);
}

TEST_F(Graph, AnImageThatIsNotBuiltHereIsKeptLive) {
    const std::string root = pods_->root_of("app").native();
    write("elsewhere/Dockerfile", "FROM scratch\nCOPY baked.txt /\nCOPY . " + root + "/\nCMD [\"/run\"]\n");
    write("elsewhere/baked.txt", "theirs");
    write("elsewhere/main", "theirs");
    const std::string theirs = registry_->address() + "/team/app:1";
    const images::BuildTools tools{.store = dir_.path() / "elsewhere", .registries = &connector_};
    const auto built = images::build({.context = project() / "elsewhere"}, tools);
    ASSERT_OK(built);
    ASSERT_OK(images::push(*built, registry::Reference::parse(theirs).value(), tools));

    write("src/main", "ours");
    write_manifest("app", "app");
    images_ = "  app: {from: \"" + theirs + "\", sync: {src: " + root + "}}\n";
    write_config();
    start();
    ASSERT_TRUE(is_well());
    EXPECT_EQ(content_of(pods_->root_of("app") / "main"), "ours");
    EXPECT_EQ(content_of(pods_->root_of("app") / "baked.txt"), "theirs") << "what lies beside stays";

    write("src/main", "saved");
    EXPECT_TRUE(has("app", "saved"));
    EXPECT_THAT(baked_of("app"), ElementsAre("theirs"));
    EXPECT_EQ(pods_->applied().size(), 1U) << "no image is built for a save";
}

TEST_F(Graph, AWorkloadStartsOnceWhatItDependsOnIsReady) {
    add_service("a");
    add_service("b");
    write_manifest("db", "redis");
    write_config("services: {db: , b: {depends_on: [db]}, a: {depends_on: [b], ports: [9229]}}\n");
    gate_.open();
    pods_->set_broken({"Pod/b"});
    start();
    ASSERT_TRUE(eventually([&] { return pods_->applied().size() == 2; }));
    EXPECT_THAT(pods_->applied()[0].workloads, ElementsAre("Pod/db"));
    EXPECT_THAT(pods_->applied()[1].workloads, ElementsAre("Pod/b", "Pod/db"));
    EXPECT_THAT(pods_->ports(), IsEmpty());
    EXPECT_TRUE(status().deploying);
    write("app/b/main", "mended");
    EXPECT_TRUE(has("b", "mended")) << "what holds the others can be mended by a save";
    pods_->set_broken({});
    ASSERT_TRUE(is_well());
    EXPECT_THAT(pods_->applied().back().workloads, ElementsAre("Pod/a", "Pod/b", "Pod/db"));
    EXPECT_THAT(pods_->ports(), ElementsAre(ExtraPort{"Pod/a", 9229, 0}));
    const std::size_t before = pods_->applied().size();
    pods_->set_broken({"Pod/b"});
    write("dep/a", "1");
    ASSERT_TRUE(eventually([&] { return baked_of("a").back() == "1"; }))
        << "a later rollout waits for nobody";
    EXPECT_EQ(pods_->applied().size(), before + 1);
}

TEST_F(Graph, AFirstBuildThatFailsIsMendedByASaveAndHoldsNobodyElse) {
    add_service("a");
    add_service("b");
    write_config();
    const std::string good = content_of(project() / "Dockerfile.a");
    write("Dockerfile.a", "FORM scratch\n");
    gate_.open();
    start();
    ASSERT_TRUE(eventually([&] { return !pods_->applied().empty(); }));
    EXPECT_THAT(pods_->applied()[0].workloads, ElementsAre("Pod/b"));
    write("app/b/main", "1");
    EXPECT_TRUE(has("b", "1"));
    EXPECT_FALSE(status().all_well());
    write("Dockerfile.a", good);
    ASSERT_TRUE(is_well());
    EXPECT_THAT(pods_->applied().back().workloads, ElementsAre("Pod/a", "Pod/b"));
    EXPECT_TRUE(has("a", "0"));
}

TEST_F(Graph, AManualServiceIsSyncedAndNotBuilt) {
    add_service("a");
    write_config("services: {a: {trigger: manual}}\n");
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    const int builds = gate_.came();
    write("dep/a", "1");
    write("app/a/main", "1");
    ASSERT_TRUE(has("a", "1"));
    write("app/a/main", "2");
    ASSERT_TRUE(has("a", "2"));
    ASSERT_TRUE(is_well());
    EXPECT_EQ(gate_.came(), builds);
    EXPECT_THAT(baked_of("a"), ElementsAre("0"));
}

TEST_F(Graph, TheConfigurationIsTakenUpAndTheRestGoesOn) {
    add_service("a");
    write_config();
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    const auto starts_of_a = [&] { return status().pods.at(0).containers.at(0).starts; };
    const auto starts = starts_of_a();
    const int builds = gate_.came();

    write("synchost.yaml", "name: graph\nmanifests: [k8s]\nimags: {}\n");
    write("app/a/main", "1");
    ASSERT_TRUE(has("a", "1")) << "what is wrong changes nothing";
    add_service("b");
    write_config();
    ASSERT_TRUE(eventually([&] { return baked_of("b") == std::vector<std::string>{"0"}; }));
    ASSERT_TRUE(is_well());
    EXPECT_EQ(gate_.came(), builds + 1) << "what is the same was not built again";
    EXPECT_EQ(starts_of_a(), starts + 1) << "once, for the save";
    write("app/a/main", "2");
    write("app/b/main", "3");
    EXPECT_TRUE(has("a", "2"));
    EXPECT_TRUE(has("b", "3"));

    images_ = "  b: {dockerfile: Dockerfile.b, rebuild: [app/b/main]}\n";
    fs::remove(project() / "k8s/a.yaml");
    const auto runs_b = [](const PlayedPods::Applied& applied) {
        return applied.workloads.contains("Pod/b");
    };
    const std::size_t with_both = pods_->applied().size();
    write_config();
    ASSERT_TRUE(eventually([&] {
        return pods_->applied().back().workloads == std::set<std::string>{"Pod/b"} &&
               status().images.size() == 1;
    }));
    ASSERT_TRUE(is_well());
    const auto applied = pods_->applied();
    EXPECT_TRUE(std::all_of(applied.begin() + static_cast<std::ptrdiff_t>(with_both), applied.end(), runs_b))
        << "it runs on until its new image is there";
    const std::size_t before = applied.size();
    write("app/b/main", "4");
    ASSERT_TRUE(has("b", "4"));
    EXPECT_TRUE(eventually([&] { return pods_->applied().size() > before; }))
        << "by a build, as the new rule says";
}

// What a step writes is there before the build that reads it, and reaches the pods whole after a save.
TEST_F(Graph, StepsRunBeforeBuildsAndAfterSavesAndTheirFilesComeWhole) {
    add_service("a");
    write("source/text", "1");
    write("bundle.sh", "#!/bin/sh\necho half >app/a/bundle\nbusybox nc 127.0.0.1 " +
                           std::to_string(gate_.port()) + " </dev/null\ncat source/text >app/a/bundle\n");
    write_config(
        "steps:\n  bundle: {command: [sh, bundle.sh], inputs: [\"source/**\"], outputs: [app/a/bundle]}\n");
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    ASSERT_TRUE(has("a", "1", "bundle")) << "it was made before the image was";
    gate_.close();
    const int passed = gate_.came();
    write("source/text", "2");
    ASSERT_TRUE(eventually([&] { return gate_.came() > passed; }));
    EXPECT_EQ(content_of(project() / "app/a/bundle"), "half\n");
    write("app/a/main", "1");
    ASSERT_TRUE(has("a", "1")) << "other saves go their way";
    EXPECT_EQ(content_of(pods_->root_of("a") / "bundle"), "1") << "half a file stays here";
    gate_.open();
    EXPECT_TRUE(has("a", "2", "bundle"));
    EXPECT_THAT(baked_of("a"), ElementsAre("0")) << "no build was needed";
}

TEST_F(Graph, OnceFailsWhereAStepFails) {
    add_service("a");
    write_config("steps: {broken: {command: [sh, -c, exit 3], inputs: [source]}}\n");
    start(EngineMode::once);
    EXPECT_ERROR(wait_for_the_end(), Errc::io, "broken");
    EXPECT_THAT(pods_->applied(), IsEmpty());
}

TEST_F(Graph, OnceEndsWhenAllIsThereAndTellsWhatIsNot) {
    add_service("a");
    add_service("b");
    write_config();
    gate_.open();
    start(EngineMode::once, {"b"});
    EXPECT_OK(wait_for_the_end());
    EXPECT_THAT(pods_->applied().back().workloads, ElementsAre("Pod/b"));
    EXPECT_TRUE(has("b", "0"));
    EXPECT_EQ(gate_.came(), 1) << "the other image is not needed";
    EXPECT_EQ(pods_->ended_by(), "leave");
}

TEST_F(Graph, OnceFailsWhereABuildFails) {
    add_service("a");
    write("Dockerfile.a", "FORM scratch\n");
    write_config();
    start(EngineMode::once);
    EXPECT_ERROR(wait_for_the_end(), Errc::io, "an image could not be built");
    EXPECT_THAT(pods_->applied(), IsEmpty());
}

TEST_F(Graph, OnceFailsWhereAWorkloadDoesNotGetReady) {
    add_service("a");
    write_config();
    gate_.open();
    pods_->set_broken({"Pod/a"});
    start(EngineMode::once);
    EXPECT_ERROR(wait_for_the_end(), Errc::cluster, "Pod/a does not get ready");
    EXPECT_EQ(pods_->ended_by(), "down");
}

TEST_F(Graph, TheRegistryKeepsTheImageThatRunsAndTheOneBefore) {
    add_service("a");
    write_config();
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    registry::Client client = connector_.client(registry_->address());
    const auto repository = registry::Reference::parse(registry_->address() + "/library/a:dev").value();
    std::vector<Digest> digests;
    for (int i = 1; i <= 4; ++i) {
        const auto tagged = client.head_manifest(repository);
        ASSERT_OK(tagged);
        digests.push_back(tagged->value());
        write("dep/a", std::to_string(i));
        ASSERT_TRUE(eventually([&] { return baked_of("a").back() == std::to_string(i); }));
        ASSERT_TRUE(is_well());
    }
    const auto is_there = [&](std::size_t i) {
        const auto found = client.head_manifest(repository.with_digest(digests.at(i)));
        return found && found->has_value();
    };
    EXPECT_TRUE(eventually([&] { return !is_there(2); }));
    EXPECT_FALSE(is_there(0));
    EXPECT_FALSE(is_there(1));
    EXPECT_TRUE(is_there(3)) << "the one before";
}

TEST_F(Graph, StoppingEndsABuildThatHangs) {
    add_service("a");
    write_config();
    start();
    ASSERT_TRUE(eventually([&] { return gate_.came() == 1; }));
    stop();
    EXPECT_THAT(pods_->applied(), IsEmpty());
}

}  // namespace
}  // namespace synchost::host
