#include "host/runtime/podman/podman_runtime.hpp"

#include <unistd.h>

#include <algorithm>
#include <future>
#include <iterator>
#include <mutex>
#include <thread>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/xxh3.hpp"
#include "host/runtime/podman/log_follow.hpp"
#include "host/runtime/podman/pod_control.hpp"
#include "host/runtime/podman/pod_files.hpp"
#include "host/runtime/podman/pod_states.hpp"
#include "host/runtime/podman/port_plan.hpp"
#include "host/runtime/podman/record.hpp"
#include "host/runtime/podman/registry_process.hpp"
#include "host/runtime/project_lock.hpp"

namespace synchost::host {
namespace {

using namespace podman;  // NOLINT: the room of this file
namespace fs = std::filesystem;

constexpr std::chrono::seconds kAgentTime{30};
constexpr std::chrono::milliseconds kLookForSocket{20};
constexpr std::chrono::milliseconds kLookForExit{500};
constexpr std::chrono::seconds kDescribeTime{5};

bool is_loopback(std::string_view registry) {
    return registry.starts_with("127.") || registry.starts_with("localhost:") ||
           registry.starts_with("[::1]");
}

struct Running {
    RunningPod pod;
    std::string podman_name;
    std::string hash;
    std::chrono::seconds grace{};
    std::string service_rules;  // as its network namespace has them
};

// A pod that is to run, with all that its plan needs.
struct Wanted {
    const Seat* seat = nullptr;
    std::string address;
    PodPlan plan;
    std::string hash;
};

class PodmanRuntime : public Runtime {
  public:
    PodmanRuntime(PodmanOptions options, Fd lock, Cli cli)
        : options_(std::move(options)), lock_(std::move(lock)), cli_(std::move(cli)) {
        label_ = xxh3(options_.state.native()).hex().substr(0, 12);
        network_ = "synchost-" + label_;
    }
    ~PodmanRuntime() override { static_cast<void>(down()); }

    Result<> prepare() {
        remove_leftovers();
        TRY(make_folders(options_.state / "bin", 0755));
        return write_file_atomic(options_.state / "bin" / "synchost-agent", options_.agent_binary, 0555);
    }

    [[nodiscard]] std::string description() const override { return "podman runtime"; }
    void observe(RuntimeEvents events) override { events_ = std::move(events); }
    Result<RegistryAddress> registry() override;
    Result<> apply(const std::vector<k8s::Manifest>& manifests, const k8s::InjectOptions& options,
                   const std::vector<ExtraPort>& ports) override;
    // apply() waits for the agents, podman for the rest.
    Result<> wait_until_ready(const std::set<std::string>&) override { return {}; }
    void interrupt() override {}  // every step here has a deadline of its own
    Result<std::vector<ForwardedPort>> ports() override { return ports_.ports(); }
    Result<PodsDetail> describe(const std::set<std::string>& workloads) override;
    Result<> follow_logs(std::function<void(const LogLine&)> on_line) override {
        return logs_.start(std::move(on_line));
    }
    Result<> down() override;
    Result<> leave() override;

  private:
    void remove_leftovers();
    void keep_last_lines(const std::string& podman_name, const std::string& id, const PodRecord& pod);
    Result<> save() const { return record_.save(options_.state / "pods.json"); }
    Result<> ensure_network();
    void note_ignored(const std::vector<std::string>& ignored);
    void note_ports(const std::vector<ExtraPort>& ports);
    Result<std::vector<Wanted>> plan(const Seats& seats, const std::vector<k8s::Manifest>& manifests,
                                     const k8s::InjectOptions& options);
    Result<> remove(const std::vector<std::string>& names);
    Result<> start(const Wanted& wanted);
    Result<> update_service_rules();
    Result<> wait_for_agent(const Wanted& wanted) const;
    Result<> check_agent(const Wanted& wanted, bool late) const;

