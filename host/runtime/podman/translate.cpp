#include "host/runtime/podman/translate.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/xxh3.hpp"
#include "host/runtime/podman/environment.hpp"
#include "host/runtime/podman/volumes.hpp"
#include "k8s/image_name.hpp"
#include "k8s/wrap.hpp"

namespace synchost::host::podman {
namespace {

const FieldTable kPodFields = {
    .carried = {"containers", "initContainers", "volumes", "restartPolicy", "securityContext", "hostname",
                "hostAliases", "dnsConfig", "shareProcessNamespace", "terminationGracePeriodSeconds"},
    .ignored = {"serviceAccountName",
                "serviceAccount",
                "automountServiceAccountToken",
                "nodeSelector",
                "nodeName",
                "affinity",
                "tolerations",
                "priorityClassName",
                "priority",
                "preemptionPolicy",
                "imagePullSecrets",
                "topologySpreadConstraints",
                "schedulerName",
                "runtimeClassName",
                "enableServiceLinks",
                "dnsPolicy",
                "readinessGates",
                "subdomain",
                "setHostnameAsFQDN",
                "os",
                "overhead",
                "activeDeadlineSeconds"}};
const FieldTable kPodSecurityFields = {
    .carried = {"runAsUser", "runAsGroup", "runAsNonRoot", "supplementalGroups", "sysctls"},
    .ignored = {"fsGroup", "fsGroupChangePolicy", "seccompProfile", "seLinuxOptions", "appArmorProfile",
                "supplementalGroupsPolicy", "windowsOptions"}};
const FieldTable kContainerFields = {
    .carried = {"name", "image", "command", "args", "env", "envFrom", "ports", "volumeMounts", "workingDir",
                "securityContext", "resources", "imagePullPolicy", "tty", "stdin"},
    .ignored = {"livenessProbe", "readinessProbe", "startupProbe", "terminationMessagePath",
                "terminationMessagePolicy", "stdinOnce", "resizePolicy"}};
const FieldTable kSecurityFields = {
    .carried = {"runAsUser", "runAsGroup", "runAsNonRoot", "readOnlyRootFilesystem", "capabilities",
                "allowPrivilegeEscalation", "privileged"},
    .ignored = {"seccompProfile", "seLinuxOptions", "appArmorProfile", "procMount", "windowsOptions"}};

const k8s::InjectedImage* injected(const k8s::InjectOptions& options, const std::string& image) {
    const auto found = std::ranges::find_if(
        options.images, [&](const auto& entry) { return k8s::same_image(entry.first, image); });
    return found == options.images.end() ? nullptr : &found->second;
}

class Translation {
  public:
    Translation(const Seat& seat, const std::string& address, const Surroundings& around)
        : seat_(seat),
          address_(address),
          around_(around),
          folder_(pod_folder(around.state, seat)),
          volumes_(seat, around) {}

    Result<PodPlan> run(const std::vector<Published>& published) {
        TRY(check_pod());
        plan_.folders.push_back({folder_, 0711, {}});
        TRY(volumes_.read(plan_));
        Json init = Json::array();
        for (const Json& container : field(seat_.spec(), "initContainers")) {
            TRY_ASSIGN(Json made, make_container(container, true));
            init.push_back(std::move(made));
        }
        Json containers = Json::array();
        for (const Json& container : field(seat_.spec(), "containers")) {
            TRY_ASSIGN(Json made, make_container(container, false));
            containers.push_back(std::move(made));
        }
        if (containers.empty()) return fail(Errc::invalid_input, seat_.place + ": the pod has no containers");
        for (const Published& port : published) {
            containers[0]["ports"].push_back(
                {{"containerPort", port.container}, {"hostPort", port.host}, {"hostIP", "127.0.0.1"}});
        }
        if (!plan_.wrapped.empty()) containers.push_back(make_sidecar());
        make_pod(std::move(init), std::move(containers));
        return std::move(plan_);
    }

  private:
    Result<> check_pod() const {
        const Json& spec = seat_.spec();
        for (const std::string_view name : {"hostNetwork", "hostPID", "hostIPC"}) {
            if (flag(spec, name)) return unsupported(seat_.place, "spec." + std::string(name) + ": true");
        }
        Json rest = spec;
        for (const char* name : {"hostNetwork", "hostPID", "hostIPC"}) rest.erase(name);
        TRY(check_fields(rest, kPodFields, seat_.place, "spec"));
        return check_fields(field(spec, "securityContext"), kPodSecurityFields, seat_.place,
                            "spec.securityContext");
    }

    [[nodiscard]] std::int64_t security(const Json& container, std::string_view name) const {
        const std::int64_t of_pod = integer(field(seat_.spec(), "securityContext"), name, -1);
        return integer(field(container, "securityContext"), name, of_pod);
    }

    [[nodiscard]] Owner owner_of(const Json& container, const k8s::InjectedImage& image) const {
        const std::int64_t uid = security(container, "runAsUser");
        const std::int64_t gid = security(container, "runAsGroup");
        Owner owner{image.uid, image.gid};
        if (uid >= 0) owner = {static_cast<std::uint32_t>(uid), uid == image.uid ? image.gid : 0};
        if (gid >= 0) owner.gid = static_cast<std::uint32_t>(gid);
        return owner;
    }

