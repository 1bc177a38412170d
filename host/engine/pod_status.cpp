// What a pod's session tells of its containers, and fetches from them for others.
#include <utility>

#include "host/engine/pod_session.hpp"

namespace synchost::host {
namespace {

using protocol::ProcessState;

std::string_view name_of(ProcessState state) {
    switch (state) {
        case ProcessState::gated:
            return "gated";
        case ProcessState::running:
            return "running";
        case ProcessState::held:
            return "held";
        case ProcessState::exited:
            return "exited";
    }
    return "unknown";
}

// The last bytes, from the beginning of a line where one begins among them.
std::string last_of(const std::string& output) {
    if (output.size() <= kMaxStatusOutputBytes) return output;
    std::string last = output.substr(output.size() - kMaxStatusOutputBytes);
    const std::size_t newline = last.find('\n');
    return newline == std::string::npos ? last : last.substr(newline + 1);
}

}  // namespace

PodStatus PodSession::status() const {
    PodStatus out{
        .name = pod_.name, .workload = pod_.workload, .connected = link_.connected(), .containers = {}};
    for (const auto& [name, container] : containers_) {
        ContainerStatus one{.name = name, .image = container.service->name, .state = "unknown"};
        one.generation = std::to_underlying(container.acknowledged);
        one.gate = container.gate;
        if (container.report) {
            const protocol::ContainerReport& report = *container.report;
            one.state = name_of(report.state);
            one.starts = report.starts;
            one.exit_code = report.exit_code;
            one.last_output = last_of(report.last_output);
            const bool ran = report.state == ProcessState::running || report.state == ProcessState::exited;
            one.current = ran && container.acknowledged == container.service->mirror.generation();
        }
        out.containers.push_back(std::move(one));
    }
    return out;
}

void PodSession::note_gate(Container& container, const protocol::ContainerReport& report) {
    const auto newest = container.service->mirror.generation();
    if (report.state == ProcessState::gated) {
        container.gate = GateOutcome::waiting;
    } else if (container.gate == GateOutcome::waiting) {
        const auto has = std::max(container.acknowledged, report.generation);
        const bool current = has == newest || (has == container.sent && has != protocol::GenerationId{});
        container.gate = current ? GateOutcome::current : GateOutcome::without_host;
    } else if (!container.report && container.gate == GateOutcome::unseen && report.generation < newest &&
               !container.service->image_is_older) {
        container.gate = GateOutcome::without_host;
    }
}

boost::asio::awaitable<Result<protocol::Inventory>> PodSession::inventory(std::string container) {
    const auto self = shared_from_this();
    co_return co_await link_.inventory(std::move(container));
}

boost::asio::awaitable<Result<protocol::TreeDigest>> PodSession::digest(std::string container) {
    const auto self = shared_from_this();
    co_return co_await link_.digest(std::move(container));
}

boost::asio::awaitable<Result<>> PodSession::restart(std::string container) {
    const auto self = shared_from_this();
    co_return co_await link_.restart(std::move(container));
}

}  // namespace synchost::host
