// The part of the engine that turns batches of the watcher into generations and rebuilds.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/on_pool.hpp"
#include "base/rel_path.hpp"
#include "host/engine/below.hpp"
#include "host/engine/engine.hpp"
#include "host/engine/kept_image.hpp"
#include "host/tree/snapshot.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;

bool is_file(const fs::path& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

Result<Watcher> Engine::open_watcher() {
    std::vector<fs::path> contexts;
    for (const auto& service : services_) contexts.push_back(service->request.context);
    if (steps_) contexts.push_back(project_folder_);
    // A folder is left out when every image whose context it lies in ignores it and all below it.
    auto ignored = [this](const fs::path& root, std::string_view relative) {
        const fs::path folder = root / relative;
        for (const auto& service : services_) {
            const fs::path& context = service->request.context;
            if (context == folder || below(context.native(), folder.native())) return false;
            const auto path = below(folder.native(), context.native());
            const images::IgnoreRules& rules = service->rules.ignore;
            if (path && (!rules.excluded(*path) || rules.may_include_below(*path))) return false;
        }
        return steps_ == nullptr || is_beside_steps(folder);
    };
    return Watcher::open(io_.get_executor(), outermost_folders(std::move(contexts)), ignored);
}

boost::asio::awaitable<void> Engine::watch_contexts() {
    using namespace boost::asio::experimental::awaitable_operators;
    bool first = true;
    while (!stop_) {
        auto watcher = open_watcher();
        if (!watcher) {
            fatal_ = std::move(watcher.error());
            break;
        }
        rewatch_ = false;
        // Between two watchers events are lost: compare everything.
        if (!std::exchange(first, false)) co_await take_batch(Batch{.rescan = true}, watcher->roots());
        while (!stop_ && !rewatch_) {
            auto next = co_await (watcher->next() || reconfigured_.wait());
            if (next.index() == 1) continue;
            auto& batch = std::get<0>(next);
            if (!batch) {
                if (!stop_) fatal_ = std::move(batch.error());
                changed_.notify();
                co_return;
            }
            for (const Error& error : batch->unwatched) parts_.reporter->failure("watcher", error);
            co_await take_batch(*batch, watcher->roots());
        }
    }
    changed_.notify();
}

boost::asio::awaitable<void> Engine::take_batch(Batch batch, std::vector<fs::path> roots) {
    if (steps_) take_into_steps(batch, roots);
    // As strings: paths that are compared component by component take seconds over a hundred thousand.
    const auto whole = [&](const PathEvent& event) { return roots[event.root].native() + "/" + event.path; };
    std::set<const Service*> settled;  // all that was touched there has been told of
    for (const auto& service : services_) {
        const std::string& context = service->request.context.native();
        Touched touched{.batch = batch};
        for (const PathEvent& event : batch.paths) {  // sorted below each root
            if (auto source = below(whole(event), context))
                touched.sources.insert(touched.sources.end(), *std::move(source));
        }
        for (const PathEvent& event : batch.arrived) {
            if (auto source = below(whole(event), context)) touched.arrived.push_back(*std::move(source));
        }
        if (touched.sources.empty() && !batch.rescan) continue;
        if (!co_await take_sources(*service, std::move(touched))) settled.insert(service.get());
    }
    for (const PathEvent& event : batch.paths) {
        const std::string path = whole(event);
        if (is_file(path) || std::ranges::binary_search(batch.arrived, event)) tell_ignored(path, settled);
    }
}

// Of a file, or a folder with all that it holds: where no image has it, and nothing else is known of it.
void Engine::tell_ignored(const std::string& path, const std::set<const Service*>& settled) {
    if (k8s::is_source(path, manifest_sources_) || is_read_by_steps(path)) return;
    const Service* ignores = nullptr;
    std::string source;
    for (const auto& service : services_) {
        auto here = below(path, service->request.context.native());
        if (!here) continue;
        if (settled.contains(service.get()) || !service->mirror.image_paths_of(*here).empty()) return;
        if (ignores != nullptr || service->rules.ignore.excluded(*here)) continue;
        ignores = service.get();
        source = *std::move(here);
    }
    if (ignores == nullptr) return;
    parts_.reporter->line(Tone::faint, "ignored", ignores->name,
                          source + ": " + decide(source, {}, ignores->rules).reason);
}

boost::asio::awaitable<std::optional<Engine::RebuildCause>> Engine::find_rebuild(const Service& service,
                                                                                 const Touched& touched) {
    for (const std::string& source : touched.sources) {
        if (auto decision = why_rebuild(source, service.rules))
            co_return RebuildCause{source, *std::move(decision)};
    }
    for (const std::string& folder : touched.arrived) {
        if (!may_rebuild_below(folder, service.rules)) continue;
        const auto found = co_await on_pool(pool_, [&]() -> Result<std::optional<RebuildCause>> {
            const images::IgnoreRules& ignore = service.rules.ignore;
            TRY_ASSIGN(const Snapshot all,
                       take_snapshot(service.request.context / folder, [&](std::string_view relative) {
                           const std::string source = folder + "/" + std::string(relative);
                           return ignore.excluded(source) && !ignore.may_include_below(source);
                       }));
            for (const SnapshotEntry& entry : all.entries) {
                std::string source = folder + "/" + entry.path;
                if (auto decision = why_rebuild(source, service.rules))
                    return RebuildCause{std::move(source), *std::move(decision)};
            }
            return std::nullopt;
        });
        if (found && *found) co_return *found;  // a folder that is gone again tells so by its own event
    }
    co_return std::nullopt;
}

// What a RUN may have read is not in the mirror: its contents are compared as a whole.
boost::asio::awaitable<bool> Engine::inputs_differ(const Service& service) {
    if (service.rules.baked.empty()) co_return false;
    const auto inputs = co_await on_pool(pool_, [&]() -> Result<Xxh3> {
        TRY_ASSIGN(const Survey tree, survey(service.request));
        return rebuild_inputs(service, tree.nodes, tree.baked_files);
    });
    co_return !inputs || *inputs != service.inputs;
}

// False where all of it was told of: it rebuilds, or could not be read.
boost::asio::awaitable<bool> Engine::take_sources(Service& service, Touched touched) {
    auto guard = std::optional(co_await service.lock.acquire());
    SourceSet& sources = touched.sources;
    if (!service.built) {
        if (service.build_failed && !service.building) {
            parts_.reporter->line(Tone::plain, "rebuild", service.name,
                                  listed({sources.begin(), sources.end()}) + ": the last build had failed");
            want_build(service);
        }
        service.touched_during_build.merge(sources);
        co_return false;
    }
    auto rebuild_for = [&](const RebuildCause& cause) {
        parts_.reporter->line(Tone::plain, "rebuild", service.name,
                              cause.source + ": " + cause.decision.reason);
        service.touched_during_build.insert(sources.begin(), sources.end());
        rewatch_ = rewatch_ || std::ranges::find(service.rules.ignore_files, cause.source) !=
                                   service.rules.ignore_files.end();
        want_build(service);
    };
    if (const auto cause = co_await find_rebuild(service, touched)) {
        if (!is_manual(service)) {
            rebuild_for(*cause);
            co_return false;
        }
        hold_rebuild(service, *cause, sources);
    }

    if (touched.batch.rescan && !is_manual(service) && co_await inputs_differ(service)) {
        rebuild_for(
            {"the tree", {Action::rebuild, "events were lost, and files that a RUN may have read differ"}});
        co_return false;
    }

    service.mirror.learn(service.contents->take_notes());
    auto examined = co_await on_pool(pool_, [&] {
        const Look look(*service.index, service.contents.get());
        return touched.batch.rescan ? examine_all(service.request, service.mirror, look)
                                    : examine(sources, service.request, service.mirror, look);
    });
    if (!examined) {
        // While the Dockerfile is broken, which was told, the next build that succeeds looks at these again.
        service.touched_during_build.merge(sources);
        if (!service.build_failed) parts_.reporter->failure(service.name, examined.error());
        co_return false;
    }
    const std::vector<std::string> changed = sources_of(*examined, service.mirror);
    for (const std::string& source : changed) {
        auto decision = why_rebuild(source, service.rules);
        if (!decision || is_manual(service)) continue;
        sources.insert(changed.begin(), changed.end());
        rebuild_for({source, *std::move(decision)});
        co_return false;
    }
    if (service.building) {
        // The Dockerfile that is built may bake what the one before did not use.
        service.touched_during_build.insert(sources.begin(), sources.end());
        service.touched_during_build.insert(changed.begin(), changed.end());
    }
    if (const auto generation = service.mirror.advance(*std::move(examined))) {
        service.remember_after(*generation, plan_after(service.after_rules, changed));
        announce(service, changed, touched.batch);
        notify_sessions(service);
    }
    // The sessions go first: what is left is for the report.
    guard.reset();
    co_await boost::asio::post(io_, boost::asio::use_awaitable);
    co_return true;
}

bool Engine::is_manual(const Service& service) const {
    return std::ranges::any_of(rollout_.workloads(), [&](const Workload& workload) {
        return workload.service.trigger == Trigger::manual &&
               std::ranges::find(workload.images, service.name) != workload.images.end();
    });
}

void Engine::hold_rebuild(Service& service, const RebuildCause& cause, SourceSet& sources) {
    parts_.reporter->line(
        Tone::plain, "held", service.name,
        cause.source + ": " + cause.decision.reason + "; to build it: synchost trigger " + service.name);
    std::erase_if(sources,
                  [&](const std::string& source) { return why_rebuild(source, service.rules).has_value(); });
}

void Engine::announce(Service& service, const std::vector<std::string>& sources, const Batch& batch) {
    Pending& pending = pending_[{&service, service.mirror.generation()}];
    pending.sources = listed(sources);
    pending.is_large = sources.size() > kManyPaths;
    pending.seen = Clock::now();
    pending.first_event = batch.rescan ? pending.seen : batch.first_event;
    if (containers_of(service) == 0) {
        parts_.reporter->line(Tone::plain, "saved", service.name,
                              pending.sources + ": no pod is there yet; it gets this before it starts");
    }
}

void Engine::on_outcome(const SyncOutcome& outcome) {
    const Service& service = *outcome.service;
    const std::string container = outcome.pod + "/" + outcome.container;
    if (!outcome.applied) {
        parts_.reporter->failure(service.name, Error(outcome.applied.error()).context(container));
        return;
    }
    for (auto& [key, pending] : pending_) {
        if (key.first != &service || key.second > outcome.generation) continue;
        pending.done.insert(container);
        pending.applied = std::max(pending.applied, outcome.finished - outcome.applied->restarted);
        pending.slowest_restart = std::max(pending.slowest_restart, outcome.applied->restarted);
    }
    settle(service);
}

void Engine::settle(const Service& service) {
    std::set<std::string> containers;
    for (const auto& session : sessions_) session->add_containers_of(service, containers);
    if (containers.empty()) return;
    bool was_large = false;
    std::erase_if(pending_, [&](const auto& item) {
        const auto& [key, pending] = item;
        if (key.first != &service || !std::ranges::includes(pending.done, containers)) return false;
        was_large = was_large || pending.is_large;
        const auto total = pending.applied - pending.first_event;
        const auto seen = pending.seen - pending.first_event;
        std::string text = fmt::format("{} -> {} in {} (seen {}, sent and applied {})", pending.sources,
                                       counted(containers.size(), "container"), human(total), human(seen),
                                       human(total - seen));
        if (pending.slowest_restart.count() > 0) text += ", restarted in " + human(pending.slowest_restart);
        parts_.reporter->line(Tone::good, "synced", service.name, text);
        return true;
    });
    if (was_large && !std::exchange(gives_back_, true)) spawn(give_back_memory(), "giving back memory");
}

// Once the paths, changes and frames of a large generation are gone; another one that follows at once would
// fault all of it in again.
boost::asio::awaitable<void> Engine::give_back_memory() {
    constexpr std::chrono::seconds kRest{2};
    co_await stopping_.wait_until(Clock::now() + kRest);
    gives_back_ = false;
    for (const auto& service : services_) {
        const auto guard = co_await service->lock.acquire();
        if (service->built && !stop_) service->mirror.learn(service->contents->take_notes());
    }
    if (!stop_) boost::asio::post(pool_, [] { ::malloc_trim(0); });
}

std::size_t Engine::containers_of(const Service& service) const {
    std::size_t count = 0;
    for (const auto& session : sessions_) count += session->count_of(service);
    return count;
}

void Engine::notify_sessions(const Service& service) {
    for (const auto& session : sessions_) {
        if (session->count_of(service) > 0) session->notify();
    }
}

}  // namespace synchost::host
