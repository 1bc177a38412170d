#include "host/view/live_model.hpp"

#include <gtest/gtest.h>

namespace synchost::host {
namespace {

using namespace std::chrono_literals;

const BuildWork::Time kNow{1h};

Status one_image(std::vector<ContainerStatus> containers) {
    Status out{
        .project = "todo", .images = {{.name = "api", .digest = "sha256:1", .generation = 4}}, .pods = {}};
    PodStatus pod{.name = "api-7f9", .workload = "Deployment/api", .connected = true, .containers = {}};
    pod.containers = std::move(containers);
    for (ContainerStatus& container : pod.containers) container.image = "api";
    pod.containers.push_back({.name = "other", .image = "ui", .state = "held"});
    out.pods.push_back(std::move(pod));
    return out;
}

LiveImage shown(const Status& status, const LastTold& told = {}, const WorkOfImages& work = {}) {
    return live_state(status, told, work, kNow).images.at(0);
}

TEST(InShort, TimesAreWhatIsKept) {
    EXPECT_EQ(
        in_short(
            "synced",
            "app.py -> 2 containers in 7.1 ms (seen 2.0 ms, sent and applied 5.1 ms), restarted in 110 ms"),
        "synced in 7.1 ms, restarted in 110 ms");
    EXPECT_EQ(in_short("synced", "a -> 1 container in 2 min 3 s (seen 2.0 ms, sent and applied 5.1 ms)"),
              "synced in 2 min 3 s");
    EXPECT_EQ(in_short("serving", "a -> 1 container in 110 ms (synced in 7.1 ms, restarted in 12 ms)"),
              "synced in 7.1 ms, serving in 110 ms");
    EXPECT_EQ(in_short("built", "7 layers in 2.40 s, pushed 2 blobs (1.2 MB) in 14.1 ms"), "built in 2.40 s");
    EXPECT_EQ(in_short("rebuild", "requirements.txt: a RUN reads it"),
              "rebuild: requirements.txt: a RUN reads it");
    EXPECT_EQ(in_short("failed", "Dockerfile:4: RUN make\nexit code 2"), "Dockerfile:4: RUN make");
}

TEST(InShort, NamesOfFilesAreNotTakenForTimes) {
    EXPECT_EQ(
        in_short("synced",
                 "a -> b in c, (d) and what -> 1 container in 7.1 ms (seen 2.0 ms, sent and applied 5)"),
        "synced in 7.1 ms");
    EXPECT_EQ(in_short("synced", "words without any sense"), "synced: words without any sense");
    EXPECT_EQ(in_short("synced", ""), "synced: ");
    EXPECT_EQ(in_short("serving", "a (synced in 1 ms) -> 1 container in 110 ms"), "serving in 110 ms");
    EXPECT_EQ(in_short("serving", "words without any sense"), "serving: words without any sense");
}

TEST(LiveState, AnImageRunsWhereItsContainersDo) {
    const auto image = shown(one_image({{.name = "a", .state = "running", .generation = 4, .current = true},
                                        {.name = "b", .state = "running", .generation = 3}}),
                             {{"api", "synced in 7.1 ms"}});
    EXPECT_EQ(image, (LiveImage{.name = "api",
                                .stage = LiveStage::running,
                                .current = 1,
                                .containers = 2,
                                .generation = 4,
                                .last = "synced in 7.1 ms"}));
}

TEST(LiveState, StagesComeInTheOrderOfWhatAPersonMustKnow) {
    Status status = one_image({{.name = "a", .state = "held", .exit_code = 3}});
    EXPECT_EQ(shown(status).stage, LiveStage::held);
    EXPECT_EQ(shown(status).last, "exit code 3; it starts again on the next save");
    status.pods[0].containers[0].last_error = "No space left on device\nmore";
    EXPECT_EQ(shown(status).stage, LiveStage::failed);
    EXPECT_EQ(shown(status).last, "No space left on device");
    status.pods[0].containers[0] = {.name = "a", .image = "api", .state = "gated"};
    EXPECT_EQ(shown(status).stage, LiveStage::running);
    status.deploying = true;
    EXPECT_EQ(shown(status).stage, LiveStage::deploying);
    status.images[0].build_failed = true;
    EXPECT_EQ(shown(status, {{"api", "RUN make: exit code 2"}}).stage, LiveStage::failed);
    EXPECT_EQ(shown(status, {{"api", "RUN make: exit code 2"}}).last, "RUN make: exit code 2");
    status.images[0].building = true;
    EXPECT_EQ(shown(status).stage, LiveStage::building);
}

TEST(LiveState, WithoutContainersItWaitsAndEndedOnesHaveEnded) {
    EXPECT_EQ(shown(one_image({})).stage, LiveStage::waiting);
    EXPECT_EQ(shown(one_image({{.name = "a", .state = "exited", .current = true}})).stage, LiveStage::ended);
}

TEST(LiveState, WorkIsThatOfABuild) {
    WorkOfImages work;
    work["api"].take_line("Dockerfile:7: RUN npm ci", kNow - 2s);
    Status status = one_image({});
    EXPECT_EQ(shown(status, {}, work).work, LiveWork{});
    status.images[0].building = true;
    EXPECT_EQ(shown(status, {}, work).work.what, "Dockerfile:7: RUN npm ci");
}

}  // namespace
}  // namespace synchost::host
