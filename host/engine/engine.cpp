#include "host/engine/engine.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <utility>

#include "base/on_pool.hpp"
#include "images/rootless/rootless.hpp"
#include "k8s/image_name.hpp"
#include "k8s/key_secret.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kPoolThreads = 4;
constexpr std::chrono::seconds kReadyWait{30};
constexpr std::uint64_t kLargeBlobBytes = 20'000'000;  // whoever waits for its push wants to know

}  // namespace

Engine::Engine(boost::asio::io_context& io, EngineParts parts)
    : io_(io),
      parts_(std::move(parts)),
      log_intake_(*parts_.reporter, parts_.log_store),
      pool_(kPoolThreads),
      changed_(io.get_executor()),
      stopping_(io.get_executor()),
      signatures_(std::make_shared<delta::SignatureCache>(parts_.store.parent_path() / "signatures")),
      deploying_(io.get_executor()) {}

Engine::~Engine() {
    for (const auto& session : sessions_) session->stop();
    sessions_.clear();
    for (const auto& service : services_) {
        service->contents->stop();
        service->generations.clear();  // one that nobody waits for is not read to its end
    }
    pool_.join();
}

void Engine::stop() {
    stop_ = true;
    parts_.runtime->interrupt();
    changed_.notify();
    stopping_.notify();
}

void Engine::spawn(boost::asio::awaitable<void> task, std::string what) {
    ++tasks_;
    boost::asio::co_spawn(io_, std::move(task),
                          [this, what = std::move(what)](const std::exception_ptr& failure) {
                              --tasks_;
                              if (failure) fatal_ = Error{Errc::io, what + " ended unexpectedly", 0, {}};
                              changed_.notify();
                          });
}

images::BuildTools Engine::tools() const {
    return {.store = parts_.store,
            .registries = parts_.registries,
            .store_limit = parts_.store_limit,
            .rootless_helper = images::own_rootless_helper(),
            .progress = {},
            .transfer_progress = [this](const registry::BlobEvent& event) {
                if (event.step == registry::BlobStep::started && event.size >= kLargeBlobBytes)
                    parts_.reporter->line(Tone::faint, "pushing", event.digest.short_hex(),
                                          human_bytes(event.size));
            }};
}

boost::asio::awaitable<Result<>> Engine::run() {
    const auto outcome = co_await serve();
    stop_ = true;
    changed_.notify();
    stopping_.notify();
    for (const auto& session : sessions_) session->stop();
    Result<> down;
    {
        const auto guard = co_await deploying_.acquire();
        parts_.reporter->line(Tone::plain, "stopping", "", "taking down what this run started");
        down = co_await on_pool(pool_, [&] { return parts_.runtime->down(); });
        if (down) forget_kept_images(parts_.state);
    }
    while (tasks_ > 0) co_await changed_.wait();
    if (!outcome) co_return std::unexpected(outcome.error());
    co_return down;
}

boost::asio::awaitable<Result<>> Engine::serve() {
    CO_TRY(co_await prepare());
    if (stop_) co_return Result<>{};
    spawn(tell_state_changes(), "telling of changes");
    spawn(watch_contexts(), "the watcher");
    spawn(watch_manifests(), "the watcher of manifests");
    CO_TRY(co_await build_all());
    if (stop_ || fatal_) co_return fatal_ ? Result<>(std::unexpected(*fatal_)) : Result<>{};
    CO_TRY(co_await deploy());
    if (stop_) co_return Result<>{};
    CO_TRY(parts_.runtime->follow_logs([this](const LogLine& line) { log_intake_.take(line); }));
    for (const auto& service : services_)
        spawn(sign_large_files(*service), "signing the files of " + service->name);
    std::size_t paths = 0;
    for (const auto& service : services_) paths += service->mirror.nodes().size();
    parts_.reporter->line(Tone::plain, "watching", parts_.config.name,
                          fmt::format("{} of {}; Ctrl-C stops and takes everything down",
                                      counted(paths, "managed path"), counted(services_.size(), "image")));
    while (!stop_ && !fatal_) co_await changed_.wait();
    if (fatal_) co_return std::unexpected(*fatal_);
    co_return Result<>{};
}

