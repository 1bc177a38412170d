// The app's process under a real supervisor: gate, hold, restart, stop.
#include "support/agent_pod.hpp"
#include "support/result_matchers.hpp"

namespace synchost::test {
namespace {

using namespace protocol;

class Lifecycle : public testing::Test {
  protected:
    AgentPod pod_{SYNCHOST_AGENT};
};

TEST_F(Lifecycle, GateOpensOnRelease) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    ASSERT_OK(pod_.await(pod_.link().release("app")));
    const auto report = pod_.wait_for("app", ProcessState::running);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->starts, 1u);
    EXPECT_EQ(report->roots, std::vector{pod_.root()});
}

TEST_F(Lifecycle, CrashIsHeldAndTheNextGenerationRestarts) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"}, {"sh", "-c", "echo out; echo err >&2; test -e " + (pod_.app_dir() / "fixed").native() + " && exec sleep 600; exit 7"});
    const auto held = pod_.wait_for("app", ProcessState::held);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->exit_code, 7);
    EXPECT_TRUE(held->last_output.contains("out\n"));
    EXPECT_TRUE(held->last_output.contains("err\n"));
    const auto generation = GenerationBuilder(pod_.root()).put("fixed", "").restart().get();
    ASSERT_OK(pod_.await(pod_.link().apply("app", generation)));
    const auto running = pod_.wait_for("app", ProcessState::running);
    ASSERT_TRUE(running);
    EXPECT_EQ(running->starts, 2u);
    EXPECT_EQ(running->generation, GenerationId{1});
}

}  // namespace
}  // namespace synchost::test
