#include "host/engine/pod_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/on_pool.hpp"
#include "host/engine/examine.hpp"

namespace synchost::host {
namespace {

using protocol::GenerationId;
using protocol::ProcessState;

// A generation of at most so many paths, whose contents are in memory, is encoded on the spot.
constexpr std::size_t kFewPaths = 64;

// What a container lacked when it was compared, and what has changed since.
std::vector<Mirror::Changed> merged(std::vector<Mirror::Changed> lacks,
                                    const std::vector<Mirror::Changed>& since) {
    std::set<std::string> named;
    for (const Mirror::Changed& lack : lacks) named.insert(lack.image_path);
    for (const Mirror::Changed& changed : since) {
        if (!named.contains(changed.image_path)) lacks.push_back(changed);
    }
    return lacks;
}

// Replicas share a few cores: one that restarts at once takes them from those that have no files yet. So all
// of them wait for about as long as the others need to put the files in place.
void pause_for(std::size_t containers, std::vector<AfterApply>& steps) {
    constexpr std::chrono::microseconds kCoreTime{1000};  // of one container: twice what it takes undisturbed
    const auto others = static_cast<std::int64_t>(std::max<std::size_t>(containers, 1) - 1);
    const auto cores = static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
    const auto busy = std::chrono::round<std::chrono::milliseconds>(kCoreTime * others / cores);
    const auto pause = std::min<std::int64_t>(busy.count(), protocol::kMaxPauseMs);
    if (pause == 0 || steps.empty() || steps.size() == protocol::kMaxAfterSteps) return;
    steps.insert(steps.begin(), {protocol::AfterKind::pause, static_cast<std::uint8_t>(pause), {}});
}

}  // namespace

PodSession::PodSession(Shared shared, RunningPod pod, std::map<std::string, Service*> services,
                       const protocol::PskKey& key)
    : shared_(std::move(shared)),
      pod_(std::move(pod)),
      changed_(shared_.executor),
      link_(shared_.executor, pod_.agent, key,
            {.on_report = [this](const protocol::ContainerReport& report) { on_report(report); },
             .on_connected =
                 [this] {
                     was_connected_ = true;
                     changed_.notify();
                 },
             .on_disconnected =
                 [this](const Error& error) {
                     for (auto& [name, container] : containers_) {
                         container.report.reset();
                         forget_comparison(name, container);
                     }
                     // Each failed try to reconnect would say the same again.
                     const bool told = !std::exchange(was_connected_, false);
                     if (!error.next_step.empty()) {
                         shared_.reporter->failure(pod_.name, error);  // a key that is refused, say
                     } else if (!told) {
                         shared_.reporter->line(Tone::warn, "link", pod_.name, error.message);
                     }
                 }}) {
    for (const auto& [name, service] : services) containers_[name].service = service;
}

void PodSession::start() {
    link_.start();
    for (const auto& [name, container] : containers_) {
        // The session lives until its loops have ended; an exception there ends this pod's sync, and says so.
        boost::asio::co_spawn(shared_.executor, keep_current(name),
                              [self = shared_from_this()](const std::exception_ptr& failure) {
                                  if (failure) {
                                      self->shared_.reporter->failure(
                                          self->pod_.name,
                                          Error{Errc::io, "its sync loop ended unexpectedly", 0, {}});
                                  }
                              });
    }
}

void PodSession::stop() {
    stopped_ = true;
    link_.stop();
    changed_.notify();
}

void PodSession::notify() {
    changed_.notify();
}

bool PodSession::serves(const std::map<std::string, Service*>& services) const {
    return std::ranges::equal(services, containers_, [](const auto& asked, const auto& own) {
        return asked.first == own.first && asked.second == own.second.service;
    });
}

std::size_t PodSession::count_of(const Service& service) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        containers_, [&](const auto& item) { return item.second.service == &service; }));
}

void PodSession::add_containers_of(const Service& service, std::set<std::string>& names) const {
    for (const auto& [name, container] : containers_) {
        if (container.service == &service) names.insert(pod_.name + "/" + name);
    }
}

bool PodSession::current() const {
    for (const auto& [name, container] : containers_) {
        if (!container.report || container.report->state != ProcessState::running) return false;
        if (container.acknowledged != container.service->mirror.generation()) return false;
    }
    return true;
}

void PodSession::on_report(const protocol::ContainerReport& report) {
    const auto found = containers_.find(report.container);
    if (found == containers_.end()) return;
    Container& container = found->second;
    note_gate(container, report);
    const auto before = std::exchange(container.report, report);
    container.report->last_output = shared_.mask(report.last_output);
    // A gate comes before the first start of a supervisor: what an earlier one was given, a fresh container
    // lacks.
    if (report.state == ProcessState::gated) {
        container.acknowledged = report.generation;
        container.refused.reset();
        forget_comparison(report.container, container);
    }
    tell_state(report.container, *container.report, before);
    tell_listening(report.container, container);
    changed_.notify();
    shared_.on_state();
}

