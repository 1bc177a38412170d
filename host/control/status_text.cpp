// Status for people.
#include <fmt/format.h>

#include "base/lines.hpp"
#include "base/rel_path.hpp"
#include "host/control/status.hpp"

namespace synchost::host {
namespace {

std::string counted(std::uint64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string_view words_of(GateOutcome outcome) {
    switch (outcome) {
        case GateOutcome::unseen:
            return "";
        case GateOutcome::waiting:
            return ", waits for its files";
        case GateOutcome::current:
            return ", started with current files";
        case GateOutcome::without_host:
            return ", started before its files were current";
    }
    return "";
}

void add_verification(std::string& out, const Verification& verified) {
    if (!verified.problem.empty()) {
        out += "    not verified: " + printable(verified.problem) + "\n";
        return;
    }
    if (verified.differing == 0) {
        out += "    equal: " + counted(verified.paths, "path") + "\n";
    } else {
        out += fmt::format("    differs: {} of {}\n", verified.differing, counted(verified.paths, "path"));
    }
    for (const PathDifference& one : verified.differences)
        out += fmt::format("      {}: {}\n", printable(one.path), printable(one.what));
    if (verified.differing > verified.differences.size())
        out += fmt::format("      and {} more\n", verified.differing - verified.differences.size());
    if (verified.foreign == 0) return;
    out += "    beside them, not of your tree: " + counted(verified.foreign, "path") + "\n";
    constexpr std::size_t kShown = 10;
    for (std::size_t i = 0; i < std::min(kShown, verified.foreign_paths.size()); ++i)
        out += "      " + printable(verified.foreign_paths[i]) + "\n";
    if (verified.foreign > kShown) out += fmt::format("      and {} more\n", verified.foreign - kShown);
}

void add_container(std::string& out, const ContainerStatus& container) {
    out += fmt::format("  {} ({}): {}, generation {}, {}{}\n", printable(container.name),
                       printable(container.image), printable(container.state), container.generation,
                       container.current ? "current" : "not current", words_of(container.gate));
    if (container.starts > 1) out += fmt::format("    started {} times\n", container.starts);
    if (container.exit_code && container.state != "running")
        out += fmt::format("    exit code {}\n", *container.exit_code);
    if (!container.last_error.empty()) {
        for (const std::string_view line : lines_of(container.last_error))
            out += "    error: " + printable(line) + "\n";
        if (!container.next_step.empty()) out += "    " + printable(container.next_step) + "\n";
    }
    if (container.state == "held" && !container.last_output.empty()) {
        std::string_view output = container.last_output;
        if (output.ends_with('\n')) output.remove_suffix(1);
        for (const std::string_view line : lines_of(output)) out += "    | " + printable(line) + "\n";
    }
    if (container.verified) add_verification(out, *container.verified);
}

void add_service(std::string& out, const ServiceStatus& service) {
    out += fmt::format("service {} ({}): {}", printable(service.name), printable(service.workload),
                       to_string(service.state));
    if (service.replicas.wanted && service.state != ServiceState::stopped)
        out += fmt::format(", {} of {}", service.replicas.current, counted(*service.replicas.wanted, "pod"));
    if (service.paused && service.state != ServiceState::paused) out += ", paused";
    out += '\n';
    const std::string_view reason = service.reason;
    for (const std::string_view line : reason.empty() ? std::vector<std::string_view>() : lines_of(reason))
        out += "  " + printable(line) + "\n";
    if (!service.next_step.empty()) out += "  " + printable(service.next_step) + "\n";
    for (const PortStatus& port : service.ports) {
        if (port.is_open()) out += fmt::format("  port {}: {}\n", port.port, printable(port.url));
        if (!port.problem.empty()) out += fmt::format("  port {}: {}\n", port.port, printable(port.problem));
    }
    for (const LinkStatus& link : service.links)
        out += "  " + printable(link.name) + ": " + printable(link.url) + "\n";
}

}  // namespace

std::string to_text(const Status& status) {
    std::string out = fmt::format("{}: synchost {}, pid {}, {}\n", printable(status.project),
                                  printable(status.version), status.pid, printable(status.folder));
    if (!status.ui.empty()) out += "page " + printable(status.ui) + "\n";
    for (const ImageStatus& image : status.images) {
        out += fmt::format("image {}: generation {}, {}{}{}\n", printable(image.name), image.generation,
                           counted(image.paths, "path"), image.building ? ", is being built" : "",
                           image.build_failed ? ", the last build failed" : "");
    }
    if (status.deploying) out += "being deployed\n";
    for (const ServiceStatus& service : status.services) add_service(out, service);
    if (status.pods.empty()) out += "no pods yet\n";
    for (const PodStatus& pod : status.pods) {
        out += fmt::format("pod {} ({}){}\n", printable(pod.name), printable(pod.workload),
                           pod.connected ? "" : ": not connected");
        for (const ContainerStatus& container : pod.containers) add_container(out, container);
    }
    return out;
}

}  // namespace synchost::host