    PodmanOptions options_;
    RuntimeEvents events_;
    Fd lock_;
    Cli cli_;
    std::string label_;
    std::string network_;
    Record record_;
    AddressBook addresses_;
    PortPlan ports_;
    LogFollower logs_;
    std::optional<RegistryProcess> registry_;
    std::map<std::string, Running> running_;  // by seat
    std::string service_rules_;               // that every pod is to have
    std::set<std::string> noted_;
    std::mutex started_mutex_;
    std::vector<StartedPod> started_;  // of the last apply(), for describe()
    bool is_left_ = false;
};

void PodmanRuntime::remove_leftovers() {
    const Record left = Record::load(options_.state / "pods.json");
    for (const auto& [name, pod] : left.pods) {
        const std::string known = pod.id.empty() ? own_pod(cli_, name, label_) : pod.id;
        if (known.empty()) continue;
        keep_last_lines(name, known, pod);
        log(LogLevel::info, "podman", "leftover_removed", {{"pod", name}});
        if (auto gone = remove_pod(cli_, known, std::chrono::seconds(0)); !gone) {
            log(LogLevel::warn, "podman", "leftover_stays", {{"pod", name}, {"error", gone.error().message}});
        }
    }
    if (left.network == network_) static_cast<void>(cli_.run({"network", "rm", network_}));
    end_leftover_registry(left.registry, options_.state / "registry");
    remove_pod_files(options_.state / "pods");
}

// What it wrote since its watch was killed is read before it is removed.
void PodmanRuntime::keep_last_lines(const std::string& podman_name, const std::string& id,
                                    const PodRecord& pod) {
    if (pod.containers.empty()) return;
    const auto states = container_states(cli_, podman_name, pod.containers);
    if (!states) return;  // it is gone already
    for (const ContainerState& state : *states) {
        if (auto kept = logs_.add_ended({pod.workload, pod.name, state.name, id}, state.log); !kept)
            log(LogLevel::warn, "podman", "no_logs",
                {{"container", state.name}, {"error", kept.error().message}});
    }
}

Result<RegistryAddress> PodmanRuntime::registry() {
    if (!registry_ && !options_.registry) {
        TRY_ASSIGN(registry_,
                   RegistryProcess::start(options_.state / "registry", options_.cache / "registry"));
        record_.registry = registry_->pid();
        TRY(save());
    }
    const std::string address = registry_ ? registry_->address() : *options_.registry;
    const std::string host = address.substr(0, address.find('/'));
    if (is_loopback(host)) TRY(cli_.allow_plain_http(host));
    return RegistryAddress{address, address};
}

Result<> PodmanRuntime::ensure_network() {
    if (!record_.network.empty()) return {};
    record_.network = network_;
    TRY(save());
    auto prefix = make_network(cli_, network_, label_);
    if (!prefix) {
        record_.network.clear();
        return std::unexpected(std::move(prefix.error()));
    }
    addresses_ = AddressBook(*std::move(prefix));
    return {};
}

void PodmanRuntime::note_ports(const std::vector<ExtraPort>& ports) {
    for (const ExtraPort& port : ports) {
        const std::string what = "port " + std::to_string(port.port);
        if (!noted_.insert(port.workload + " " + what).second || !events_.on_note) continue;
        events_.on_note(port.workload, what + " does not lead here: on podman only those of Services do");
    }
}

void PodmanRuntime::note_ignored(const std::vector<std::string>& ignored) {
    for (const std::string& what : ignored) {
        if (noted_.insert(what).second) log(LogLevel::info, "podman", "ignored", {{"manifest", what}});
    }
}

Result<std::vector<Wanted>> PodmanRuntime::plan(const Seats& seats,
                                                const std::vector<k8s::Manifest>& manifests,
                                                const k8s::InjectOptions& options) {
    TRY_ASSIGN(const ConfigStore config, ConfigStore::read(manifests));
    TRY_ASSIGN(const std::vector<ServicePlan> services, plan_services(manifests, seats.seats));
    Surroundings around{.options = &options,
                        .config = &config,
                        .services = &services,
                        .state = options_.state,
                        .label = label_,
                        .resource_limits = geteuid() == 0};
    std::vector<std::string> addresses;
    for (const Seat& seat : seats.seats) {
        TRY_ASSIGN(addresses.emplace_back(), addresses_.address(seat.name));
    }
    service_rules_ = service_rules(services, addresses);
    TRY_ASSIGN(const auto published, ports_.choose(services, seats.seats.size()));
    std::vector<Wanted> out;
    for (std::size_t i = 0; i < seats.seats.size(); ++i) {
        const Seat& seat = seats.seats[i];
        TRY_ASSIGN(PodPlan made, translate(seat, addresses[i], published[i], around));
        std::string hash = made.hash();
        out.push_back({&seat, addresses[i], std::move(made), std::move(hash)});
    }
    return out;
}

Result<> PodmanRuntime::remove(const std::vector<std::string>& names) {
    std::vector<std::pair<std::string, std::future<Result<>>>> tasks;
    for (const std::string& name : names) {
        const Running& pod = running_.at(name);
        tasks.emplace_back(name, std::async(std::launch::async, [this, id = pod.pod.id, grace = pod.grace] {
                               return remove_pod(cli_, id, grace);
                           }));
    }
    Result<> outcome;
    for (auto& [name, task] : tasks) {
        if (auto removed = task.get(); !removed) {
            outcome = std::unexpected(std::move(removed.error()).context(name));
            continue;
        }
        logs_.remove(name);
        record_.pods.erase(running_.at(name).podman_name);
        running_.erase(name);
        remove_pod_files(options_.state / "pods" / name);
    }
    TRY(save());
    return outcome;
}

Result<> PodmanRuntime::start(const Wanted& wanted) {
    const Seat& seat = *wanted.seat;
    TRY(make_pod_files(pod_folder(options_.state, seat), wanted.plan, options_.key));
    record_.pods[seat.podman_name] = {
        .id = {}, .workload = seat.workload, .name = seat.name, .containers = wanted.plan.app_containers};
    TRY(save());
    auto id = play_pod(cli_, wanted.plan, seat.podman_name, network_, wanted.address, label_);
    if (!id) {
        record_.pods.erase(seat.podman_name);
        TRY(save());
        return std::unexpected(std::move(id.error()).context(seat.place));
    }
    record_.pods[seat.podman_name].id = *id;
    running_[seat.name] = {.pod = {.workload = seat.workload,
                                   .name = seat.name,
                                   .id = *id,
                                   .agent = UnixAddress{wanted.plan.agent_socket},
                                   .containers = wanted.plan.wrapped},
                           .podman_name = seat.podman_name,
                           .hash = wanted.hash,
                           .grace = wanted.plan.grace};
    TRY(save());
    TRY_ASSIGN(const auto states, container_states(cli_, seat.podman_name, wanted.plan.app_containers));
    for (const ContainerState& state : states) {
        if (auto followed = logs_.add({seat.workload, seat.name, state.name, *id}, state.log); !followed) {
            log(LogLevel::warn, "podman", "no_logs",
                {{"container", state.name}, {"error", followed.error().message}});
        }
    }
    return {};
}

Result<> PodmanRuntime::update_service_rules() {
    for (auto& [name, running] : running_) {
        if (running.service_rules == service_rules_) continue;
        if (auto set = set_service_rules(cli_, running.pod.id, service_rules_); !set) {
            return std::unexpected(std::move(set.error()).context("Services of pod " + name));
        }
        running.service_rules = service_rules_;
    }
    return {};
}

Result<> PodmanRuntime::check_agent(const Wanted& wanted, bool late) const {
    std::vector<std::string> names = wanted.plan.app_containers;
    names.emplace_back(kSidecarName);
    TRY_ASSIGN(const auto states, container_states(cli_, wanted.seat->podman_name, names));
    std::string told;
    bool sidecar_ended = false;
    for (const ContainerState& state : states) {
        const bool ended = state.has_ended();
        sidecar_ended = sidecar_ended || (ended && state.name == kSidecarName);
        if (ended || late) told += (told.empty() ? "" : "; ") + podman::describe(state);
    }
    if (!sidecar_ended && !late) return {};
    return fail(late ? Errc::timeout : Errc::cluster,
                wanted.seat->place + ": the agent does not answer: " + told,
                "See `podman logs " + wanted.seat->podman_name + "-" + std::string(kSidecarName) + "`.");
}

Result<> PodmanRuntime::wait_for_agent(const Wanted& wanted) const {
    if (wanted.plan.agent_socket.empty()) return {};
    const auto deadline = std::chrono::steady_clock::now() + kAgentTime;
    auto next_check = std::chrono::steady_clock::now() + kLookForExit;
    while (!fs::exists(wanted.plan.agent_socket)) {
        const auto now = std::chrono::steady_clock::now();
        if (now >= next_check) {
            TRY(check_agent(wanted, now >= deadline));
            next_check = now + kLookForExit;
        }
        std::this_thread::sleep_for(kLookForSocket);
    }
    return {};
}

Result<> PodmanRuntime::apply(const std::vector<k8s::Manifest>& manifests, const k8s::InjectOptions& options,
                              const std::vector<ExtraPort>& ports) {
    TRY_ASSIGN(const Seats seats, list_seats(manifests, options_.project));
    note_ignored(seats.ignored);
    note_ports(ports);
    TRY(ensure_network());
    TRY_ASSIGN(const std::vector<Wanted> wanted, plan(seats, manifests, options));
    for (const Wanted& pod : wanted) {
        for (const NonRootImage& image : pod.plan.non_root) TRY(check_non_root(cli_, image));
    }
    TRY_ASSIGN(const auto existing, existing_pods(cli_));
    std::vector<std::string> outdated;
    for (const auto& [name, running] : running_) {
        const auto same =
            std::ranges::find_if(wanted, [&](const Wanted& pod) { return pod.seat->name == name; });
        if (same == wanted.end()) addresses_.forget(name);
        if (same == wanted.end() || same->hash != running.hash || !existing.contains(running.pod.id))
            outdated.push_back(name);
    }
    TRY(remove(outdated));
    std::vector<const Wanted*> started;
    for (const Wanted& pod : wanted) {
        if (running_.contains(pod.seat->name)) continue;
        TRY(start(pod));
        started.push_back(&pod);
    }
    TRY(update_service_rules());
    for (const Wanted* pod : started) TRY(wait_for_agent(*pod));
    std::vector<RunningPod> pods;
    std::vector<PodSummary> all;
    for (const Wanted& pod : wanted) {
        pods.push_back(running_.at(pod.seat->name).pod);
        all.push_back({.workload = pod.seat->workload, .name = pod.seat->name, .ready = true});
    }
    {
        const std::scoped_lock lock(started_mutex_);
        started_.clear();
        for (const Wanted& pod : wanted) {
            started_.push_back({.workload = pod.seat->workload,
                                .name = pod.seat->name,
                                .podman_name = pod.seat->podman_name,
                                .id = running_.at(pod.seat->name).pod.id});
        }
    }
    if (events_.on_all_pods) events_.on_all_pods(std::move(all));
    if (events_.on_pods) events_.on_pods(std::move(pods));
    return {};
}

Result<PodsDetail> PodmanRuntime::describe(const std::set<std::string>& workloads) {
    std::vector<StartedPod> pods;
    {
        const std::scoped_lock lock(started_mutex_);
        std::ranges::copy_if(started_, std::back_inserter(pods),
                             [&](const StartedPod& pod) { return workloads.contains(pod.workload); });
    }
    if (pods.empty()) return PodsDetail{};
    std::vector<std::string> command = {"ps", "--all", "--no-trunc", "--format", "json"};
    for (const StartedPod& pod : pods) command.insert(command.end(), {"--filter", "pod=" + pod.id});
    TRY_ASSIGN(const std::string told, cli_.run(std::move(command), {}, kDescribeTime));
    TRY_ASSIGN(PodStates states, parse_pod_states(told, pods));
    PodsDetail out;
    if (!states.places.empty()) {
        std::vector<std::string> ask = {"events", "--stream=false", "--since", "24h", "--format", "json"};
        for (const auto& [id, place] : states.places) ask.insert(ask.end(), {"--filter", "container=" + id});
        if (const auto events = cli_.run(std::move(ask), {}, kDescribeTime)) {
            add_events(*events, states);
        } else {
            out.problem = "its events cannot be read: " + events.error().message;
        }
    }
    out.pods = std::move(states.pods);
    return out;
}

Result<> PodmanRuntime::leave() {
    running_.clear();  // the record knows them
    logs_.stop();
    if (registry_) registry_->stop();  // the pods have their images
    registry_.reset();
    record_.registry = 0;
    is_left_ = true;
    return save();
}

Result<> PodmanRuntime::down() {
    if (is_left_) return {};
    std::vector<std::string> names;
    for (const auto& [name, running] : running_) names.push_back(name);
    Result<> outcome = names.empty() ? Result<>() : remove(names);
    logs_.stop();
    if (!record_.network.empty() && running_.empty()) {
        if (auto gone = cli_.run({"network", "rm", network_}); !gone) {
            if (outcome) outcome = std::unexpected(std::move(gone.error()));
        } else {
            record_.network.clear();
        }
    }
    if (registry_) registry_->stop();
    registry_.reset();
    record_.registry = 0;
    remove_pod_files(options_.state / "pods");
    if (auto saved = save(); !saved && outcome) outcome = saved;
    return outcome;
}

}  // namespace

Result<std::unique_ptr<Runtime>> make_podman_runtime(PodmanOptions options) {
    TRY(make_folders(options.state, 0700));
    TRY_ASSIGN(Fd lock, take_project_lock(options.state / "lock"));
    TRY_ASSIGN(Cli cli, Cli::open(options.state / "podman"));
    auto runtime = std::make_unique<PodmanRuntime>(std::move(options), std::move(lock), std::move(cli));
    TRY(runtime->prepare());
    return runtime;
}

}  // namespace synchost::host