boost::asio::awaitable<Result<>> Engine::prepare() {
    manifest_sources_ = k8s::source_folders(parts_.config.manifests);
    CO_TRY_ASSIGN(manifests_, co_await load_manifests());
    observe_runtime();
    CO_TRY_ASSIGN(registry_, co_await on_pool(pool_, [&] { return parts_.runtime->registry(); }));
    auto agent_image = co_await on_pool(pool_, [&] { return push_agent_image(registry_.push, tools()); });
    if (!agent_image)
        co_return std::unexpected(with_registry_help(std::move(agent_image.error()), registry_));
    agent_image_ = *std::move(agent_image);
    for (const ImageConfig& image : parts_.config.images) {
        CO_TRY_ASSIGN(auto service, make_service(image));
        services_.push_back(std::move(service));
    }
    co_return Result<>{};
}

// On the pool: a chart may take a while to render.
boost::asio::awaitable<Result<std::vector<k8s::Manifest>>> Engine::load_manifests() {
    const k8s::LoadOptions options = load_options(parts_.config, parts_.namespace_name);
    log_intake_.learn_secrets(secret_values(parts_.config));
    auto loaded =
        co_await on_pool(pool_, [&] { return k8s::load_manifests(parts_.config.manifests, options); });
    if (loaded) log_intake_.learn_secrets(secret_values(*loaded));
    co_return loaded;
}

void Engine::observe_runtime() {
    RuntimeEvents events;
    // From a thread of the runtime's: the sessions belong to the io thread.
    events.on_pods = [this](std::vector<RunningPod> pods) {
        boost::asio::post(io_, [this, pods = std::move(pods)]() mutable {
            pods_ = std::move(pods);
            if (!stop_) adopt();
        });
    };
    events.on_problem = [reporter = parts_.reporter](const std::string& subject, const Error& problem) {
        reporter->failure(subject, problem);
    };
    events.on_note = [reporter = parts_.reporter](const std::string& subject, const std::string& text) {
        reporter->line(Tone::plain, "note", subject, text);
    };
    parts_.runtime->observe(std::move(events));
}

boost::asio::awaitable<Result<>> Engine::build_all() {
    // Each build is a task of its own on the pool; the first error is the one that is told.
    std::optional<Error> first_error;
    std::size_t left = services_.size();
    Signal done(io_.get_executor());
    auto build_one = [&](Service& service) -> boost::asio::awaitable<void> {
        service.building = true;
        Result<bool> built = co_await go_on_with_kept_image(service);
        if (!*built) built = co_await build(service);
        while (built && !stop_) {
            co_await catch_up(service);
            if (!std::exchange(service.build_again, false)) break;
            built = co_await build(service);
        }
        if (!built && !first_error) {
            first_error = std::move(built.error()).context(service.name);
        }
        service.building = false;
        --left;
        done.notify();
    };
    for (const auto& service : services_) spawn(build_one(*service), "the build of " + service->name);
    while (left > 0) co_await done.wait();
    if (first_error) co_return std::unexpected(*std::move(first_error));
    co_return Result<>{};
}

boost::asio::awaitable<Result<>> Engine::deploy() {
    const auto started = std::chrono::steady_clock::now();
    {
        const auto guard = co_await deploying_.acquire();
        if (stop_) co_return Result<>{};
        CO_TRY_ASSIGN(const k8s::InjectOptions options, inject_options());
        CO_TRY(co_await on_pool(pool_, [&] { return parts_.runtime->apply(manifests_, options); }));
    }
    if (stop_) co_return Result<>{};
    adopt();  // pods that were told of before their images were known
    const auto number = ++deployments_;
    // Saves and rebuilds go on meanwhile; a newer deployment ends this wait.
    const auto ready = co_await on_pool(pool_, [&] { return parts_.runtime->wait_until_ready(); });
    if (stop_ || number != deployments_) co_return Result<>{};
    if (!ready) {
        parts_.reporter->failure(parts_.config.name, ready.error());
        co_return report_ports();
    }
    co_await wait_until_current();
    if (stop_ || number != deployments_) co_return Result<>{};
    parts_.reporter->line(Tone::good, "deployed", parts_.config.name,
                          fmt::format("{} in {}", counted(pods_.size(), "pod"),
                                      human(std::chrono::steady_clock::now() - started)));
    co_return report_ports();
}

