// The part of the engine that turns batches of the watcher into generations and rebuilds.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <iterator>
#include <utility>

#include "base/on_pool.hpp"
#include "base/rel_path.hpp"
#include "base/timestamp.hpp"
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

// Those that are there, or were: not what an editor makes and removes within a save.
std::vector<std::string> lasting_sources(const Service& service, const std::set<std::string>& sources) {
    std::vector<std::string> out;
    std::ranges::copy_if(sources, std::back_inserter(out), [&](const std::string& source) {
        return !service.mirror.image_paths_of(source).empty() || is_file(service.request.context / source);
    });
    return out;
}

// More of them are not kept by the log either.
void keep_last(std::vector<std::uint64_t>& ids, std::uint64_t id) {
    ids.push_back(id);
    if (ids.size() > ChangeLog::kPerImage) ids.erase(ids.begin());
}

// The first image paths of an update of so many that the mirror does not keep them one by one.
std::vector<std::string> unlogged_paths(const TreeUpdate& update) {
    std::vector<std::string> out;
    if (update.put.size() + update.removed.size() <= kManyPaths) return out;
    for (const auto& [path, node] : update.put) {
        if (out.size() == kMaxChangePaths) break;
        out.push_back(path);
    }
    for (const std::string& path : update.removed) {
        if (out.size() == kMaxChangePaths) break;
        out.push_back(path);
    }
    return out;
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
    for (Service* service : services_now()) {
        if (service->retired) continue;
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
        if (!co_await take_sources(*service, std::move(touched))) settled.insert(service);
    }
    IgnoredSaves ignored;
    for (const PathEvent& event : batch.paths) {
        const std::string path = whole(event);
        if (is_file(path) || std::ranges::binary_search(batch.arrived, event))
            tell_ignored(path, settled, batch, ignored);
    }
    for (auto& [service, change] : ignored) add_change(std::move(change));
}

std::vector<Service*> Engine::services_now() const {
    std::vector<Service*> out;
    for (const auto& service : services_) out.push_back(service.get());
    return out;
}