void PodSession::tell_listening(const std::string& name, const Container& container) {
    if (!container.report || !container.report->listening) return;
    shared_.on_listening(
        {container.service, pod_.name + "/" + name, container.report->starts, *container.report->listening});
}

void PodSession::tell_state(const std::string& name, const protocol::ContainerReport& now,
                            const std::optional<protocol::ContainerReport>& before) {
    if (before && before->state == now.state) return;
    const std::string subject = pod_.name + "/" + name;
    if (now.state == ProcessState::held) {
        shared_.reporter->line(
            Tone::bad, "held", subject,
            fmt::format("the process ended with exit code {}; it starts again on the next save",
                        now.exit_code.value_or(-1)));
        shared_.reporter->last_output(subject, now.last_output);
    } else if (now.state == ProcessState::running && before && before->state == ProcessState::held) {
        shared_.reporter->line(Tone::good, "running", subject, "started again");
    } else if (now.state == ProcessState::exited) {
        shared_.reporter->line(Tone::plain, "ended", subject,
                               fmt::format("exit code {}", now.exit_code.value_or(0)));
    }
}

boost::asio::awaitable<void> PodSession::keep_current(std::string name) {
    Container& container = containers_.at(name);
    while (!stopped_) {
        if (!co_await advance(name, container) && !stopped_) co_await changed_.wait();
    }
}

boost::asio::awaitable<bool> PodSession::advance(const std::string& name, Container& container) {
    if (!link_.connected() || !container.report) co_return false;
    if (is_unknown(name, container)) {
        auto compared = co_await compare_with_pod(name, container);
        if (!compared) shared_.reporter->failure(pod_.name, compared.error());
        co_return compared.has_value();
    }
    container.service->numbered.insert(pod_.id + "/" + name);
    // A lost acknowledgement: the container's own word counts.
    container.acknowledged = std::max(container.acknowledged, container.report->generation);

    const GenerationId newest = container.service->mirror.generation();
    if (container.acknowledged == newest && !container.lacking) {
        if (container.report->state != ProcessState::gated) co_return false;
        // Now, as the number may skip on before the container's word is here.
        if (container.gate == GateOutcome::waiting) container.gate = GateOutcome::current;
        const auto released = co_await link_.release(name);
        // Where its own report is on its way; one that has come may say that the process has died since.
        if (released && container.report && container.report->state == ProcessState::gated)
            container.report->state = ProcessState::running;
        co_return released.has_value();
    }
    if (container.refused == newest) co_return false;

    SyncOutcome outcome{
        .pod = pod_.name, .container = name, .service = container.service, .generation = newest};
    const std::uint32_t starts = container.report->starts;
    const auto begun = std::chrono::steady_clock::now();
    auto generation = co_await next_generation(container);
    outcome.encode_time = std::chrono::steady_clock::now() - begun;
    if (generation) {
        outcome.generation = (*generation)->id();
        container.sent = outcome.generation;
        outcome.applied = co_await link_.apply(name, *generation);
    } else {
        outcome.applied = std::unexpected(generation.error());
    }
    if (stopped_) co_return false;
    outcome.finished = std::chrono::steady_clock::now();
    if (container.report && container.report->starts != starts) outcome.start = container.report->starts;
    if (!outcome.applied) co_return co_await take_failure(container, outcome);
    co_await take_success(name, container, outcome);
    co_return true;
}

boost::asio::awaitable<bool> PodSession::take_failure(Container& container, const SyncOutcome& outcome) {
    constexpr int kMostBusyTries = 20;
    constexpr std::chrono::milliseconds kBusy{50};
    const Error& error = outcome.applied.error();
    container.service->generations.clear();
    if (error.code == Errc::conflict && error.sys_errno == protocol::kBaseDiffers && !container.whole_files) {
        container.whole_files = true;
        co_return true;
    }
    if (error.sys_errno == EAGAIN && ++container.busy_tries < kMostBusyTries) {
        boost::asio::steady_timer timer(shared_.executor, kBusy);
        co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        co_return true;
    }
    container.busy_tries = 0;
    // A broken stream is not an outcome: after the reconnect the report tells what arrived.
    if (is_retryable(error) && error.sys_errno != EAGAIN) co_return false;
    container.refused = outcome.generation;
    shared_.on_outcome(outcome);
    co_return true;
}

boost::asio::awaitable<void> PodSession::take_success(const std::string& name, Container& container,
                                                      const SyncOutcome& outcome) {
    const auto lacking = std::exchange(container.lacking, nullptr);
    container.acknowledged = outcome.generation;
    if (container.report) container.report->generation = outcome.generation;
    container.whole_files = false;
    container.busy_tries = 0;
    shared_.on_outcome(outcome);
    tell_listening(name, container);  // its report may have come before
    boost::asio::post(*shared_.pool, [contents = container.service->contents] { contents->sign_sent(); });
    if (outcome.applied->after) shared_.reporter->failure(pod_.name + "/" + name, *outcome.applied->after);
    // A process that died is started by the next save, also by one that asks for nothing else.
    const bool is_held = container.report && container.report->state == ProcessState::held &&
                         !(lacking && lacking->paths.empty());
    if (is_held && outcome.applied->restarted.count() == 0) (void)co_await link_.release(name);
}

