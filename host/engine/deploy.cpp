// The part of the engine that brings images and manifests to the runtime, and follows the pods.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "base/on_pool.hpp"
#include "host/engine/engine.hpp"
#include "k8s/image_name.hpp"
#include "k8s/key_secret.hpp"

namespace synchost::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kReadyWait{30};
// Until it is asked again whether what others wait for has become ready.
constexpr std::chrono::seconds kAskAgain{2};

std::string words_of(const Rollout::Step& step) {
    std::string out;
    for (const Rollout::Held& held : step.held)
        out += (out.empty() ? "" : "; ") + held.workload->name + " waits for " + held.by;
    return out;
}

}  // namespace

void Engine::want_deployment() {
    if (!may_deploy_) return;
    deployment_wanted_ = true;
    deployment_ended_ = false;
    changed_.notify();
}

boost::asio::awaitable<void> Engine::deployer() {
    while (!stop_) {
        // An image that synchost.yaml names newly, or otherwise, is waited for: its workloads may run
        // already.
        const bool is_ready = std::ranges::none_of(
            services_, [](const auto& service) { return !service->built && service->building; });
        if (!deployment_wanted_ || !is_ready) {
            co_await changed_.wait();
            continue;
        }
        deployment_wanted_ = false;
        if (auto deployed = co_await deploy(); !deployed) end_deployment(std::move(deployed));
    }
}

boost::asio::awaitable<Result<>> Engine::deploy() {
    const auto started = Clock::now();
    const auto guard = co_await deploying_.acquire();
    if (stop_) co_return Result<>{};
    std::set<std::string> built;
    for (const auto& service : services_) {
        if (service->built) built.insert(service->name);
    }
    Rollout::Step step = rollout_.next(built);
    if (std::string words = words_of(step); words != held_told_) {
        if (!words.empty()) parts_.reporter->line(Tone::plain, "waiting", parts_.config.name, words);
        held_told_ = std::move(words);
    }
    if (std::ranges::any_of(step.held, &Rollout::Held::started)) {
        end_deployment({});
        co_return Result<>{};
    }
    CO_TRY_ASSIGN(const k8s::InjectOptions options, inject_options());
    std::vector<k8s::Manifest> manifests = manifests_of(manifests_, step.apply);
    CO_TRY(set_commands(manifests, rollout_.workloads()));
    const auto number = ++deployments_;
    const std::vector<ExtraPort> ports = extra_ports(step);
    CO_TRY(co_await on_pool(pool_, [&] { return parts_.runtime->apply(manifests, options, ports); }));
    rollout_.started(step.apply);
    CO_TRY_ASSIGN(ports_, co_await on_pool(pool_, [&] { return parts_.runtime->ports(); }));
    adopt();  // pods that were told of before their images were known
    // Saves and builds go on meanwhile; a newer deployment ends this wait.
    spawn(follow_deployment(number, std::move(step), started), "the deployment");
    co_return Result<>{};
}

boost::asio::awaitable<void> Engine::follow_deployment(std::uint64_t number, Rollout::Step step,
                                                       Clock::time_point started) {
    const auto is_newest = [&] { return !stop_ && number == deployments_ && !deployment_wanted_; };
    if (!step.await.empty()) {
        if (!co_await wait_for_dependencies(number, step.await)) co_return;
        rollout_.ready(step.await);
        want_deployment();
        co_return;
    }
    auto ready = co_await on_pool(pool_, [&] { return parts_.runtime->wait_until_ready({}); });
    if (!is_newest()) co_return;
    const bool current = ready && co_await wait_until_current(number);
    if (!is_newest()) co_return;
    if (current) {
        parts_.reporter->line(
            Tone::good, "deployed", parts_.config.name,
            fmt::format("{} in {}", counted(pods_.size(), "pod"), human(Clock::now() - started)));
    } else if (ready) {
        ready = fail(Errc::timeout, fmt::format("not every container has your files after {}", kReadyWait),
                     "What is in the way stands above. It is tried on.");
    }
    report_ports();
    end_deployment(std::move(ready));
}

// False where a newer deployment begins.
boost::asio::awaitable<bool> Engine::wait_for_dependencies(std::uint64_t number,
                                                           const std::set<std::string>& ids) {
    bool told = false;
    while (!stop_ && number == deployments_) {
        const auto ready = co_await on_pool(pool_, [&] { return parts_.runtime->wait_until_ready(ids); });
        if (stop_ || number != deployments_) co_return false;
        if (ready && co_await wait_until_current(number)) co_return !stop_ && number == deployments_;
        if (!ready && !std::exchange(told, true)) {
            end_deployment(std::unexpected(ready.error()));
            deployment_ended_ = false;  // it goes on once a save has mended that
        }
        co_await changed_.wait_until(Clock::now() + kAskAgain);
    }
    co_return false;
}

void Engine::end_deployment(Result<> outcome) {
    if (!outcome && !stop_) parts_.reporter->failure(parts_.config.name, outcome.error());
    deployment_ended_ = !deployment_wanted_;
    const bool is_there = outcome.has_value();
    settle_rebuilds(outcome);
    if (!outcome_) outcome_ = std::move(outcome);
    for (const auto& service : services_) {
        if (is_there) spawn(prune_registry(*service), "pruning the registry");
        if (!std::exchange(service->files_signed, true))
            spawn(sign_large_files(*service), "signing the files of " + service->name);
    }
    changed_.notify();
}

