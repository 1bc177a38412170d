// The part of the engine that runs the steps of this machine (host/steps) before builds and after saves.
#include "host/steps/step_runner.hpp"

#include <algorithm>
#include <utility>

#include "base/rel_path.hpp"
#include "host/engine/below.hpp"
#include "host/engine/engine.hpp"
#include "host/steps/step_graph.hpp"
#include "host/steps/step_memory.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

std::string words_of(const StepConfig& step) {
    std::string out;
    for (const std::string& word : step.argv) out += (out.empty() ? "" : " ") + word;
    return out;
}

}  // namespace

Result<> Engine::open_steps() {
    if (parts_.config.steps.empty()) return {};
    Reporter* reporter = parts_.reporter;
    StepEvents events{
        .started =
            [reporter](const StepConfig& step) {
                reporter->line(Tone::plain, "step", step.name, words_of(step));
            },
        .line =
            [reporter](const StepConfig& step, std::string_view line) {
                reporter->log_line(step.name, "step " + step.name, line, false);
            },
        .ended =
            [reporter](const StepConfig& step, const Result<>& how, auto took) {
                if (!how) return reporter->failure(step.name, how.error());
                const bool stays = step.kind == StepKind::serve;
                reporter->line(Tone::good, stays ? "serves" : "done", step.name, "after " + human(took));
            },
        .died = [reporter](const StepConfig& step, const Error& why) { reporter->failure(step.name, why); }};
    std::error_code why;
    project_folder_ = fs::canonical(parts_.config.file.parent_path(), why);
    if (why) return fail_errno(printable(parts_.config.file.parent_path().native()), why.value());
    TRY_ASSIGN(auto runner, StepRunner::open(io_.get_executor(), pool_,
                                             {.folder = project_folder_,
                                              .memory = parts_.state / kStepMemoryFile,
                                              .steps = parts_.config.steps},
                                             std::move(events)));
    steps_ = std::move(runner);
    return {};
}

// Until the commands are done and what serves is ready.
boost::asio::awaitable<Result<>> Engine::finish_steps() {
    const auto running = steps_;
    if (!running) co_return Result<>{};
    co_return co_await running->run();
}

boost::asio::awaitable<void> Engine::stop_steps() {
    if (const auto running = std::exchange(steps_, nullptr)) co_await running->stop();
}

// Nothing below may be an input of a step.
bool Engine::is_beside_steps(const fs::path& folder) const {
    const auto path = below(folder.native(), project_folder_.native());
    return std::ranges::none_of(parts_.config.steps, [&](const StepConfig& step) {
        return (path && may_hold_inputs(step, *path)) || below(project_folder_.native(), folder.native()) ||
               folder == project_folder_;
    });
}

bool Engine::is_read_by_steps(const std::string& path) const {
    const auto here = below(path, project_folder_.native());
    return here && std::ranges::any_of(parts_.config.steps,
                                       [&](const StepConfig& step) { return is_input(step, *here); });
}

// Begins what the batch makes necessary, and takes out of it what a step has yet to write whole.
void Engine::take_into_steps(Batch& batch, const std::vector<fs::path>& roots) {
    std::vector<std::string> saved;
    const auto here = [&](const PathEvent& event) {
        return below(roots[event.root].native() + "/" + event.path, project_folder_.native());
    };
    for (const PathEvent& event : batch.paths) {
        if (auto path = here(event)) saved.push_back(*std::move(path));
    }
    if (batch.rescan ? steps_->saved_anything() : steps_->saved(saved))
        spawn(run_steps(), "the steps of synchost.yaml");
    const auto is_held = [&](const PathEvent& event) {
        const auto path = here(event);
        return path && steps_->holds(*path);
    };
    for (const PathEvent& event : batch.paths) {
        if (is_held(event)) held_saves_.insert(*here(event));
    }
    std::erase_if(batch.paths, is_held);
    std::erase_if(batch.arrived, is_held);
}

boost::asio::awaitable<void> Engine::run_steps() {
    const auto running = steps_;
    static_cast<void>(co_await running->run());  // a failure was told by its event
    if (stop_ || running != steps_) co_return;
    Batch batch;
    batch.first_event = std::chrono::steady_clock::now();
    std::erase_if(held_saves_, [&](const std::string& path) {
        if (steps_->holds(path)) return false;
        batch.paths.push_back({0, path});
        return true;
    });
    if (!batch.paths.empty()) co_await take_batch(std::move(batch), {project_folder_});
}

}  // namespace synchost::host