Result<k8s::InjectOptions> Engine::inject_options() {
    k8s::InjectOptions options{.agent_image = agent_image_,
                               .secret_name = std::string(k8s::kKeySecretName),
                               .gate = parts_.config.gate,
                               .gates = parts_.config.gates,
                               .grace = parts_.config.grace};
    for (const std::string& workload : k8s::unknown_gates(manifests_, options)) {
        parts_.reporter->line(Tone::warn, "note", "gates",
                              parts_.config.where("gates") + ": the manifests have no " + workload);
    }
    TRY_ASSIGN(options.agent_image, as_pulled(agent_image_, registry_.pull));
    for (const auto& service : services_) {
        k8s::InjectedImage image = injected_image(service->image, service->repository);
        TRY_ASSIGN(image.pinned, as_pulled(image.pinned, registry_.pull));
        service->deployed_image = image.pinned;
        options.images[service->name] = std::move(image);
    }
    return options;
}

Result<std::unique_ptr<Service>> Engine::make_service(const ImageConfig& image) const {
    TRY_ASSIGN(auto repository, dev_repository(registry_.push, image.name));
    auto service = std::make_unique<Service>(image.name, std::move(repository), io_.get_executor());
    service->request = build_request(image);
    TRY_ASSIGN(service->asked_owner, user_of_image(manifests_, image.name));
    service->request.managed_owner = service->asked_owner;
    service->request.incremental = true;
    TRY_ASSIGN(service->index, FileIndex::open(image.context));
    TRY_ASSIGN(FileIndex files, FileIndex::open(image.context));
    service->contents = std::make_shared<Contents>(std::move(files), signatures_);
    service->after_rules = image.after;
    TRY_ASSIGN(service->rules, decision_rules(image));
    return service;
}

void Engine::adopt() {
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
                },
            .on_state = [this] { changed_.notify(); },
            .on_renumbered = [this](const Service& of) { notify_sessions(of); },
            .containers_of = [this](const Service& of) { return containers_of(of); }};
        kept.push_back(std::make_shared<PodSession>(std::move(shared), pod, std::move(services), parts_.key));
        kept.back()->start();
    }
    for (const auto& gone : sessions_) gone->stop();
    sessions_ = std::move(kept);
    std::erase_if(last_errors_, [&](const auto& item) {
        return std::ranges::none_of(sessions_, [&](const auto& session) {
            return item.first.starts_with(session->pod().name + "/");
        });
    });
    for (const auto& service : services_) settle(*service);
    changed_.notify();
}

boost::asio::awaitable<void> Engine::wait_until_current() {
    using namespace boost::asio::experimental::awaitable_operators;
    boost::asio::steady_timer deadline(io_, kReadyWait);
    auto all_current = [&] {
        return std::ranges::all_of(sessions_, [](const auto& session) { return session->current(); });
    };
    while (!stop_ && !all_current()) {
        boost::system::error_code expired;
        auto woken = co_await (changed_.wait() || deadline.async_wait(boost::asio::redirect_error(
                                                      boost::asio::use_awaitable, expired)));
        if (woken.index() == 1) co_return;  // the sessions go on trying, and say what is in their way
    }
}

Result<> Engine::report_ports() {
    TRY_ASSIGN(const auto ports, parts_.runtime->ports());
    for (const ForwardedPort& port : ports) {
        parts_.reporter->line(Tone::good, "ready", port.service,
                              fmt::format("http://127.0.0.1:{}", port.local));
    }
    return {};
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
