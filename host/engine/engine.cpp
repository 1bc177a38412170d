#include "host/engine/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/on_pool.hpp"
#include "images/rootless/rootless.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kPoolThreads = 4;
constexpr std::uint64_t kLargeBlobBytes = 20'000'000;  // whoever waits for its push wants to know

}  // namespace

Engine::Engine(boost::asio::io_context& io, EngineParts parts)
    : io_(io),
      parts_(std::move(parts)),
      log_intake_(*parts_.reporter, parts_.log_store),
      pool_(kPoolThreads),
      builders_(std::max<std::size_t>(parts_.parallel_builds, 1)),
      changed_(io.get_executor()),
      stopping_(io.get_executor()),
      reconfigured_(io.get_executor()),
      signatures_(std::make_shared<delta::SignatureCache>(parts_.store.parent_path() / "signatures")),
      deploying_(io.get_executor()) {}

Engine::~Engine() {
    for (const auto& session : sessions_) session->stop();
    sessions_.clear();
    for (const auto* services : {&services_, &retired_}) {
        for (const auto& service : *services) {
            service->contents->stop();
            service->generations.clear();  // one that nobody waits for is not read to its end
        }
    }
    builders_.join();
    pool_.join();
}

void Engine::stop() {
    stop_ = true;
    for (const auto& service : services_) service->stop_build.request_stop();
    parts_.runtime->interrupt();
    changed_.notify();
    stopping_.notify();
    reconfigured_.notify();
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
    const bool leave = outcome && !stop_ && parts_.mode != EngineMode::watch;
    stop();
    for (const auto& session : sessions_) session->stop();
    co_await stop_steps();
    Result<> down;
    {
        const auto guard = co_await deploying_.acquire();
        if (leave) {
            down = co_await on_pool(pool_, [&] { return parts_.runtime->leave(); });
        } else {
            parts_.reporter->line(Tone::plain, "stopping", "", "taking down what this run started");
            down = co_await on_pool(pool_, [&] { return parts_.runtime->down(); });
            if (down) forget_kept_images(parts_.state);
        }
    }
    while (tasks_ > 0) co_await changed_.wait();
    if (!outcome) co_return std::unexpected(outcome.error());
    co_return down;
}

boost::asio::awaitable<Result<>> Engine::serve() {
    CO_TRY(co_await prepare());
    if (stop_) co_return Result<>{};
    spawn(tell_state_changes(), "telling of changes");
    if (parts_.mode == EngineMode::watch) {
        spawn(watch_contexts(), "the watcher");
        spawn(watch_manifests(), "the watcher of manifests");
        if (parts_.reload) spawn(watch_config(), "the watcher of synchost.yaml");
    }
    // What a step that failed has not made, a build may have of an earlier run.
    if (auto ran = co_await finish_steps(); !ran && parts_.mode != EngineMode::watch && !stop_) co_return ran;
    if (stop_) co_return Result<>{};
    const bool built = co_await build_all();
    if (stop_ || fatal_) co_return fatal_ ? Result<>(std::unexpected(*fatal_)) : Result<>{};
    if (!built && parts_.mode != EngineMode::watch)
        co_return fail(Errc::io, "an image could not be built", "Its error stands above.");
    CO_TRY(parts_.runtime->follow_logs([this](const LogLine& line) { log_intake_.take(line); }));
    may_deploy_ = true;
    want_deployment();
    spawn(deployer(), "the deployment");
    while (!stop_ && !fatal_ && !outcome_) co_await changed_.wait();
    if (parts_.mode != EngineMode::watch && outcome_) co_return *outcome_;
    if (!stop_ && !fatal_) {
        std::size_t paths = 0;
        for (const auto& service : services_) paths += service->mirror.nodes().size();
        parts_.reporter->line(
            Tone::plain, "watching", parts_.config.name,
            fmt::format("{} of {}; Ctrl-C stops and takes everything down", counted(paths, "managed path"),
                        counted(services_.size(), "image")));
    }
    while (!stop_ && !fatal_) co_await changed_.wait();
    if (fatal_) co_return std::unexpected(*fatal_);
    co_return Result<>{};
}

boost::asio::awaitable<Result<>> Engine::prepare() {
    manifest_sources_ = manifest_sources(parts_.config);
    CO_TRY(co_await load_manifests());
    observe_runtime();
    CO_TRY_ASSIGN(registry_, co_await on_pool(pool_, [&] { return parts_.runtime->registry(); }));
    if (parts_.mode != EngineMode::without_us) {
        auto agent_image = co_await on_pool(pool_, [&] { return push_agent_image(registry_.push, tools()); });
        if (!agent_image)
            co_return std::unexpected(with_registry_help(std::move(agent_image.error()), registry_));
        agent_image_ = *std::move(agent_image);
    }
    CO_TRY(replace_services(parts_.config));
    co_return open_steps();
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
    events.on_all_pods = [this](std::vector<PodSummary> pods) {
        boost::asio::post(io_, [this, pods = std::move(pods)]() mutable { take_all_pods(std::move(pods)); });
    };
    events.on_problem = [this](const std::string& subject, const Error& problem) {
        parts_.reporter->failure(subject, problem);
        boost::asio::post(io_, [this, subject, problem] {
            problems_.insert_or_assign(subject, problem);
            changed_.notify();
        });
    };
    events.on_note = [reporter = parts_.reporter](const std::string& subject, const std::string& text) {
        reporter->line(Tone::plain, "note", subject, text);
    };
    parts_.runtime->observe(std::move(events));
}

// Each is a task of its own, as many at a time as there are builders.
boost::asio::awaitable<bool> Engine::build_all() {
    bool all_built = true;
    std::size_t left = services_.size();
    Signal done(io_.get_executor());
    auto build_one = [&](Service& service) -> boost::asio::awaitable<void> {
        const auto built = co_await bring_up(service);
        all_built = all_built && built;
        --left;
        done.notify();
    };
    for (const auto& service : services_) spawn(build_one(*service), "the build of " + service->name);
    while (left > 0) co_await done.wait();
    co_return all_built;
}

Result<std::unique_ptr<Service>> Engine::make_service(const ImageConfig& image) const {
    TRY_ASSIGN(auto repository, dev_repository(registry_.push, image.name));
    auto service = std::make_unique<Service>(image.name, std::move(repository), io_.get_executor());
    service->config = image;
    service->request = build_request(image);
    TRY_ASSIGN(service->asked_owner, user_of_image(manifests_, image.name));
    if (parts_.mode != EngineMode::without_us) {
        service->request.managed_owner = service->asked_owner;
        service->request.incremental = true;
    }
    TRY_ASSIGN(service->index, FileIndex::open(image.context));
    TRY_ASSIGN(FileIndex files, FileIndex::open(image.context));
    service->contents = std::make_shared<Contents>(std::move(files), signatures_);
    service->after_rules = image.after;
    TRY_ASSIGN(service->rules, decision_rules(image));
    return service;
}

}  // namespace synchost::host
