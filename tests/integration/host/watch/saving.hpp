// A context whose src/ is copied to /app/, watched while another thread, or another program, saves in it: the
// batches go through examine() and the mirror as in the engine, so that what counts is how many generations a
// save makes, and with what.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/subprocess.hpp"
#include "host/engine/examine.hpp"
#include "images/context/ignore.hpp"
#include "unit/host/watch/watching.hpp"

namespace synchost::host {

// Many times the usual times: a save is one generation by these rules, not by the luck of the scheduler.
inline constexpr DebounceTimes kPatient{.settled = std::chrono::milliseconds(20),
                                        .settled_per_path = std::chrono::microseconds(250),
                                        .unsure = std::chrono::milliseconds(200),
                                        .open = std::chrono::milliseconds(400),
                                        .longest = std::chrono::seconds(20),
                                        .known = std::chrono::seconds(5),
                                        .longest_known = std::chrono::seconds(60)};

class Saving : public testing::Test {
  protected:
    void begin(DebounceTimes times = kPatient) {
        tree.write("Dockerfile", "FROM scratch\nCOPY src/ /app/\n");
        tree.write(".dockerignore", ".git\n**/*~\n**/*.sw?\n**/.#*\n");
        request = {.context = tree.root(), .dockerfile = tree / "Dockerfile"};
        auto opened = FileIndex::open(tree.root());
        ASSERT_OK(opened);
        index.emplace(*std::move(opened));
        ignore = images::IgnoreRules::load(request.context, request.dockerfile).value();
        watching.emplace(
            std::vector{tree.root()},
            [this](const std::filesystem::path&, std::string_view path) { return ignore.excluded(path); },
            times);
        auto first = survey(request);
        ASSERT_OK(first);
        mirror.reset(std::move(first->nodes), std::move(first->managed_paths), std::move(first->plan));
    }
    // The generations that come of what `save` does on a thread of its own, up to half a second of silence
    // after its end.
    std::vector<TreeUpdate> generations_of(std::function<void()> save) {
        std::atomic<bool> saved = false;
        std::jthread saver([&] {
            save();
            saved = true;
        });
        std::vector<TreeUpdate> generations;
        for (bool over = false; !over;) {
            const bool was_saved = saved;
            auto batch = watching->next(std::chrono::milliseconds(500));
            if (batch) {
                take(*batch, generations);
            } else {
                EXPECT_EQ(batch.error().code, Errc::cancelled) << batch.error().message;
                over = was_saved || batch.error().code != Errc::cancelled;
            }
        }
        return generations;
    }

    test::TempTree tree;
    images::BuildRequest request;
    images::IgnoreRules ignore;
    std::optional<FileIndex> index;
    Mirror mirror;
    std::optional<Watching> watching;

  private:
    void take(const Batch& batch, std::vector<TreeUpdate>& generations) {
        EXPECT_FALSE(batch.rescan);
        std::set<std::string> sources;
        for (const PathEvent& event : batch.paths) sources.insert(event.path);
        auto update = examine(sources, request, mirror, *index);
        ASSERT_OK(update);
        if (mirror.advance(*update)) generations.push_back(*std::move(update));
    }
};

// Ends the test where the program is missing or fails.
inline void must_run(std::vector<std::string> argv, const std::filesystem::path& folder) {
    const auto done = run_command({.argv = argv,
                                   .env = {{"GIT_CONFIG_GLOBAL", "/dev/null"},
                                           {"GIT_CONFIG_NOSYSTEM", "1"},
                                           {"GIT_AUTHOR_NAME", "a"},
                                           {"GIT_AUTHOR_EMAIL", "a@b"},
                                           {"GIT_COMMITTER_NAME", "a"},
                                           {"GIT_COMMITTER_EMAIL", "a@b"},
                                           {"TERM", "dumb"}},
                                   .cwd = folder});
    if (!done) {
        ADD_FAILURE() << argv[0] << ": " << done.error().message;
    } else if (done->exit_code != 0) {
        ADD_FAILURE() << argv[0] << " exits with " << done->exit_code << ": " << done->out << done->err;
    }
}

}  // namespace synchost::host
