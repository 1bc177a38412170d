// Generations over a connection that breaks, through a relay and in a network of the test's own.
#include <boost/asio/steady_timer.hpp>
#include <cstdio>

#include "support/flapping_relay.hpp"
#include "support/free_port.hpp"
#include "support/own_network.hpp"
#include "support/result_matchers.hpp"
#include "support/simple_host.hpp"
#include "support/torture.hpp"
#include "support/tree_model.hpp"

namespace synchost::test {
namespace {

using namespace protocol;

// The trees of a run of numbered generations. Each leaves a file of its own, so that one that was skipped
// would be missed; and changes files that others change too, so that one that came late would be seen.
class Numbered {
  public:
    Numbered(std::uint64_t last, std::uint32_t seed, std::string root) : seed_(seed), root_(std::move(root)) {
        trees_.resize(last + 1);
        for (std::uint64_t number = 1; number <= last; ++number) trees_[number] = next(number);
    }
    [[nodiscard]] Generation generation(std::uint64_t number) const {
        std::mt19937 random(seed_ + static_cast<std::uint32_t>(number));
        return generation_between(trees_[number - 1], trees_[number], GenerationId{number}, root_, random);
    }
    [[nodiscard]] const Tree& tree(std::uint64_t number) const { return trees_[number]; }

  private:
    [[nodiscard]] Tree next(std::uint64_t number) const {
        std::mt19937 random(seed_ ^ static_cast<std::uint32_t>(number * 7919));
        const auto noise = [&](std::size_t size) {
            std::string bytes(size, '\0');
            for (char& c : bytes) c = static_cast<char>(random() >> 8);
            return bytes;
        };
        Tree tree = trees_[number - 1];
        const std::string text = std::to_string(number);
        tree["marks"] = {.mode = 0755};
        tree["marks/" + text] = file_node(text);
        tree["slot" + std::to_string(number % 11)] = file_node(text + noise(random() % 3000));
        if (number % 20 == 0) tree["large"] = file_node(text + noise(100'000));
        const std::string folder = "folder" + std::to_string(number % 4);
        for (const char* below : {"", "/a", "/b"}) tree.erase(folder + below);
        if (number % 3 != 0) {
            tree[folder] = {.mode = 0755};
            tree[folder + "/a"] = file_node(text);
            tree[folder + "/b"] = file_node(text);
        }
        return tree;
    }

    std::uint32_t seed_;
    std::string root_;
    std::vector<Tree> trees_;
};

class Flap : public TortureTest {};

TEST_F(Flap, NothingIsLostInAThousandGenerationsOverABreakingStream) {
    constexpr std::uint64_t kLast = 1000;
    const Numbered numbered(kLast, seed(), pod_.root());
    start();
    FlappingRelay relay(pod_.io(), pod_.host_socket(), seed());
    SimpleHost host(pod_, name(), host::LoopbackAddress{relay.port()});
    ASSERT_TRUE(host.converge(kLast, [&](std::uint64_t number) { return numbered.generation(number); }));
    EXPECT_EQ(differences(numbered.tree(kLast), read_tree(pod_.app_dir())), "");
    std::printf(
        "%llu breaks, %llu bytes swallowed, %llu attempts without an outcome, %llu of them in place\n",
        static_cast<unsigned long long>(relay.breaks()),
        static_cast<unsigned long long>(relay.swallowed_bytes()),
        static_cast<unsigned long long>(host.without_outcome()),
        static_cast<unsigned long long>(host.lost_answers()));
    EXPECT_GE(relay.breaks(), 50u);
    EXPECT_GT(relay.swallowed_bytes(), 0u);
    EXPECT_GE(host.without_outcome(), 30u);
    EXPECT_GE(host.lost_answers(), 1u);
}

TEST_F(Flap, ALinkThatIsDownForLongComesBackAndLosesNothing) {
    const OwnNetwork network;
    if (!network.is_own()) GTEST_SKIP() << "no network of its own may be made here: " << network.why();
    network.set_link(true);
    constexpr std::uint64_t kLast = 60;
    const Numbered numbered(kLast, seed(), pod_.root());
    const auto generation = [&](std::uint64_t number) { return numbered.generation(number); };
    const std::uint16_t port = free_port();
    pod_.start_sidecar({name()}, {"--listen", "tcp:127.0.0.1:" + std::to_string(port)});
    start_supervisor();
    SimpleHost host(pod_, name(), host::LoopbackAddress{port});
    ASSERT_TRUE(host.reported());
    const std::uint64_t before = host.disconnects();  // attempts at a sidecar that was not there yet
    // What TCP repairs by itself costs no stream.
    for (std::uint64_t number = 1; number <= 10; ++number) {
        network.set_link(false);
        boost::asio::steady_timer up(pod_.io(), std::chrono::milliseconds(1 + seed() * number % 40));
        up.async_wait([&](boost::system::error_code) { network.set_link(true); });
        ASSERT_TRUE(host.apply(generation(number)));
    }
    ASSERT_TRUE(host.converge(30, generation));
    EXPECT_EQ(host.disconnects(), before);
    network.set_link(false);
    EXPECT_FALSE(host.apply(numbered.generation(31))) << "the link is down";
    EXPECT_EQ(host.disconnects(), before + 1);
    EXPECT_FALSE(host.link().connected());
    EXPECT_EQ(differences(numbered.tree(30), read_tree(pod_.app_dir())), "");
    network.set_link(true);
    ASSERT_TRUE(host.converge(kLast, generation));
    EXPECT_EQ(differences(numbered.tree(kLast), read_tree(pod_.app_dir())), "");
}

}  // namespace
}  // namespace synchost::test
