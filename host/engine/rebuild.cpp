// The part of the engine that builds an image again and brings its pods to the new one.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.hpp"
#include "base/on_pool.hpp"
#include "base/rel_path.hpp"
#include "host/engine/engine.hpp"
#include "host/engine/kept_image.hpp"

namespace synchost::host {

namespace {

// What a survey says of the places of files, without the image's own, against what the build found.
Result<> check_places(const images::Image& image, const Survey& tree) {
    if (image.managed_paths == tree.managed_paths) return {};
    std::vector<std::string> elsewhere;
    std::ranges::set_difference(tree.managed_paths, image.managed_paths, std::back_inserter(elsewhere));
    return fail(Errc::unsupported,
                "a COPY lays its files elsewhere than its destination says" +
                    (elsewhere.empty() ? std::string() : ", not at " + printable(elsewhere.front())) +
                    ": the base image or a RUN made a folder or a symlink there",
                "Name the real folder, and end the destination with '/', so that saves can be synced.");
}

}  // namespace

void Engine::want_build(Service& service) {
    service.build_again = true;
    if (service.building) {
        service.stop_build.request_stop();  // what it has read is not what lies there
    } else {
        spawn(rebuild(service), "the rebuild of " + service.name);
    }
}

boost::asio::awaitable<void> Engine::rebuild(Service& service) {
    const auto settled = co_await build_until_settled(service);
    if (service.undeployed) {
        want_deployment();
    } else if (settled) {
        parts_.reporter->line(Tone::plain, "unchanged", service.name,
                              "the new image equals the old one; no pod is replaced");
        finish_rebuild(service, false);
    }
}

boost::asio::awaitable<Result<>> Engine::bring_up(Service& service) {
    service.building = true;
    const bool kept = parts_.mode != EngineMode::without_us && co_await go_on_with_kept_image(service);
    if (kept) co_await catch_up(service);
    service.building = false;
    if (kept && !service.build_again) co_return Result<>{};
    co_return co_await build_until_settled(service);
}

boost::asio::awaitable<Result<>> Engine::build_until_settled(Service& service) {
    Result<> outcome;
    service.building = true;
    do {
        service.build_again = false;
        outcome = co_await build(service);
        const bool is_stale = !outcome && outcome.error().code == Errc::cancelled && service.build_again;
        service.build_failed = !outcome && !is_stale;
        service.build_error = service.build_failed ? std::optional(outcome.error()) : std::nullopt;
        // Before the pods come: they start with what was saved meanwhile.
        co_await catch_up(service);
        if (stop_ || service.retired) {
            outcome = fail(Errc::cancelled, "the build was stopped");
            break;
        }
        if (is_stale) {
            parts_.reporter->line(Tone::faint, "again", service.name,
                                  "what this build reads was saved meanwhile: it begins anew");
        } else if (!outcome) {
            parts_.reporter->failure(service.name, outcome.error());
            fail_rebuild(service, outcome.error());
        }
    } while (service.build_again);
    service.building = false;
    changed_.notify();
    co_return outcome;
}

boost::asio::awaitable<Result<>> Engine::build(Service& service) {
    auto loaded = images::IgnoreRules::load(service.request.context, service.request.dockerfile);
    if (!loaded) co_return std::unexpected(std::move(loaded.error()));
    service.rules.ignore = *std::move(loaded);
    // What was saved until now is read by this build.
    SourceSet read_by_it = std::exchange(service.touched_during_build, {});
    service.stop_build = std::stop_source();
    registry::ConnectorOptions registry_options = parts_.registries->options();
    registry_options.stop = service.stop_build.get_token();
    const registry::Connector registries(std::move(registry_options));
    images::BuildTools stoppable = tools();
    stoppable.registries = &registries;
    stoppable.stop = service.stop_build.get_token();
    std::vector<images::ExplainedStep> steps;
    stoppable.steps = &steps;
    const std::uint64_t number = begin_build(service);
    observe_build(service, number, stoppable);
    Survey tree;
    KeptImage kept;
    Xxh3 inputs;
    auto outcome = co_await on_pool(builders_, [&]() -> Result<BuildOutcome> {
        images::BuildRequest request = service.request;
        const auto look_and_build = [&]() -> Result<BuildOutcome> {
            if (stoppable.stop.stop_requested()) return fail(Errc::cancelled, "the build was stopped");
            TRY_ASSIGN(tree, survey(request));
            TRY_ASSIGN(kept.inputs, rebuild_inputs(service, tree.nodes, tree.baked_files));
            return build_and_push(request, service.repository, stoppable);
        };
        TRY_ASSIGN(BuildOutcome built, look_and_build());
        if (built.image.base_configs != request.base_configs) {
            // A base image is another one than was known, and may say otherwise where files go.
            request.base_configs = built.image.base_configs;
            const std::vector<images::ExplainedStep> earlier = std::move(built.image.steps);
            TRY_ASSIGN(built, look_and_build());
            built.image.steps = images::with_earlier(std::move(built.image.steps), earlier);
        }
        inputs = kept.inputs;
        TRY(check_places(built.image, tree));
        keep(std::move(kept), built, tree, service.name);
        return built;
    });
    // One that ended before it was told to is stale all the same.
    if (outcome && stoppable.stop.stop_requested()) outcome = fail(Errc::cancelled, "the build was stopped");
    if (!outcome) outcome = std::unexpected(with_registry_help(std::move(outcome.error()), registry_));
    end_build(service, outcome, steps,
              outcome && service.built && outcome->image.digest == service.image.digest);
    if (!outcome) {
        service.read_by_failed_build = read_by_it;
        service.touched_during_build.merge(read_by_it);
        co_return std::unexpected(std::move(outcome.error()));
    }
    BuildOutcome built = *std::move(outcome);
    built.image.steps = {};
    release_held_changes(service);
    parts_.reporter->line(
        Tone::good, "built", service.name,
        fmt::format("{} in {}, pushed {} ({}) in {}", counted(built.image.layers.size(), "layer"),
                    human(built.build_time), counted(built.pushed.blobs_sent, "blob"),
                    human_bytes(built.pushed.bytes_sent), human(built.push_time)));
    const auto guard = co_await service.lock.acquire();
    if (built.pushed.blobs_sent > 0) service.pushed.push_back(built.image.digest);
    service.rules.baked = std::move(tree.baked);
    service.inputs = inputs;
    if (service.built && built.image.digest == service.image.digest) co_return Result<>{};
    // The pods of the old image count generations of the old tree: they are let go before the new tree
    // begins.
    drop_sessions(service);
    service.request.managed_owner = built.owner;
    service.request.base_configs = std::move(built.image.base_configs);
    service.image = std::move(built.image);
    service.mirror.reset(std::move(tree.nodes), std::move(tree.managed_paths), std::move(tree.plan));
    service.image_is_older = false;
    service.gone_since_image.clear();
    (void)service.contents->take_notes();  // of the old tree
    service.generations.clear();
    service.after.clear();
    service.numbered.clear();
    service.built = true;
    service.files_signed = false;
    service.undeployed = true;
    service.deployed_image.clear();
    co_return Result<>{};
}

// Blocking. Before there are pods that run it: a record of an image that nobody runs does no harm.
void Engine::keep(KeptImage kept, const BuildOutcome& built, const Survey& tree,
                  const std::string& image_name) const {
    kept.digest = built.image.digest;
    kept.owner = built.owner;
    kept.managed_paths = tree.managed_paths;
    kept.base_configs = built.image.base_configs;
    for (auto it = tree.nodes.begin(); it != tree.nodes.end(); ++it) kept.paths.emplace_back(it.path());
    if (auto saved = kept.save(kept_image_file(parts_.state, image_name)); !saved)
        parts_.reporter->failure(image_name,
                                 std::move(saved.error()).context("the next run builds it again"));
}

boost::asio::awaitable<bool> Engine::go_on_with_kept_image(Service& service) {
    const auto file = kept_image_file(parts_.state, service.name);
    const auto ignore = images::IgnoreRules::load(service.request.context, service.request.dockerfile);
    if (!ignore) co_return false;  // the build says why
    service.rules.ignore = *ignore;
    SourceSet read_by_it = std::exchange(service.touched_during_build, {});
    Survey tree;
    KeptImage kept;
    images::Image image;
    const auto found = co_await on_pool(pool_, [&]() -> Result<bool> {
        auto loaded = KeptImage::load(file);
        if (!loaded) return false;
        kept = *std::move(loaded);
        images::BuildRequest request = service.request;
        request.base_configs = kept.base_configs;
        TRY_ASSIGN(tree, survey(request));
        TRY_ASSIGN(const Xxh3 inputs, rebuild_inputs(service, tree.nodes, tree.baked_files));
        if (inputs != kept.inputs || tree.managed_paths != kept.managed_paths) return false;
        TRY_ASSIGN(image.run, images::fetch_run_config(service.repository.with_digest(kept.digest), tools()));
        return true;
    });
    if (!found || !*found) {  // another tree, or a registry that does not have it any more: it is built
        service.touched_during_build.merge(read_by_it);
        co_return false;
    }
    const auto guard = co_await service.lock.acquire();
    for (std::string& path : kept.paths) {
        if (!tree.nodes.contains(path)) service.gone_since_image.insert(std::move(path));
    }
    service.rules.baked = std::move(tree.baked);
    service.inputs = kept.inputs;
    image.digest = kept.digest;
    image.managed_paths = std::move(kept.managed_paths);
    service.image = std::move(image);
    service.request.managed_owner = kept.owner;
    service.request.base_configs = std::move(kept.base_configs);
    service.mirror.reset(std::move(tree.nodes), std::move(tree.managed_paths), std::move(tree.plan));
    service.image_is_older = true;
    service.built = true;
    parts_.reporter->line(Tone::plain, "kept", service.name,
                          "the image of the run before is gone on with; its pods get what has changed since");
    co_return true;
}

// Leaves the image that runs and the one before it, which a `kubectl rollout undo` goes back to. Only what
// this run brought is removed; a registry that removes nothing keeps all of it.
boost::asio::awaitable<void> Engine::prune_registry(Service& service) {
    constexpr std::size_t kKept = 2;
    const auto kept =
        service.pushed.end() - static_cast<std::ptrdiff_t>(std::min(kKept, service.pushed.size()));
    std::vector<Digest> old;
    std::copy_if(service.pushed.begin(), kept, std::back_inserter(old), [&](const Digest& digest) {
        return std::find(kept, service.pushed.end(), digest) == service.pushed.end() &&
               digest != service.image.digest;
    });
    service.pushed.erase(service.pushed.begin(), kept);
    if (old.empty()) co_return;
    const auto removed = co_await on_pool(pool_, [&, repository = service.repository]() -> Result<> {
        registry::Client client = parts_.registries->client(repository.host());
        for (const Digest& digest : old) {
            auto gone = client.delete_manifest(repository.with_digest(digest));
            if (!gone && gone.error().code != Errc::not_found) return gone;
        }
        return {};
    });
    if (!removed) log(LogLevel::info, "registry", "old_images_stay", {{"error", removed.error().message}});
}

// While nothing else goes on: a save does not wait for it.
boost::asio::awaitable<void> Engine::sign_large_files(Service& service) {
    auto list = [&]() -> boost::asio::awaitable<Result<std::vector<Contents::LargeFile>>> {
        const auto guard = co_await service.lock.acquire();
        co_return co_await on_pool(pool_, [&]() -> Result<std::vector<Contents::LargeFile>> {
            return Contents::large_files(service.mirror.nodes(), service.request.context);
        });
    };
    const auto files = co_await list();
    if (!files || files->empty() || stop_) co_return;
    (void)co_await on_pool(pool_, [&]() -> Result<> {
        service.contents->sign(*files);
        return {};
    });
}

boost::asio::awaitable<void> Engine::catch_up(Service& service) {
    const auto guard = co_await service.lock.acquire();
    SourceSet touched = std::exchange(service.touched_during_build, {});
    const SourceSet unbuilt = std::exchange(service.read_by_failed_build, {});
    if (touched.empty() || !service.built || stop_) co_return;
    for (const std::string& source : touched) {
        const auto decision = why_rebuild(source, service.rules);
        if (!decision || unbuilt.contains(source)) continue;
        // Whether the build that has just ended read it before or after the save nobody knows.
        parts_.reporter->line(Tone::plain, "rebuild", service.name, source + ": " + decision->reason);
        note_rebuild(service, {source}, decision->reason);
        service.build_again = true;
        break;
    }
    service.mirror.learn(service.contents->take_notes());
    auto update = co_await on_pool(
        pool_, [&] { return examine(touched, service.request, service.mirror, *service.index); });
    if (!update) {  // a Dockerfile that does not parse: the failed build has said so
        service.touched_during_build.merge(touched);
        co_return;
    }
    const std::vector<std::string> changed = sources_of(*update, service.mirror);
    if (const auto generation = service.mirror.advance(*std::move(update))) {
        service.remember_after(*generation, plan_after(service.after_rules, changed));
        notify_sessions(service);
    }
}

void Engine::drop_sessions(const Service& service) {
    std::erase_if(sessions_, [&](const auto& session) {
        if (session->count_of(service) == 0) return false;
        session->stop();
        return true;
    });
    std::erase_if(pending_, [&](const auto& item) {
        if (item.first.first != &service) return false;
        edit_change(item.second.change, [](ChangeRecord& out) { out.outcome = SaveOutcome::superseded; });
        return true;
    });
}

}  // namespace synchost::host