boost::asio::awaitable<Result<std::shared_ptr<const OutgoingGeneration>>> PodSession::next_generation(
    Container& container) {
    Service& service = *container.service;
    const GenerationId from = container.acknowledged;
    const GenerationId to = service.mirror.generation();
    const auto lacking = container.lacking;
    const bool is_own = container.whole_files || lacking;  // made for this container alone
    if (auto known = service.generations.find(from, to); known && !is_own) co_return known;

    const auto guard = co_await service.lock.acquire();
    const GenerationId newest = service.mirror.generation();
    if (auto known = service.generations.find(from, newest); known && !is_own) co_return known;
    auto paths = lacking ? merged(lacking->paths, service.mirror.changed_since(lacking->at))
                         : service.mirror.changed_since(from);
    std::vector<WantedPath> wanted;
    wanted.reserve(paths.size());
    bool is_small = true;
    auto node = service.mirror.nodes().begin();
    for (Mirror::Changed& changed : paths) {  // sorted, but for what a comparison adds
        const bool goes_on = wanted.empty() || wanted.back().image_path < changed.image_path;
        node = service.mirror.nodes().lower_bound(changed.image_path,
                                                  goes_on ? node : service.mirror.nodes().begin());
        WantedPath path{.image_path = std::move(changed.image_path)};
        if (node != service.mirror.nodes().end() && node.path() == path.image_path) {
            path.node = node->second;
            if (!container.whole_files) path.had = changed.had;
            path.bytes = service.mirror.recent_content(path.image_path);
            path.difference = service.mirror.recent_difference(path.image_path);
            path.bulky = service.mirror.is_bulky(path.image_path);
            is_small = is_small && (path.node->kind == images::FileKind::folder || path.bytes);
        }
        wanted.push_back(std::move(path));
    }
    is_small = is_small && wanted.size() <= kFewPaths;
    CO_TRY_ASSIGN(protocol::Generation assembled,
                  assemble(newest, service.mirror.managed_paths(), wanted, *service.contents));
    assembled.after = lacking ? service.steps_after(lacking->at, newest, service.steps_of(lacking->paths))
                              : service.steps_after(from, newest);
    if (!is_own) pause_for(shared_.containers_of(service), assembled.after);
    std::shared_ptr<const OutgoingGeneration> generation;
    if (is_small) {
        CO_TRY_ASSIGN(generation, OutgoingGeneration::encode(assembled));
    } else {
        const bool is_alone = is_own || shared_.containers_of(service) == 1;
        generation =
            OutgoingGeneration::start(shared_.executor, *shared_.pool,
                                      std::make_shared<const protocol::Generation>(std::move(assembled)),
                                      {.spool_folder = shared_.spool_folder,
                                       .compress = !std::holds_alternative<UnixAddress>(pod_.agent),
                                       .one_reader = is_alone});
        if (is_alone) co_return generation;
    }
    if (!is_own) service.generations.store(from, newest, generation);
    co_return generation;
}

bool PodSession::is_unknown(const std::string& name, const Container& container) const {
    if (container.lacking) return false;
    const Service& service = *container.service;
    const GenerationId reported = container.report->generation;
    if (reported == GenerationId{}) return service.image_is_older;
    // A session of this run may have known the pod, which the runtime lost sight of since.
    return !service.numbered.contains(pod_.id + "/" + name) || !service.mirror.knows(reported);
}

void PodSession::forget_comparison(const std::string& name, Container& container) const {
    if (std::exchange(container.lacking, nullptr)) container.service->numbered.erase(pod_.id + "/" + name);
}

boost::asio::awaitable<Result<>> PodSession::compare_with_pod(const std::string& name, Container& container) {
    Service& service = *container.service;
    CO_TRY_ASSIGN(const protocol::Inventory inventory, co_await link_.inventory(name));
    const auto guard = co_await service.lock.acquire();
    service.mirror.learn(service.contents->take_notes());
    CO_TRY_ASSIGN(Comparison compared, co_await on_pool(*shared_.pool, [&] {
                      return differences(inventory, service.mirror, service.gone_since_image, *service.index);
                  }));
    if (!container.report || stopped_) co_return Result<>{};  // the stream broke meanwhile
    // Containers that were brought to a number below are asked anew: they may be waiting for nothing else.
    if (service.mirror.skip_to(GenerationId{std::to_underlying(inventory.id) + 1}))
        shared_.on_renumbered(service);
    service.mirror.advance({.refreshed = std::move(compared.learned)});
    const std::size_t lacks = compared.lacks.size();
    container.lacking =
        std::make_shared<const Lacking>(Lacking{service.mirror.generation(), std::move(compared.lacks)});
    shared_.reporter->line(Tone::plain, "compared", pod_.name + "/" + name,
                           lacks == 0 ? "it has your tree already"
                                      : counted(lacks, "path") + " differ from your tree, and are sent");
    co_return Result<>{};
}

}  // namespace synchost::host
