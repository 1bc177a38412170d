#include "host/engine/service_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/lines.hpp"
#include "host/engine/reporter.hpp"

namespace synchost::host {
namespace {

using Condition = std::optional<ServiceCondition>;

constexpr ServiceState kFailed = ServiceState::failed;

std::string first_line(const std::string& text) {
    return std::string(lines_of(text).front());
}

// Of the first container that is so, with the name by which it is known: "api-0/web".
template <typename Is>
std::pair<const ContainerStatus*, std::string> find_container(const ServiceKnown& known, Is is) {
    for (const PodStatus* pod : known.pods) {
        for (const ContainerStatus& container : pod->containers) {
            if (is(container)) return {&container, pod->name + "/" + container.name};
        }
    }
    return {nullptr, {}};
}

Condition building(const ServiceKnown& known) {
    std::vector<std::string> names;
    for (const ServiceKnown::Image& image : known.images) {
        if (image.building) names.push_back(image.name);
    }
    if (names.empty()) return std::nullopt;
    return ServiceCondition{ServiceState::building, "image " + listed(names) + " is being built", {}};
}

Condition failed(const ServiceKnown& known) {
    for (const ServiceKnown::Image& image : known.images) {
        if (image.build_error == nullptr) continue;
        return ServiceCondition{
            kFailed, "the build of " + image.name + " failed: " + first_line(image.build_error->message),
            image.build_error->next_step.empty() ? "The next save of a file that it reads builds it again."
                                                 : image.build_error->next_step};
    }
    const auto [broken, name] =
        find_container(known, [](const ContainerStatus& one) { return !one.last_error.empty(); });
    if (broken != nullptr)
        return ServiceCondition{kFailed, name + ": " + first_line(broken->last_error), broken->next_step};
    if (known.problem) {
        return ServiceCondition{kFailed, known.problem_subject + ": " + first_line(known.problem->message),
                                known.problem->next_step};
    }
    const auto [ended, where] = find_container(known, [](const ContainerStatus& one) {
        return one.state == "exited" && one.exit_code.value_or(0) != 0;
    });
    if (ended != nullptr) {
        return ServiceCondition{kFailed, fmt::format("{} ended with exit code {}", where, *ended->exit_code),
                                "What it wrote: synchost logs " + known.workload->name};
    }
    // A Job tries again, and a Deployment replaces what was evicted: those that failed may be left over.
    if (known.all.empty() || !std::ranges::all_of(known.all, &PodSummary::failed)) return std::nullopt;
    return ServiceCondition{kFailed, known.all.front()->name + " has failed",
                            "What it wrote: synchost logs " + known.workload->name};
}

Condition crashed(const ServiceKnown& known) {
    const auto [held, name] =
        find_container(known, [](const ContainerStatus& one) { return one.state == "held"; });
    if (held == nullptr) return std::nullopt;
    return ServiceCondition{
        ServiceState::crashed,
        held->exit_code ? fmt::format("{}: exit code {}", name, *held->exit_code)
                        : name + ": its process died",
        "Mend it and save: the process starts again in its pod. As it is: synchost restart " +
            known.workload->name};
}

Condition paused(const ServiceKnown& known) {
    if (!known.paused) return std::nullopt;
    return ServiceCondition{
        ServiceState::paused, "saves wait until it is resumed: synchost resume " + known.workload->name, {}};
}

Condition waiting(const ServiceKnown& known) {
    if (!known.held_by.empty())
        return ServiceCondition{ServiceState::waiting, "it waits for " + known.held_by, {}};
    const auto [gated, name] =
        find_container(known, [](const ContainerStatus& one) { return one.state == "gated"; });
    if (gated != nullptr) return ServiceCondition{ServiceState::waiting, name + " waits for its files", {}};
    const bool has_pods = !known.pods.empty() || !known.all.empty();
    if (!has_pods && known.facts->wanted == std::uint64_t{0})
        return ServiceCondition{ServiceState::waiting, "its manifest asks for no pods", {}};
    if (!has_pods && !known.deploying && known.facts->ends)
        return ServiceCondition{ServiceState::waiting, "no pod of it runs now", {}};
    return std::nullopt;
}

bool has_ended(const ServiceKnown& known) {
    const auto ended = [](const ContainerStatus& one) { return one.state == "exited"; };
    if (!known.pods.empty()) {
        return std::ranges::all_of(known.pods, [&](const PodStatus* pod) {
            return !pod->containers.empty() && std::ranges::all_of(pod->containers, ended);
        });
    }
    return std::ranges::any_of(known.all, &PodSummary::ended) &&
           std::ranges::all_of(known.all, [](const PodSummary* pod) { return pod->ended || pod->failed; });
}

Condition deploying(const ServiceKnown& known) {
    const auto because = [](std::string why) {
        return ServiceCondition{ServiceState::deploying, std::move(why), {}};
    };
    const ReplicaCount count = replicas_of(known);
    if (count.there == 0) return because("its pods are being made");
    const auto away = std::ranges::find_if(known.pods, [](const PodStatus* pod) { return !pod->connected; });
    if (away != known.pods.end()) return because((*away)->name + " is not connected");
    if (count.current < count.there)
        return because(fmt::format("{} of {} current", count.current, counted(count.there, "pod")));
    if (count.wanted && count.there < *count.wanted)
        return because(fmt::format("{} of {} there", count.there, counted(*count.wanted, "pod")));
    return std::nullopt;
}

}  // namespace

ServiceCondition condition_of(const ServiceKnown& known) {
    if (known.stopped) {
        return {ServiceState::stopped,
                "as asked; it comes back with: synchost start " + known.workload->name,
                {}};
    }
    for (const auto& look : {building, failed, crashed, paused, waiting}) {
        if (auto found = look(known)) return *std::move(found);
    }
    if (has_ended(known)) return {ServiceState::ended, "it ran to its end", {}};
    return deploying(known).value_or(ServiceCondition{ServiceState::running, {}, {}});
}

ReplicaCount replicas_of(const ServiceKnown& known) {
    ReplicaCount out{.wanted = known.stopped ? std::uint64_t{0} : known.facts->wanted};
    out.there = std::max(known.pods.size(), known.all.size());
    if (known.workload->images.empty()) {
        out.current = static_cast<std::uint64_t>(
            std::ranges::count_if(known.all, [](const PodSummary* pod) { return pod->ready || pod->ended; }));
        return out;
    }
    out.current = static_cast<std::uint64_t>(std::ranges::count_if(known.pods, [](const PodStatus* pod) {
        return std::ranges::all_of(pod->containers, &ContainerStatus::current);
    }));
    return out;
}

std::uint64_t restarts_of(const ServiceKnown& known) {
    std::uint64_t out = 0;
    for (const PodStatus* pod : known.pods) {
        for (const ContainerStatus& container : pod->containers)
            out += container.starts > 1 ? container.starts - 1 : 0;
    }
    return out;
}

std::vector<PortStatus> ports_of(const Workload& workload, const WorkloadFacts& facts,
                                 const std::vector<ForwardedPort>& forwarded, bool stopped) {
    std::vector<PortStatus> out;
    const auto add = [&](std::uint16_t port, const ForwardedPort* open) {
        if (std::ranges::find(out, port, &PortStatus::port) != out.end()) return;
        PortStatus one{.port = port};
        if (open != nullptr && !stopped) {
            one.local = open->local;
            one.url = fmt::format("http://127.0.0.1:{}", open->local);
            one.problem = open->problem;
        }
        out.push_back(std::move(one));
    };
    const auto find = [&](const std::string& subject, std::uint16_t port) -> const ForwardedPort* {
        const auto found = std::ranges::find_if(
            forwarded, [&](const ForwardedPort& one) { return one.service == subject && one.port == port; });
        return found == forwarded.end() ? nullptr : &*found;
    };
    for (const WorkloadFacts::Port& port : facts.ports) add(port.port, find(port.service, port.port));
    for (const ForwardedPort& port : forwarded) {
        if (port.service == workload.id) add(port.port, &port);
    }
    for (const ServicePort& port : workload.service.ports) add(port.port, find(workload.id, port.port));
    return out;
}

std::int64_t StateTimes::since(const std::string& workload, ServiceState state, std::int64_t now) {
    const auto [found, is_new] = times_.try_emplace(workload, state, now);
    if (found->second.first != state) found->second = {state, now};
    return found->second.second;
}

void StateTimes::keep_only(const std::vector<Workload>& workloads) {
    std::erase_if(times_, [&](const auto& item) {
        return std::ranges::find(workloads, item.first, &Workload::id) == workloads.end();
    });
}

}  // namespace synchost::host