Result<k8s::InjectOptions> Engine::inject_options() {
    k8s::InjectOptions options{.agent_image = {},
                               .secret_name = std::string(k8s::kKeySecretName),
                               .gate = parts_.config.gate,
                               .gates = gates_of(rollout_.workloads()),
                               .grace = parts_.config.grace};
    const bool with_agent = parts_.mode != EngineMode::without_us;
    if (with_agent) {
        TRY_ASSIGN(options.agent_image, as_pulled(agent_image_, registry_.pull));
    }
    for (const auto& service : services_) {
        if (!service->built) continue;
        k8s::InjectedImage image = injected_image(service->image, service->repository);
        if (!with_agent) image.managed_paths.clear();  // it is pinned, and no more
        TRY_ASSIGN(image.pinned, as_pulled(image.pinned, registry_.pull));
        service->deployed_image = image.pinned;
        service->undeployed = false;
        options.images[service->name] = std::move(image);
    }
    return options;
}

std::vector<ExtraPort> Engine::extra_ports(const Rollout::Step& step) const {
    std::vector<ExtraPort> out;
    for (const Workload& workload : rollout_.workloads()) {
        if (!step.apply.contains(workload.id)) continue;
        for (const ServicePort& port : workload.service.ports)
            out.push_back({workload.id, port.port, port.local});
    }
    return out;
}

void Engine::adopt() {
    if (stop_) return;  // nobody would end what begins now
    std::vector<std::shared_ptr<PodSession>> kept;
    for (const RunningPod& pod : pods_) {
        auto services = services_of(pod);
        if (services.empty()) continue;
        const auto same = std::ranges::find_if(sessions_, [&](const auto& session) {
            return session->pod().id == pod.id && session->serves(services);
        });
        if (same != sessions_.end()) {
            kept.push_back(std::move(*same));
            sessions_.erase(same);
            continue;
        }
        PodSession::Shared shared{
            .executor = io_.get_executor(),
            .pool = &pool_,
            .spool_folder = parts_.store,
            .reporter = parts_.reporter,
            .mask = [this](const std::string& text) { return log_intake_.masked(text); },
            .on_outcome =
                [this](const SyncOutcome& outcome) {
                    note_error(outcome);
                    on_outcome(outcome);
                    changed_.notify();  // its report may have come before, and be the last for long
                },
            .on_listening = [this](const Listening& listening) { on_listening(listening); },
            .on_state = [this] { changed_.notify(); },
            .on_renumbered = [this](const Service& of) { notify_sessions(of); },
            .containers_of = [this](const Service& of) { return containers_of(of); }};
        kept.push_back(std::make_shared<PodSession>(std::move(shared), pod, std::move(services), parts_.key));
        kept.back()->start();
    }
    for (const auto& gone : sessions_) gone->stop();
    sessions_ = std::move(kept);
    const auto is_of_no_pod = [&](const auto& item) {
        return std::ranges::none_of(sessions_, [&](const auto& session) {
            return item.first.starts_with(session->pod().name + "/");
        });
    };
    std::erase_if(last_errors_, is_of_no_pod);
    std::erase_if(started_, is_of_no_pod);
    for (const auto& service : services_) settle(*service);
    changed_.notify();
}

// False where it takes too long, or a newer deployment begins: the sessions go on trying, and say what is in
// their way.
boost::asio::awaitable<bool> Engine::wait_until_current(std::uint64_t number) {
    const auto deadline = Clock::now() + kReadyWait;
    auto all_current = [&] {
        return std::ranges::all_of(sessions_, [](const auto& session) { return session->current(); });
    };
    while (!all_current()) {
        if (stop_ || number != deployments_ || Clock::now() >= deadline) co_return false;
        co_await changed_.wait_until(deadline);
    }
    co_return true;
}

void Engine::report_ports() {
    for (const ForwardedPort& port : ports_) {
        if (port.is_ours && parts_.mode != EngineMode::watch) continue;
        parts_.reporter->line(Tone::good, "ready", port.service,
                              fmt::format("http://127.0.0.1:{}", port.local));
    }
    for (const Workload& workload : rollout_.workloads()) {
        for (const ServiceLink& link : workload.service.links)
            parts_.reporter->line(Tone::good, "ready", workload.name, link.name + ": " + link.url);
    }
}

std::map<std::string, Service*> Engine::services_of(const RunningPod& pod) {
    std::map<std::string, Service*> out;
    for (const k8s::Manifest& manifest : manifests_) {
        const k8s::Json& object = manifest.object;
        const std::string workload =
            object.value("kind", "") + "/" + object.value("metadata", k8s::Json::object()).value("name", "");
        const k8s::Json* spec = k8s::pod_spec(manifest);
        if (workload != pod.workload || spec == nullptr || !spec->contains("containers")) continue;
        for (const k8s::Json& container : spec->at("containers")) {
            const auto running = pod.containers.find(container.value("name", ""));
            if (running == pod.containers.end()) continue;
            for (const auto& service : services_) {
                // A pod of the image before counts generations of another tree.
                if (k8s::same_image(container.value("image", ""), service->name) &&
                    running->second == service->deployed_image)
                    out[running->first] = service.get();
            }
        }
    }
    return out;
}

}  // namespace synchost::host
