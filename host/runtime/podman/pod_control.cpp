#include "host/runtime/podman/pod_control.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/xxh3.hpp"
#include "host/runtime/podman/log_line.hpp"
#include "host/runtime/podman/pod_states.hpp"

namespace synchost::host::podman {
namespace {

constexpr std::chrono::minutes kPullTime{15};
constexpr std::chrono::seconds kRemoveTime{60};
constexpr std::size_t kLastLines = 5;
constexpr int kNetworkAttempts = 3;
constexpr int kRemoveAttempts = 4;
constexpr std::chrono::milliseconds kBetweenRemovals{300};

std::string first_line(std::string text) {
    return text.substr(0, text.find('\n'));
}

// The line after "Pod:" in the output of kube play.
std::string played_id(const std::string& output) {
    std::istringstream lines(output);
    std::string line;
    while (std::getline(lines, line)) {
        if (line == "Pod:" && std::getline(lines, line)) return line;
    }
    return {};
}

std::vector<std::string> last_lines(const std::filesystem::path& log) {
    std::deque<std::string> out;
    LogLines lines;
    for (ContainerLine& line : lines.feed(read_file(log).value_or(""))) {
        out.push_back(printable(line.text));
        if (out.size() > kLastLines) out.pop_front();
    }
    return {out.begin(), out.end()};
}

Json parse_or_null(const std::string& text) {
    Json out = Json::parse(text, nullptr, false);
    return out.is_discarded() ? Json() : out;
}

// The same for the same address: a pod that replaces another is then reached by what its neighbours remember
// of the old one, which would otherwise cost them half a minute.
std::string mac_address(const std::string& address) {
    std::istringstream parts(address);
    std::string out = "02:73";
    for (std::string part; std::getline(parts, part, '.');) {
        constexpr char kDigits[] = "0123456789abcdef";
        const auto value = static_cast<std::size_t>(std::atoi(part.c_str())) & 255U;
        out += ':';
        out += kDigits[value >> 4];
        out += kDigits[value & 15];
    }
    return out;
}

Result<std::vector<Subnet>> used_subnets(const Cli& cli) {
    std::vector<Subnet> used = parse_routes(read_file("/proc/net/route").value_or(""));
    TRY_ASSIGN(const std::string listing, cli.run({"network", "ls", "--format", "json"}));
    for (const Json& network : parse_or_null(listing)) {
        for (const Json& subnet : field(network, "subnets")) {
            if (const auto parsed = parse_subnet(text(subnet, "subnet"))) used.push_back(*parsed);
        }
    }
    return used;
}

}  // namespace

Result<std::string> play_pod(const Cli& cli, const PodPlan& plan, const std::string& podman_name,
                             const std::string& network, const std::string& address,
                             const std::string& label) {
    auto played = cli.run(
        {"kube", "play", "--network", network, "--ip", address, "--mac-address", mac_address(address), "-"},
        plan.yaml(), kPullTime);
    std::string id = played ? played_id(*played) : std::string();
    if (played && !id.empty()) return id;
    if (id = own_pod(cli, podman_name, label); played && !id.empty()) return id;
    if (!id.empty()) static_cast<void>(remove_pod(cli, id, std::chrono::seconds(0)));
    if (!played) return std::unexpected(std::move(played.error()));
    return fail(Errc::cluster, "podman kube play told no pod");
}

Result<> set_service_rules(const Cli& cli, const std::string& id, const std::string& rules) {
    // All containers of the pod share the network namespace of its infra container.
    TRY_ASSIGN(const std::string pid,
               cli.run({"container", "inspect", "--format", "{{.State.Pid}}", id.substr(0, 12) + "-infra"}));
    Command command{
        .argv = {"nsenter", "--net=/proc/" + first_line(pid) + "/ns/net", "iptables-restore", "-w", "10"},
        .input = rules};
    // An ordinary user's pods live in a user namespace that only podman knows how to enter.
    if (::geteuid() != 0) command.argv.insert(command.argv.begin(), {"podman", "unshare"});
    TRY(check_output(command, Errc::cluster));
    return {};
}

Result<> remove_pod(const Cli& cli, const std::string& id, std::chrono::seconds grace) {
    if (grace.count() > 0) {
        static_cast<void>(cli.run({"pod", "stop", "--ignore", "-t", std::to_string(grace.count()), id}, {},
                                  grace + kRemoveTime));
    }
    // A container that is ending on its own meanwhile makes podman give up half-way; the next try finds it
    // ended.
    Result<> outcome;
    for (int attempt = 0; attempt < kRemoveAttempts; ++attempt) {
        auto removed = cli.run({"pod", "rm", "-f", "-t", "0", "--ignore", id}, {}, kRemoveTime);
        if (removed) return {};
        outcome = std::unexpected(std::move(removed.error()));
        std::this_thread::sleep_for(kBetweenRemovals);
    }
    return outcome;
}

std::string own_pod(const Cli& cli, const std::string& podman_name, const std::string& label) {
    const auto shown = cli.run({"pod", "inspect", podman_name});
    if (!shown) return {};
    const Json pod = parse_or_null(*shown);
    return text(field(pod, "Labels"), kProjectLabel) == label ? text(pod, "Id") : std::string();
}

Result<std::set<std::string>> existing_pods(const Cli& cli) {
    TRY_ASSIGN(const std::string listing,
               cli.run({"pod", "ps", "--no-trunc", "--format", "{{.Id}} {{.Status}}"}));
    std::set<std::string> out;
    std::istringstream lines(listing);
    std::string id;
    for (std::string rest; lines >> id && std::getline(lines, rest);) {
        if (!rest.contains("Exited") && !rest.contains("Stopped") && !rest.contains("Dead")) out.insert(id);
    }
    return out;
}

Result<std::vector<ContainerState>> container_states(const Cli& cli, const std::string& podman_name,
                                                     const std::vector<std::string>& containers) {
    std::vector<std::string> command = {"container", "inspect"};
    for (const std::string& name : containers) command.push_back(podman_name + "-" + name);
    TRY_ASSIGN(const std::string shown, cli.run(std::move(command)));
    std::vector<ContainerState> out;
    for (const Json& container : parse_or_null(shown)) {
        const Json& state = field(container, "State");
        const std::string name = text(container, "Name");
        out.push_back({.name = name.substr(std::min(podman_name.size() + 1, name.size())),
                       .status = text(state, "Status"),
                       .exit_code = static_cast<int>(integer(state, "ExitCode", 0)),
                       .restarts = static_cast<int>(integer(container, "RestartCount", 0)),
                       .log = text(field(field(container, "HostConfig"), "LogConfig"), "Path")});
    }
    return out;
}

bool ContainerState::has_ended() const {
    return is_end(status) || restarts > 0;
}

std::string describe(const ContainerState& state) {
    std::string out = "container " + state.name + ": " + state.status;
    if (is_end(state.status)) out += " with code " + std::to_string(state.exit_code);
    if (state.restarts > 0) out += ", restarted " + std::to_string(state.restarts) + " times";
    std::string separator = ": ";
    for (const std::string& line : last_lines(state.log)) {
        out += separator + line;
        separator = " | ";
    }
    return out;
}

Result<std::string> make_network(const Cli& cli, const std::string& name, const std::string& label) {
    const std::uint64_t seed = xxh3_64(name);
    std::vector<Subnet> refused;  // another program may have taken it since we looked
    Error last;
    for (int attempt = 0; attempt < kNetworkAttempts; ++attempt) {
        TRY_ASSIGN(std::vector<Subnet> used, used_subnets(cli));
        used.insert(used.end(), refused.begin(), refused.end());
        TRY_ASSIGN(std::string prefix, choose_subnet(used, seed));
        auto made = cli.run({"network", "create", "--disable-dns", "--subnet", prefix + ".0/24", "--label",
                             std::string(kProjectLabel) + "=" + label, name});
        if (made) return prefix;
        last = std::move(made.error());
        refused.push_back(*parse_subnet(prefix + ".0/24"));
    }
    return std::unexpected(std::move(last));
}

Result<> check_non_root(const Cli& cli, const NonRootImage& image) {
    if (!cli.run({"image", "exists", image.image})) TRY(cli.run({"pull", "-q", image.image}, {}, kPullTime));
    TRY_ASSIGN(std::string user, cli.run({"image", "inspect", "--format", "{{.User}}", image.image}));
    user = first_line(std::move(user));
    user = user.substr(0, user.find(':'));
    const bool number = !user.empty() && user.find_first_not_of("0123456789") == std::string::npos;
    if (number && user.find_first_not_of('0') != std::string::npos) return {};
    return fail(Errc::invalid_input,
                image.place + ": runAsNonRoot is set, and the user of " + image.image + " is " +
                    (user.empty() ? "root" : "\"" + printable(user) + "\""),
                "Set runAsUser in the securityContext to a number other than 0.");
}

}  // namespace synchost::host::podman