    Result<> check_non_root(const Json& container, const k8s::InjectedImage* image,
                            const std::string& place) {
        const bool of_pod = flag(field(seat_.spec(), "securityContext"), "runAsNonRoot");
        if (!flag(field(container, "securityContext"), "runAsNonRoot", of_pod)) return {};
        std::int64_t uid = security(container, "runAsUser");
        if (uid < 0 && image != nullptr) uid = image->uid;
        if (uid < 0) plan_.non_root.push_back({place, text(container, "image")});
        if (uid != 0) return {};
        return fail(Errc::invalid_input, place + ": runAsNonRoot is set, and the container would run as root",
                    "Set runAsUser, or a USER in the Dockerfile.");
    }

    Result<Json> make_container(const Json& container, bool init) {
        const std::string name = text(container, "name");
        const std::string place = seat_.place + ": container " + name;
        if (name.empty() || name.contains('/'))
            return fail(Errc::invalid_input, seat_.place + ": a container has no valid name");
        if (init && text(container, "restartPolicy") == "Always") {
            return unsupported(
                place, "a native sidecar (initContainers with restartPolicy: Always)",
                "Make it an ordinary container for the inner loop, or use a Kubernetes cluster.");
        }
        TRY(check_fields(container, kContainerFields, place, "container"));
        TRY(check_fields(field(container, "securityContext"), kSecurityFields, place, "securityContext"));
        const k8s::InjectedImage* image = injected(*around_.options, text(container, "image"));
        TRY(check_non_root(container, image, place));
        TRY_ASSIGN(const Environment environment,
                   environment_of(container, seat_, address_, *around_.config, place));

        Json out = {{"name", name}, {"image", image != nullptr ? image->pinned : text(container, "image")}};
        for (const char* kept : {"workingDir", "tty", "stdin"}) {
            if (container.contains(kept)) out[kept] = container[kept];
        }
        if (image != nullptr) {
            out["imagePullPolicy"] = "IfNotPresent";
        } else if (container.contains("imagePullPolicy")) {
            out["imagePullPolicy"] = container["imagePullPolicy"];
        }
        for (const auto& [key, value] : environment.entries)
            out["env"].push_back({{"name", key}, {"value", value}});
        if (Json context = field(container, "securityContext"); context.is_object()) {
            for (const std::string_view ignored : kSecurityFields.ignored)
                context.erase(std::string(ignored));
            context.erase("runAsNonRoot");
            if (!context.empty()) out["securityContext"] = std::move(context);
        }
        if (const Json& limits = field(field(container, "resources"), "limits"); around_.resource_limits) {
            for (const char* kind : {"cpu", "memory"}) {
                if (limits.is_object() && limits.contains(kind))
                    out["resources"]["limits"][kind] = limits[kind];
            }
        }
        TRY_ASSIGN(Json mounts, volumes_.mounts(container, place, plan_));
        const bool wrapped = !init && image != nullptr && !image->managed_paths.empty();
        if (wrapped) {
            TRY(wrap(container, *image, environment, out, mounts));
        } else {
            copy_words(container, environment, out);
        }
        if (!mounts.empty()) out["volumeMounts"] = std::move(mounts);
        if (!init) plan_.app_containers.push_back(name);
        return out;
    }

    static void copy_words(const Json& container, const Environment& environment, Json& out) {
        for (const char* name : {"command", "args"}) {
            for (const std::string& word : texts(container, name))
                out[name].push_back(expand(word, environment.variables()));
        }
    }

    Result<> wrap(const Json& container, const k8s::InjectedImage& image, const Environment& environment,
                  Json& out, Json& mounts) {
        if (flag(field(container, "securityContext"), "readOnlyRootFilesystem")) {
            return unsupported(
                seat_.place + ": container " + text(container, "name"),
                "readOnlyRootFilesystem: true on a container that is synced",
                "Set it to false for the inner loop: the agent writes into the image's folders.");
        }
        const std::string name = text(container, "name");
        auto words = k8s::supervised_command(container, image,
                                             {.gate = around_.options->gate_of(seat_.workload),
                                              .grace = around_.options->grace,
                                              .may_hold = seat_.restart_policy == "Always"});
        if (!words) return std::unexpected(std::move(words.error()).context(seat_.place));
        for (const std::string& word : *words)
            out["command"].push_back(expand(word, environment.variables()));
        const Owner owner = owner_of(container, image);
        if (plan_.wrapped.empty()) plan_.agent = owner;
        const auto run = folder_ / ("run-" + name);
        // The sidecar has the first container's user: another user's folder is opened to its group alone.
        const bool same = owner.uid == plan_.agent.uid;
        plan_.folders.push_back(
            {run, same ? mode_t{0700} : mode_t{0770}, {owner.uid, same ? owner.gid : plan_.agent.gid}});
        mounts.push_back(volumes_.mount(around_.state / "bin", "/synchost/bin", true));
        mounts.push_back(volumes_.mount(run, "/synchost/run", false));
        plan_.wrapped[name] = image.pinned;
        supervised_.push_back({name, owner, run});
        return {};
    }

