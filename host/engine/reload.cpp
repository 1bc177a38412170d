// The part of the engine that takes up manifests and the configuration when they are saved: what is the same
// goes on undisturbed.
#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

#include "base/on_pool.hpp"
#include "host/engine/engine.hpp"
#include "host/tree/snapshot.hpp"
#include "k8s/render.hpp"

namespace synchost::host {

namespace fs = std::filesystem;

// On the pool: a chart may take a while to render.
boost::asio::awaitable<Result<>> Engine::load_manifests() {
    const k8s::LoadOptions options = load_options(parts_.config, parts_.namespace_name);
    CO_TRY_ASSIGN(const auto all, co_await on_pool(pool_, [&] {
                      return k8s::load_manifests(parts_.config.manifests, options);
                  }));
    log_intake_.learn_secrets(secret_values(all));
    log_intake_.learn_secrets(secret_values(parts_.config));
    CO_TRY_ASSIGN(auto workloads, resolve_workloads(parts_.config, all));
    CO_TRY_ASSIGN(const auto wanted, select_workloads(workloads, parts_.only));
    std::erase_if(workloads, [&](const Workload& workload) { return !wanted.contains(workload.id); });
    manifests_ = manifests_of(all, wanted);
    facts_ = workload_facts(manifests_);
    state_times_.keep_only(workloads);
    rollout_.set(std::move(workloads));
    co_return Result<>{};
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
            auto next = co_await (watcher->next() || reconfigured_.wait());
            if (next.index() == 1) continue;
            const auto& batch = std::get<0>(next);
            if (!batch) co_return;
            if (is_ours(*batch)) co_await take_manifests("a manifest was saved");
        }
    }
}

boost::asio::awaitable<void> Engine::take_manifests(std::string why) {
    manifest_sources_ = manifest_sources(parts_.config);
    if (auto loaded = co_await load_manifests(); !loaded) {
        parts_.reporter->failure("manifests", loaded.error());
        co_return;
    }
    if (auto asked = ask_owners(); !asked) parts_.reporter->failure("manifests", asked.error());
    if (!may_deploy_) co_return;
    parts_.reporter->line(Tone::plain, "deploy", parts_.config.name, why);
    want_deployment();
}

// The manifests say which user a container has, and so whose the image's files are.
Result<> Engine::ask_owners() {
    if (parts_.mode == EngineMode::without_us) return {};
    for (const auto& service : services_) {
        TRY_ASSIGN(const auto owner, user_of_image(manifests_, service->name));
        if (owner == service->asked_owner) continue;
        service->asked_owner = owner;
        service->request.managed_owner = owner;
        parts_.reporter->line(Tone::plain, "rebuild", service->name, "the manifests give it another user");
        note_rebuild(*service, {}, "the manifests give it another user");
        want_build(*service);
    }
    return {};
}

boost::asio::awaitable<void> Engine::watch_config() {
    using namespace boost::asio::experimental::awaitable_operators;
    const fs::path& file = parts_.config.file;
    auto watcher = Watcher::open(io_.get_executor(), {file.parent_path()},
                                 [](const fs::path&, std::string_view) { return true; });
    if (!watcher) {
        parts_.reporter->failure(file.filename().native(), watcher.error());
        co_return;
    }
    while (!stop_) {
        auto next = co_await (watcher->next() || stopping_.wait());
        if (next.index() == 1) continue;
        const auto& batch = std::get<0>(next);
        if (!batch) co_return;
        const bool ours = batch->rescan || std::ranges::any_of(batch->paths, [&](const PathEvent& event) {
                              return event.path == file.filename().native();
                          });
        if (ours) co_await take_config();
    }
}

boost::asio::awaitable<void> Engine::take_config() {
    const std::string name = parts_.config.file.filename().native();
    auto loaded = co_await on_pool(pool_, [&] { return parts_.reload(); });
    if (stop_) co_return;
    if (!loaded) {
        parts_.reporter->failure(name, loaded.error());
        co_return;
    }
    Config& now = parts_.config;
    if (*loaded == now) {
        now.lines = std::move(loaded->lines);
        co_return;
    }
    const auto keep_for_later = [&](const char* key, auto& next, const auto& before) {
        if (next == before) return;
        parts_.reporter->line(Tone::warn, "note", name, std::string(key) + ": counts from the next watch on");
        next = before;
    };
    keep_for_later("name", loaded->name, now.name);
    keep_for_later("cluster", loaded->cluster, now.cluster);
    keep_for_later("registry", loaded->registry, now.registry);
    // Until here nothing has changed; what is wrong from here on leaves the old configuration in force.
    Config before = std::exchange(now, *std::move(loaded));
    if (auto fits = co_await load_manifests(); !fits) {
        parts_.reporter->failure(name, fits.error());
        now = std::move(before);
        co_return;
    }
    parts_.reporter->line(Tone::plain, "reloaded", now.name, name + " was saved");
    if (now.steps != before.steps) {
        co_await stop_steps();
        if (auto opened = open_steps(); !opened) parts_.reporter->failure(name, opened.error());
        static_cast<void>(co_await finish_steps());  // a failure was told by its event
    }
    if (auto replaced = replace_services(now); !replaced) parts_.reporter->failure(name, replaced.error());
    reconfigured_.notify();
    co_await take_manifests(name + " was saved");
}

Result<> Engine::replace_services(const Config& config) {
    std::set<std::string> used;
    for (const Workload& workload : rollout_.workloads())
        used.insert(workload.images.begin(), workload.images.end());
    std::vector<std::unique_ptr<Service>> made;
    for (const ImageConfig& image : config.images) {
        // With --only, those of the others are not built; else what no manifest runs is told of by its build.
        if (!parts_.only.empty() && !used.contains(image.name)) continue;
        const auto same = std::ranges::find_if(
            services_, [&](const auto& service) { return service != nullptr && service->config == image; });
        if (same != services_.end()) {
            made.push_back(std::move(*same));
            continue;
        }
        TRY_ASSIGN(auto service, make_service(image));
        made.push_back(std::move(service));
    }
    for (auto& gone : std::exchange(services_, std::move(made))) {
        if (gone == nullptr) continue;
        gone->retired = true;
        gone->stop_build.request_stop();
        gone->contents->stop();
        drop_sessions(*gone);
        give_up_changes(*gone);
        retired_.push_back(std::move(gone));
    }
    builds_.keep_only([&](const std::string& image) {
        return std::ranges::any_of(services_, [&](const auto& service) { return service->name == image; });
    });
    rewatch_ = true;
    reconfigured_.notify();
    if (!may_deploy_) return {};
    for (const auto& service : services_) {
        if (!service->built && !service->building && !service->build_failed) want_build(*service);
    }
    return {};
}

}  // namespace synchost::host
