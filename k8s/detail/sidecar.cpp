#include "k8s/detail/sidecar.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/xxh3.hpp"
#include "k8s/detail/seed.hpp"

namespace synchost::k8s {
namespace {

constexpr const char* kBinVolume = "synchost-bin";
constexpr const char* kContainersVolume = "synchost-containers";
constexpr const char* kKeyVolume = "synchost-key";
constexpr const char* kBinFolder = "/synchost/bin";
constexpr const char* kContainersFolder = "/synchost/containers";
constexpr const char* kProgram = "/synchost-agent";  // in the agent's image
constexpr std::size_t kMaxLabel = 63;                // RFC 1123 label: volumes, containers

Json read_only_mount(const std::string& volume, const std::string& path) {
    Json out = mount_of(volume, path);
    out["readOnly"] = true;
    return out;
}

Json check_probe(const char* what, int period_seconds) {
    Json out;
    out["exec"]["command"] = Json::array({kProgram, "check", what, "--containers-dir", kContainersFolder});
    out["periodSeconds"] = period_seconds;
    out["timeoutSeconds"] = 5;  // of a node that is busy starting pods
    return out;
}

Json serve_command(const Sidecar& sidecar) {
    Json out = Json::array({kProgram, "serve"});
    const auto add = [&out](std::initializer_list<std::string> words) {
        for (const std::string& word : words) out.push_back(word);
    };
    const bool native = sidecar.form == SidecarForm::native;
    if (native) add({"--install", kBinFolder});
    add({"--listen", "tcp:127.0.0.1:10361", "--key-file", "/synchost/key/key", "--containers-dir",
         kContainersFolder});
    for (const WrappedContainer& one : sidecar.wrapped)
        add({"--container", one.name + "=" + std::to_string(one.uid)});
    if (!native && sidecar.exit_when_done) add({"--exit-when-done"});
    return out;
}

}  // namespace

Json sidecar_container(const Sidecar& sidecar) {
    const bool native = sidecar.form == SidecarForm::native;
    Json out = {{"name", kSidecarName}, {"image", sidecar.agent_image}};
    if (native) out["restartPolicy"] = "Always";
    out["command"] = serve_command(sidecar);
    out["startupProbe"] = check_probe("started", 1);
    out["startupProbe"]["failureThreshold"] = 60;
    out["readinessProbe"] = check_probe("ready", 2);
    if (!sidecar.resources.empty()) out["resources"] = sidecar.resources;
    out["securityContext"] = security_context(sidecar.wrapped.front());

    Json mounts = Json::array();
    if (native) mounts.push_back(mount_of(kBinVolume, kBinFolder));
    mounts.push_back(mount_of(kContainersVolume, kContainersFolder));
    for (const WrappedContainer& one : sidecar.wrapped) {
        mounts.push_back(
            mount_of(run_volume_name(one.name), std::string(kContainersFolder) + "/" + one.name));
    }
    mounts.push_back(read_only_mount(kKeyVolume, "/synchost/key"));
    out["volumeMounts"] = std::move(mounts);
    return out;
}

Json installer_container(const Sidecar& sidecar) {
    Json out = {{"name", kInstallerName}, {"image", sidecar.agent_image}};
    out["command"] = Json::array({kProgram, "install", "--to", kBinFolder});
    if (!sidecar.resources.empty()) out["resources"] = sidecar.resources;
    out["securityContext"] = security_context(sidecar.wrapped.front());
    out["volumeMounts"] = Json::array({mount_of(kBinVolume, kBinFolder)});
    return out;
}

Json sidecar_volumes(const Sidecar& sidecar) {
    Json out = Json::array();
    const auto add_empty = [&out](const std::string& name) {
        out.push_back({{"name", name}, {"emptyDir", Json::object()}});
    };
    add_empty(kBinVolume);
    add_empty(kContainersVolume);
    for (const WrappedContainer& one : sidecar.wrapped) add_empty(run_volume_name(one.name));
    const Json secret = {{"secretName", sidecar.secret_name}, {"optional", true}, {"defaultMode", 0444}};
    out.push_back({{"name", kKeyVolume}, {"secret", secret}});
    return out;
}

Json wrapped_mounts(const std::string& container_name) {
    return Json::array({binary_mount(), mount_of(run_volume_name(container_name), "/synchost/run")});
}

Json mount_of(const std::string& volume, const std::string& path) {
    return {{"name", volume}, {"mountPath", path}};
}

Json binary_mount() {
    return read_only_mount(kBinVolume, kBinFolder);
}

Json security_context(const WrappedContainer& user) {
    Json out = {{"runAsUser", user.uid}};
    if (user.gid) out["runAsGroup"] = *user.gid;
    if (user.uid != 0) out["runAsNonRoot"] = true;
    out["allowPrivilegeEscalation"] = false;
    out["readOnlyRootFilesystem"] = true;
    out["capabilities"]["drop"] = Json::array({"ALL"});
    out["seccompProfile"]["type"] = "RuntimeDefault";
    return out;
}

std::string label_of(const std::string& prefix, const std::string& container_name) {
    if (prefix.size() + container_name.size() <= kMaxLabel) return prefix + container_name;
    std::array<char, 10> hash{};
    std::snprintf(hash.data(), hash.size(), "-%08x",
                  static_cast<unsigned>(xxh3(container_name).low & 0xFFFFFFFFU));
    return prefix + container_name.substr(0, kMaxLabel - prefix.size() - 9) + hash.data();
}

std::string run_volume_name(const std::string& container_name) {
    return label_of("synchost-run-", container_name);
}

std::vector<std::string> sidecar_volume_names(const std::vector<std::string>& container_names) {
    std::vector<std::string> out = {kBinVolume, kContainersVolume, kKeyVolume};
    for (const std::string& name : container_names) {
        out.push_back(run_volume_name(name));
        out.push_back(seed_name(name));
    }
    return out;
}

std::vector<std::string> sidecar_container_names(const std::vector<std::string>& container_names) {
    std::vector<std::string> out = {kSidecarName, kInstallerName};
    for (const std::string& name : container_names) out.push_back(seed_name(name));
    return out;
}

}  // namespace synchost::k8s