    Json make_sidecar() {
        const Owner owner = plan_.agent;
        Json command = {"/synchost/bin/synchost-agent",
                        "serve",
                        "--listen",
                        "unix:/synchost/host/agent.sock",
                        "--key-file",
                        "/synchost/key/key",
                        "--containers-dir",
                        "/synchost/containers"};
        Json mounts = Json::array({volumes_.mount(around_.state / "bin", "/synchost/bin", true),
                                   volumes_.mount(folder_ / "host", "/synchost/host", false),
                                   volumes_.mount(folder_ / "key", "/synchost/key", true),
                                   volumes_.mount(folder_ / "containers", "/synchost/containers", false)});
        plan_.folders.push_back({folder_ / "host", 0700, owner});
        plan_.folders.push_back({folder_ / "key", 0700, owner});
        plan_.folders.push_back({folder_ / "containers", 0700, owner});
        for (const auto& [name, user, run] : supervised_) {
            command.push_back("--container");
            command.push_back(name + "=" + std::to_string(user.uid));
            plan_.folders.push_back({folder_ / "containers" / name, 0700, owner});
            mounts.push_back(volumes_.mount(run, "/synchost/containers/" + name, false));
        }
        plan_.agent_socket = folder_ / "host" / "agent.sock";
        return {{"name", std::string(kSidecarName)},
                {"image", around_.options->agent_image},
                {"imagePullPolicy", "IfNotPresent"},
                {"command", std::move(command)},
                {"securityContext",
                 {{"runAsUser", owner.uid},
                  {"runAsGroup", owner.gid},
                  {"allowPrivilegeEscalation", false},
                  {"readOnlyRootFilesystem", true},
                  {"capabilities", {{"drop", {"ALL"}}}}}},
                {"volumeMounts", std::move(mounts)}};
    }

    void make_pod(Json init, Json containers) {
        const Json& spec = seat_.spec();
        Json made = Json::object();
        made["hostname"] = text(spec, "hostname", seat_.name);
        // podman 4.3 restarts init containers too under Always, and never gets past them.
        made["restartPolicy"] =
            !init.empty() && seat_.restart_policy == "Always" ? "OnFailure" : seat_.restart_policy;
        for (const char* kept : {"shareProcessNamespace", "dnsConfig"}) {
            if (spec.contains(kept)) made[kept] = spec[kept];
        }
        Json context = Json::object();
        for (const char* kept : {"runAsUser", "runAsGroup", "supplementalGroups", "sysctls"}) {
            if (const Json& value = field(field(spec, "securityContext"), kept); !value.is_null())
                context[kept] = value;
        }
        if (!context.empty()) made["securityContext"] = std::move(context);
        for (const HostAlias& alias : host_aliases(*around_.services, seat_.namespace_name)) {
            made["hostAliases"].push_back({{"ip", alias.address}, {"hostnames", alias.names}});
        }
        for (const Json& alias : field(spec, "hostAliases")) made["hostAliases"].push_back(alias);
        if (!init.empty()) made["initContainers"] = std::move(init);
        made["containers"] = std::move(containers);
        if (Json sources = volumes_.sources(); !sources.empty()) made["volumes"] = std::move(sources);
        plan_.grace = std::chrono::seconds(
            std::clamp<std::int64_t>(integer(spec, "terminationGracePeriodSeconds", 30), 0, 300));
        plan_.pod = {
            {"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata",
             {{"name", seat_.podman_name}, {"labels", {{std::string(kProjectLabel), around_.label}}}}},
            {"spec", std::move(made)}};
    }

    struct Supervised {
        std::string name;
        Owner owner;
        std::filesystem::path run;
    };
    const Seat& seat_;
    const std::string& address_;
    const Surroundings& around_;
    std::filesystem::path folder_;
    Volumes volumes_;
    PodPlan plan_;
    std::vector<Supervised> supervised_;
};

}  // namespace

std::filesystem::path pod_folder(const std::filesystem::path& state, const Seat& seat) {
    return state / "pods" / seat.name;
}

std::string PodPlan::yaml() const {
    return k8s::to_yaml({{pod, {}}});
}

std::string PodPlan::hash() const {
    Xxh3Hasher hasher;
    const auto add = [&](std::string_view part) {
        hasher.update(std::to_string(part.size()) + ":");
        hasher.update(part);
    };
    add(yaml());
    for (const HostFile& file : files) {
        add(file.path.native());
        add(std::to_string(file.mode));
        add(file.bytes);
    }
    return hasher.value().hex();
}

Result<PodPlan> translate(const Seat& seat, const std::string& address,
                          const std::vector<Published>& published, const Surroundings& surroundings) {
    return Translation(seat, address, surroundings).run(published);
}

}  // namespace synchost::host::podman
