// The part of the engine that puts together what is known of each service.
#include <algorithm>
#include <utility>

#include "base/timestamp.hpp"
#include "host/engine/engine.hpp"

namespace synchost::host {
namespace {

using Clock = std::chrono::steady_clock;

// A save changes the state of many pods at once: it is looked at for its times now and then.
constexpr std::chrono::milliseconds kBetweenLooks{200};

}  // namespace

boost::asio::awaitable<void> Engine::tell_state_changes() {
    Clock::time_point next_look{};
    while (!stop_) {
        parts_.on_state();
        if (Clock::now() < next_look) {
            co_await changed_.wait_until(next_look);
            continue;
        }
        (void)status();
        next_look = Clock::now() + kBetweenLooks;
        co_await changed_.wait();
    }
}

void Engine::take_all_pods(std::vector<PodSummary> pods) {
    // A problem is a pod's until that is ready or gone.
    std::erase_if(problems_, [&](const auto& item) {
        const auto was = std::ranges::find(all_pods_, item.first, &PodSummary::name);
        const auto is = std::ranges::find(pods, item.first, &PodSummary::name);
        return is == pods.end() ? was != all_pods_.end() : is->ready;
    });
    all_pods_ = std::move(pods);
    changed_.notify();
}

std::vector<ServiceStatus> Engine::service_statuses(const std::vector<PodStatus>& pods) const {
    std::map<std::string_view, std::vector<const PodStatus*>> sessions;
    for (const PodStatus& pod : pods) sessions[pod.workload].push_back(&pod);
    std::map<std::string_view, std::vector<const PodSummary*>> all;
    for (const PodSummary& pod : all_pods_) all[pod.workload].push_back(&pod);
    std::map<std::string_view, const Service*> images;
    std::set<std::string> built;
    for (const auto& service : services_) {
        images[service->name] = service.get();
        if (service->built) built.insert(service->name);
    }
    const Rollout::Step step = rollout_.next(built);
    const auto name_of = [&](const std::string& by) {
        const auto workload = std::ranges::find(rollout_.workloads(), by, &Workload::id);
        return workload == rollout_.workloads().end() ? "image " + by : workload->name;
    };
    const std::int64_t now = now_ns();
    std::vector<ServiceStatus> out;
    for (const Workload& workload : rollout_.workloads()) {
        ServiceKnown known{.workload = &workload,
                           .facts = &facts_.at(workload.id),
                           .images = {},
                           .pods = sessions[workload.id],
                           .all = all[workload.id],
                           .held_by = {},
                           .problem = {},
                           .problem_subject = {},
                           .deploying = is_deploying(),
                           .paused = paused_.contains(workload.id),
                           .stopped = rollout_.is_stopped(workload.id)};
        for (const std::string& image : workload.images) {
            const auto found = images.find(image);
            if (found == images.end()) continue;
            const Service& service = *found->second;
            known.images.push_back({.name = image,
                                    .building = service.building,
                                    .built = service.built,
                                    .build_error = service.build_error ? &*service.build_error : nullptr});
        }
        const auto held = std::ranges::find(step.held, &workload, &Rollout::Held::workload);
        if (held != step.held.end()) known.held_by = name_of(held->by);
        for (const auto& [subject, problem] : problems_) {
            const bool is_of_pod =
                std::ranges::find(known.all, subject, &PodSummary::name) != known.all.end();
            if (!is_of_pod && subject != workload.id) continue;
            known.problem = problem;
            known.problem_subject = subject;
        }
        ServiceCondition condition = condition_of(known);
        ServiceStatus one{.name = workload.name,
                          .workload = workload.id,
                          .labels = known.facts->labels,
                          .images = workload.images,
                          .depends_on = workload.depends_on,
                          .manual = workload.service.trigger == Trigger::manual,
                          .state = condition.state,
                          .reason = std::move(condition.reason),
                          .next_step = std::move(condition.next_step),
                          .since_ns = state_times_.since(workload.id, condition.state, now),
                          .replicas = replicas_of(known),
                          .restarts = restarts_of(known),
                          .paused = known.paused,
                          .stopped = known.stopped,
                          .ports = ports_of(workload, *known.facts, ports_, known.stopped),
                          .links = {},
                          .probes = known.facts->probes,
                          .last_change = changes_.last_of(workload.id)};
        for (const ServiceLink& link : workload.service.links) one.links.push_back({link.name, link.url});
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace synchost::host