// Of a file, or a folder with all that it holds: where no image has it, and nothing else is known of it.
void Engine::tell_ignored(const std::string& path, const std::set<const Service*>& settled,
                          const Batch& batch, IgnoredSaves& ignored) {
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
    std::string reason = decide(source, {}, ignores->rules).reason;
    parts_.reporter->line(Tone::faint, "ignored", ignores->name, source + ": " + reason);
    const auto [found, is_first] = ignored.try_emplace(ignores);
    ChangeRecord& change = found->second;
    if (is_first) {
        change = new_change(*ignores, SaveKind::ignored, batch.first_event);
        change.outcome = SaveOutcome::done;
        change.reason = std::move(reason);
    }
    ++change.source_count;
    if (change.sources.size() < kMaxChangePaths) change.sources.push_back(std::move(source));
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
boost::asio::awaitable<bool> Engine::inputs_differ(const Service& service, const Touched& touched) {
    if (!touched.batch.rescan || (service.rules.baked.empty() && !touched.waited)) co_return false;
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
    if (waits(service) && (service.built || service.build_failed)) {
        hold_saves(service, touched);
        co_return false;
    }
    if (!service.built) {
        if (service.build_failed && !service.building) {
            const std::vector<std::string> all = lasting_sources(service, sources);
            parts_.reporter->line(Tone::plain, "rebuild", service.name,
                                  (all.empty() ? "the tree" : listed(all)) + ": the last build had failed");
            note_rebuild(service, all, "the last build had failed", touched.batch.first_event);
            want_build(service);
        }
        service.touched_during_build.merge(sources);
        co_return false;
    }
    auto rebuild_for = [&](const RebuildCause& cause) {
        parts_.reporter->line(Tone::plain, "rebuild", service.name,
                              cause.source + ": " + cause.decision.reason);
        std::vector<std::string> all = {cause.source};
        std::ranges::copy_if(lasting_sources(service, sources), std::back_inserter(all),
                             [&](const std::string& source) { return source != cause.source; });
        note_rebuild(service, all, cause.decision.reason,
                     touched.batch.rescan ? std::nullopt : std::optional(touched.batch.first_event));
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
        hold_rebuild(service, *cause, sources, touched.batch);
    }

    if (co_await inputs_differ(service, touched)) {
        const RebuildCause cause{
            "the tree",
            {Action::rebuild, touched.waited ? "files that need another image were saved meanwhile"
                                             : "events were lost, and files that a RUN may have "
                                               "read differ"}};
        if (!is_manual(service)) {
            rebuild_for(cause);
            co_return false;
        }
        if (touched.waited) hold_rebuild(service, cause, sources, touched.batch);
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
    const std::size_t file_count = examined->put.size() + examined->removed.size();
    std::vector<std::string> files = unlogged_paths(*examined);
    const auto generation = service.mirror.advance(*std::move(examined));
    std::uint64_t change = 0;
    if (generation) {
        service.remember_after(*generation, plan_after(service.after_rules, changed));
        change = announce(service, changed, touched.batch);
        notify_sessions(service);
    }
    // The sessions go first: what is left is for the report.
    guard.reset();
    co_await boost::asio::post(io_, boost::asio::use_awaitable);
    if (generation) describe_sync(service, *generation, change, changed, std::move(files), file_count);
    co_return true;
}

void Engine::hold_saves(Service& service, const Touched& touched) {
    const bool is_rescan = touched.batch.rescan;
    ChangeRecord change =
        new_change(service, SaveKind::held, is_rescan ? Clock::now() : touched.batch.first_event);
    change.reason = "it is paused or stopped";
    change.sources = lasting_sources(service, touched.sources);
    change.source_count = change.sources.size();
    if (change.sources.empty() && !is_rescan) return;
    change.sources.resize(std::min(change.sources.size(), kMaxChangePaths));
    change.next_step = "synchost resume or synchost start " + service.name;
    parts_.reporter->line(Tone::faint, "held", service.name,
                          (is_rescan ? "the tree" : listed(change.sources)) + ": " + change.reason);
    keep_last(service.waiting_changes, add_change(std::move(change)));
}

boost::asio::awaitable<void> Engine::take_up(Service& service) {
    if (stop_ || service.retired) co_return;
    for (const std::uint64_t id : std::exchange(service.waiting_changes, {}))
        edit_change(id, [](ChangeRecord& out) { out.outcome = SaveOutcome::done; });
    const Batch everything{.rescan = true};
    (void)co_await take_sources(service, {.batch = everything, .sources = {}, .arrived = {}, .waited = true});
}

bool Engine::is_manual(const Service& service) const {
    return std::ranges::any_of(rollout_.workloads(), [&](const Workload& workload) {
        return workload.service.trigger == Trigger::manual &&
               std::ranges::find(workload.images, service.name) != workload.images.end();
    });
}

void Engine::hold_rebuild(Service& service, const RebuildCause& cause, SourceSet& sources,
                          const Batch& batch) {
    parts_.reporter->line(
        Tone::plain, "held", service.name,
        cause.source + ": " + cause.decision.reason + "; to build it: synchost trigger " + service.name);
    ChangeRecord change =
        new_change(service, SaveKind::held, batch.rescan ? Clock::now() : batch.first_event);
    change.reason = cause.decision.reason;
    change.next_step = "synchost trigger " + service.name;
    change.sources.push_back(cause.source);
    change.source_count = 1;
    std::erase_if(sources, [&](const std::string& source) {
        if (!why_rebuild(source, service.rules)) return false;
        if (source == cause.source) return true;
        ++change.source_count;
        if (change.sources.size() < kMaxChangePaths) change.sources.push_back(source);
        return true;
    });
    keep_last(service.held_changes, add_change(std::move(change)));
}

std::uint64_t Engine::announce(Service& service, const std::vector<std::string>& sources,
                               const Batch& batch) {
    Pending& pending = pending_[{&service, service.mirror.generation()}];
    pending.sources = listed(sources);
    pending.is_large = sources.size() > kManyPaths;
    pending.seen = Clock::now();
    pending.first_event = batch.rescan ? pending.seen : batch.first_event;
    const auto since = duration_cast<std::chrono::nanoseconds>(pending.seen - pending.first_event);
    pending.change = changes_.add(
        {.time_ns = now_ns() - since.count(), .image = service.name, .services = {}, .sources = {}});
    if (containers_of(service) == 0) {
        parts_.reporter->line(Tone::plain, "saved", service.name,
                              pending.sources + ": no pod is there yet; it gets this before it starts");
    }
    return pending.change;
}

void Engine::on_outcome(const SyncOutcome& outcome) {
    const Service& service = *outcome.service;
    const std::string container = outcome.pod + "/" + outcome.container;
    if (!outcome.applied) {
        parts_.reporter->failure(service.name, Error(outcome.applied.error()).context(container));
        fail_sync(outcome);
        return;
    }
    Started started{.start = outcome.start, .changes = {}};
    for (auto& [key, pending] : pending_) {
        if (key.first != &service || key.second > outcome.generation) continue;
        if (pending.done.insert(container).second) started.changes.push_back(pending.change);
        pending.slowest_restart = std::max(pending.slowest_restart, outcome.applied->restarted);
        if (outcome.applied->after) pending.after = outcome.applied->after;
        const auto applied = outcome.finished - outcome.applied->restarted;
        if (applied < pending.applied) continue;
        pending.applied = applied;
        pending.encode_time = outcome.encode_time;
        pending.apply_time = outcome.applied->staged + outcome.applied->published;
    }
    if (started.start != 0) started_.insert_or_assign(container, std::move(started));
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
        finish_sync(pending, containers.size());
        tell_serving(service, pending.change);
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
    for (Service* service : services_now()) {
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
