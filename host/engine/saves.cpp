// The part of the engine that turns batches of the watcher into generations and rebuilds.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <unordered_set>
#include <utility>

#include "base/on_pool.hpp"
#include "base/rel_path.hpp"
#include "host/engine/engine.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;

constexpr std::size_t kManyPaths = 10'000;  // of which memory is worth giving back

// The part of the path below the folder `top`, or nothing where it does not lie there.
std::optional<std::string> below(const std::string& whole, const std::string& top) {
    if (whole.size() <= top.size() + 1 || !whole.starts_with(top) || whole[top.size()] != '/')
        return std::nullopt;
    return whole.substr(top.size() + 1);
}

bool is_file(const fs::path& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

Result<Watcher> Engine::open_watcher() {
    std::vector<fs::path> contexts;
    for (const auto& service : services_) contexts.push_back(service->request.context);
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
        return true;
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
            auto next = co_await (watcher->next() || stopping_.wait());
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

boost::asio::awaitable<void> Engine::watch_manifests() {
    using namespace boost::asio::experimental::awaitable_operators;
    while (!stop_) {
        // What a kustomization names may change with every save of it.
        const std::vector<k8s::SourceFolder> sources = manifest_sources_;
        std::vector<fs::path> folders;
        for (const k8s::SourceFolder& source : sources) folders.push_back(source.folder);
        auto watcher = Watcher::open(io_.get_executor(), outermost_folders(std::move(folders)),
                                     [&](const fs::path& root, std::string_view below_root) {
                                         return k8s::is_beside(root / below_root, sources);
                                     });
        if (!watcher) {
            parts_.reporter->failure("manifests", watcher.error());
            co_return;
        }
        auto is_ours = [&](const Batch& batch) {
            return batch.rescan || std::ranges::any_of(batch.paths, [&](const PathEvent& event) {
                       return k8s::is_source(watcher->roots()[event.root] / event.path, sources);
                   });
        };
        while (!stop_ && manifest_sources_ == sources) {
            auto next = co_await (watcher->next() || stopping_.wait());
            if (next.index() == 1) continue;
            const auto& batch = std::get<0>(next);
            if (!batch) co_return;
            if (is_ours(*batch)) co_await take_manifests();
        }
    }
}

boost::asio::awaitable<void> Engine::take_manifests() {
    manifest_sources_ = k8s::source_folders(parts_.config.manifests);
    if (sessions_.empty()) co_return;
    auto loaded = co_await load_manifests();
    if (!loaded) {
        parts_.reporter->failure("manifests", loaded.error());
        co_return;
    }
    manifests_ = *std::move(loaded);
    parts_.reporter->line(Tone::plain, "deploy", parts_.config.name, "a manifest was saved");
    if (auto deployed = co_await deploy(); !deployed) parts_.reporter->failure("deploy", deployed.error());
}

boost::asio::awaitable<void> Engine::take_batch(const Batch& batch, const std::vector<fs::path>& roots) {
    // As strings: paths that are compared component by component take seconds over a hundred thousand.
    std::unordered_set<std::string> used;
    std::set<std::string> touched;
    for (const PathEvent& event : batch.paths)  // sorted below each root
        touched.insert(touched.end(), roots[event.root].native() + "/" + event.path);
    for (const auto& service : services_) {
        const std::string& context = service->request.context.native();
        SourceSet sources;
        for (const std::string& path : touched) {
            if (auto source = below(path, context)) sources.insert(sources.end(), *std::move(source));
        }
        if (sources.empty() && !batch.rescan) continue;
        for (const std::string& source : co_await take_sources(*service, std::move(sources), batch)) {
            used.insert(context + "/" + source);
        }
    }
    for (const std::string& path : touched) {
        if (used.contains(path) || !is_file(path) || k8s::is_source(path, manifest_sources_)) continue;
        for (const auto& service : services_) {
            const auto source = below(path, service->request.context.native());
            if (!source || service->rules.ignore.excluded(*source)) continue;
            parts_.reporter->line(Tone::faint, "ignored", service->name,
                                  *source + ": " + decide(*source, {}, service->rules).reason);
            break;
        }
    }
}

boost::asio::awaitable<Engine::SourceSet> Engine::take_sources(Service& service, SourceSet sources,
                                                               const Batch& batch) {
    auto guard = std::optional(co_await service.lock.acquire());
    if (!service.built) {
        service.touched_during_build.insert(sources.begin(), sources.end());
        co_return sources;
    }
    auto rebuild_for = [&](const std::string& source, const Decision& decision) {
        parts_.reporter->line(Tone::plain, "rebuild", service.name, source + ": " + decision.reason);
        service.touched_during_build.insert(sources.begin(), sources.end());
        spawn(rebuild(service), "the rebuild of " + service.name);
    };
    for (const std::string& source : sources) {
        const Decision decision = decide(source, {}, service.rules);
        if (decision.action != Action::rebuild) continue;
        rewatch_ = rewatch_ ||
                   std::ranges::find(service.rules.ignore_files, source) != service.rules.ignore_files.end();
        rebuild_for(source, decision);
        co_return sources;
    }

    service.mirror.learn(service.contents->take_notes());
    auto examined = co_await on_pool(pool_, [&] {
        const Look look(*service.index, service.contents.get());
        return batch.rescan ? examine_all(service.request, service.mirror, look)
                            : examine(sources, service.request, service.mirror, look);
    });
    if (!examined) {
        // While the Dockerfile is broken, which was told, the next build that succeeds looks at these again.
        service.touched_during_build.insert(sources.begin(), sources.end());
        if (!service.build_failed) parts_.reporter->failure(service.name, examined.error());
        co_return sources;
    }
    TreeUpdate update = *std::move(examined);
    const SourceSet changed = sources_of(update, service.mirror);
    for (const std::string& source : changed) {
        const Decision decision = decide(source, {source}, service.rules);
        if (decision.action != Action::rebuild) continue;
        sources.insert(changed.begin(), changed.end());
        rebuild_for(source, decision);
        co_return sources;
    }
    if (service.building) service.touched_during_build.insert(changed.begin(), changed.end());
    for (const auto& [image_path, node] : update.refreshed) sources.insert(node.source);
    if (const auto generation = service.mirror.advance(std::move(update))) {
        service.remember_after(*generation, plan_after(service.after_rules, changed));
        announce(service, changed, batch);
        notify_sessions(service);
    }
    // The sessions go first: what is left is for the report.
    guard.reset();
    co_await boost::asio::post(io_, boost::asio::use_awaitable);
    std::erase_if(sources,
                  [&](const std::string& source) { return service.mirror.image_paths_of(source).empty(); });
    sources.insert(changed.begin(), changed.end());
    co_return sources;
}

void Engine::announce(Service& service, const SourceSet& sources, const Batch& batch) {
    Pending& pending = pending_[{&service, service.mirror.generation()}];
    pending.sources.assign(sources.begin(), sources.end());
    pending.seen = Clock::now();
    pending.first_event = batch.rescan ? pending.seen : batch.first_event;
    if (containers_of(service) == 0) {
        parts_.reporter->line(
            Tone::plain, "saved", service.name,
            listed(pending.sources) + ": no pod is there yet; it gets this before it starts");
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
        was_large = was_large || pending.sources.size() > kManyPaths;
        const auto total = pending.applied - pending.first_event;
        const auto seen = pending.seen - pending.first_event;
        std::string text = fmt::format("{} -> {} in {} (seen {}, sent and applied {})",
                                       listed(pending.sources), counted(containers.size(), "container"),
                                       human(total), human(seen), human(total - seen));
        if (pending.slowest_restart.count() > 0) text += ", restarted in " + human(pending.slowest_restart);
        parts_.reporter->line(Tone::good, "synced", service.name, text);
        return true;
    });
    // Paths, changes and frames of all of them are gone by now.
    if (was_large) boost::asio::post(pool_, [] { ::malloc_trim(0); });
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
