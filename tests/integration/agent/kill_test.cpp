// Agents that are killed at any moment: what they left is one whole generation, and the pod's own copy
// another.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <ctime>
#include <map>
#include <thread>

#include "agent/apply/kept_log.hpp"
#include "base/file.hpp"
#include "support/result_matchers.hpp"
#include "support/simple_host.hpp"
#include "support/torture.hpp"
#include "support/tree_edits.hpp"

namespace synchost::test {
namespace {

using namespace protocol;

// Kills a process some time after a file appeared, or after as long as it takes.
class Killer {
  public:
    Killer(pid_t pid, std::filesystem::path file, std::chrono::microseconds after) {
        thread_ = std::jthread([pid, file = std::move(file), after](const std::stop_token& stop) {
            struct stat info{};
            while (!file.empty() && ::stat(file.c_str(), &info) != 0) {
                if (stop.stop_requested()) return;
            }
            const auto until = std::chrono::steady_clock::now() + after;
            while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
            ::kill(pid, SIGKILL);
        });
    }

  private:
    std::jthread thread_;
};

class Kill : public TortureTest {
  protected:
    Kill() : edits_(seed(), {.entries = 150, .file_bytes = 60'000}) {}

    // The generation after `number`; the same whenever it is asked for.
    const Generation& generation_after(std::uint64_t number) {
        if (const auto made = generations_.find(number + 1); made != generations_.end()) return made->second;
        Tree tree = trees_.at(number);
        do {
            for (std::uint32_t left = 5 + edits_.random()() % 25; left > 0; --left) edits_.edit(tree);
        } while (tree.size() < 2);
        Generation generation = generation_between(trees_.at(number), tree, GenerationId{number + 1},
                                                   pod_.root(), edits_.random());
        TreeEdits::settle(tree);
        trees_.emplace(number + 1, std::move(tree));
        return generations_.emplace(number + 1, std::move(generation)).first->second;
    }

    // Sends generations until one has no outcome. The number of the last that was acknowledged.
    std::optional<std::uint64_t> send_until_killed(SimpleHost& host, std::uint64_t from) {
        for (;; ++from) {
            if (HasFailure()) return std::nullopt;
            if (!host.apply(generation_after(from))) return from;
        }
    }

    // The container's report, which must be `acknowledged` or the one that was on its way, and the files must
    // be exactly those.
    std::optional<std::uint64_t> check_report(SimpleHost& host, std::uint64_t acknowledged) {
        const auto reported = host.reported();
        if (!reported) return std::nullopt;
        const std::uint64_t number = std::to_underlying(*reported);
        EXPECT_GE(number, acknowledged);
        EXPECT_LE(number, acknowledged + 1);
        if (HasFailure()) return std::nullopt;
        const Tree found = read_tree(pod_.app_dir());
        std::string differs = differences(trees_.at(number), found);
        // One rename has no journal: it is done before its number is written.
        if (!differs.empty() && number == acknowledged && generation_after(number).changes.size() == 1)
            differs = differences(trees_.at(number + 1), found);
        EXPECT_EQ(differs, "") << "reported " << number << ", acknowledged " << acknowledged;
        carried_ += number > acknowledged ? 1 : 0;
        return HasFailure() ? std::nullopt : std::optional(number);
    }

    void start_fresh_layer();
    std::optional<std::uint64_t> kept_generation() const {
        const auto kept = agent::KeptLog(pod_.containers_dir() / name() / "kept", {pod_.root()}).generation();
        return kept ? std::optional(std::to_underlying(*kept)) : std::nullopt;
    }

    TreeEdits edits_;
    std::map<std::uint64_t, Tree> trees_ = {{0, {}}};
    std::map<std::uint64_t, Generation> generations_;
    std::uint64_t carried_ = 0;
};

TEST_F(Kill, ASupervisorThatIsKilledAnywhereLeavesOneWholeGeneration) {
    constexpr int kKills = 80;
    pod_.start_sidecar({name()});
    BackgroundProcess* supervisor = &start_supervisor();
    SimpleHost host(pod_, name(), host::UnixAddress{pod_.host_socket()});
    ASSERT_EQ(host.reported(), GenerationId{0});
    const std::filesystem::path journal = staging_area() / "journal";
    std::uint64_t number = 0;
    for (int kill = 0; kill < kKills; ++kill) {
        // Two of three while it publishes, one of three anywhere.
        const bool publishes = kill % 3 != 0;
        const std::chrono::microseconds after(edits_.random()() % (publishes ? 1'500 : 30'000));
        const Killer killer(supervisor->pid(), publishes ? journal : std::filesystem::path(), after);
        const auto acknowledged = send_until_killed(host, number);
        ASSERT_TRUE(acknowledged);
        supervisor = &start_supervisor();
        const auto left = check_report(host, *acknowledged);
        ASSERT_TRUE(left) << "kill " << kill;
        number = *left;
    }
    ASSERT_TRUE(host.converge(number + 5, [&](std::uint64_t next) { return generation_after(next - 1); }));
    EXPECT_EQ(differences(trees_.at(number + 5), read_tree(pod_.app_dir())), "");
    const std::string log = content_of(pod_.log_of(name()));
    int resumed = 0;
    for (std::size_t at = 0; (at = log.find("carrying it through", at)) != std::string::npos; ++at) ++resumed;
    EXPECT_GE(resumed, 5);
    EXPECT_FALSE(log.contains("could not recover")) << log;
    std::printf("%d kills in %llu generations; %d were carried through, %llu were in place unacknowledged\n",
                kKills, static_cast<unsigned long long>(number), resumed,
                static_cast<unsigned long long>(carried_));
}

TEST_F(Kill, ASidecarThatIsKilledAnywhereTearsNothing) {
    constexpr int kKills = 40;
    BackgroundProcess* sidecar = &pod_.start_sidecar({name()});
    start_supervisor();
    SimpleHost host(pod_, name(), host::UnixAddress{pod_.host_socket()});
    ASSERT_EQ(host.reported(), GenerationId{0});
    std::uint64_t number = 0;
    for (int kill = 0; kill < kKills; ++kill) {
        const Killer killer(sidecar->pid(), {}, std::chrono::microseconds(edits_.random()() % 30'000));
        const auto acknowledged = send_until_killed(host, number);
        ASSERT_TRUE(acknowledged);
        sidecar = &pod_.start_sidecar({name()});
        const auto left = check_report(host, *acknowledged);
        ASSERT_TRUE(left) << "kill " << kill;
        number = *left;
    }
    EXPECT_GE(host.disconnects(), static_cast<std::uint64_t>(kKills));
    std::printf("%d kills in %llu generations; %llu were in place unacknowledged\n", kKills,
                static_cast<unsigned long long>(number), static_cast<unsigned long long>(carried_));
}

// What Kubernetes does to a container that is restarted: the image's files, and nothing of what was written
// since but the pod's volume.
void Kill::start_fresh_layer() {
    std::filesystem::remove_all(staging_area());
    std::filesystem::remove_all(pod_.app_dir());
    std::filesystem::create_directory(pod_.app_dir());
    Tree image = trees_.at(0);
    for (const auto& [path, node] : image) {
        const auto file = pod_.app_dir() / path;
        if (node.kind == ChangeKind::make_folder) {
            std::filesystem::create_directory(file);
        } else if (node.kind == ChangeKind::put_symlink) {
            std::filesystem::create_symlink(node.target, file);
        } else {
            const auto made = open_file(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
            ASSERT_OK(made);
            ASSERT_OK(write_all(made->get(), *node.bytes));
        }
        if (node.kind != ChangeKind::put_symlink) ::chmod(file.c_str(), node.mode);
    }
}

TEST_F(Kill, TheKeptCopyRestoresOneWholeGenerationBeforeTheAppStarts) {
    constexpr int kRounds = 20;
    Tree image;
    for (int i = 0; i < 200; ++i) edits_.edit(image);
    TreeEdits::settle(image);
    trees_ = {{0, image}};
    start_fresh_layer();
    pod_.start_sidecar({name()});
    BackgroundProcess* supervisor = &start_supervisor();
    std::uint64_t number = 0;
    std::map<std::uint64_t, int> lags;
    int without_number = 0;
    for (int round = 0; round < kRounds; ++round) {
        // A burst; in some rounds the copy may end before the kill, and in some the container is killed in
        // the midst of it and started again with its files: what the copy lacks then it must not hide.
        std::optional<SimpleHost> host(std::in_place, pod_, name(), host::UnixAddress{pod_.host_socket()});
        const std::uint64_t last = number + 2 + edits_.random()() % 12;
        const auto generation = [&](std::uint64_t next) { return generation_after(next - 1); };
        const bool is_killed_before = round % 5 == 4;
        if (is_killed_before) {
            ASSERT_TRUE(host->converge(number + 1, generation));
            ::kill(supervisor->pid(), SIGKILL);
            ASSERT_EQ(exit_code_of(*supervisor), 128 + SIGKILL);
            ASSERT_FALSE(host->apply(generation_after(number + 1)));
            supervisor = &start_supervisor();
            ASSERT_EQ(host->reported(), GenerationId{number + 1});
        }
        ASSERT_TRUE(host->converge(last, generation));
        const bool waits = is_killed_before || round % 3 == 0;
        if (waits) {
            ASSERT_TRUE(eventually([&] {
                const auto kept = kept_generation();
                return kept == last || (is_killed_before && kept == 0);
            })) << content_of(pod_.log_of(name()));
        }
        host.reset();
        {
            const Killer killer(supervisor->pid(), {},
                                std::chrono::microseconds(waits ? 0 : edits_.random()() % 80'000));
        }
        ASSERT_EQ(exit_code_of(*supervisor), 128 + SIGKILL);
        const auto kept = kept_generation();
        if (waits && !is_killed_before) ASSERT_EQ(kept, last);
        start_fresh_layer();
        if (round % 2 == 1) {
            // Killed while it restores, and the container is made anew once more.
            supervisor = &start_supervisor();
            {
                const Killer restoring(supervisor->pid(), {},
                                       std::chrono::microseconds(edits_.random()() % 25'000));
            }
            ASSERT_EQ(exit_code_of(*supervisor), 128 + SIGKILL);
            start_fresh_layer();
        }
        // The process itself tells what it found.
        const auto seen = pod_.dir() / "seen";
        std::filesystem::remove_all(seen);
        supervisor = &pod_.start_supervisor(name(), {"--gate", "0"},
                                            {"sh", "-c", "cp -a \"$0\" \"$1.new\" && mv \"$1.new\" \"$1\"",
                                             pod_.app_dir().native(), seen.native()});
        ASSERT_TRUE(eventually([&] { return std::filesystem::exists(seen); }))
            << content_of(pod_.log_of(name()));
        ASSERT_EQ(differences(trees_.at(kept.value_or(0)), read_tree(seen)), "")
            << content_of(pod_.log_of(name())) << "round " << round << ", kept " << kept.value_or(0) << " of "
            << last;
        ++lags[last - kept.value_or(0)];
        without_number += kept.value_or(0) == 0 ? 1 : 0;
        SimpleHost again(pod_, name(), host::UnixAddress{pod_.host_socket()});
        ASSERT_EQ(again.reported(), GenerationId{kept.value_or(0)});
        number = kept.value_or(0);
    }
    EXPECT_GE(without_number, 1);
    for (const auto& [lag, times] : lags)
        std::printf("%d times the copy was %llu generations behind\n", times,
                    static_cast<unsigned long long>(lag));
}

}  // namespace
}  // namespace synchost::test
