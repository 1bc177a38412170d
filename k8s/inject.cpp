#include "k8s/inject.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/rel_path.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/original.hpp"
#include "k8s/detail/resources.hpp"
#include "k8s/detail/seed.hpp"
#include "k8s/detail/sidecar.hpp"
#include "k8s/image_name.hpp"
#include "k8s/wrap.hpp"

namespace synchost::k8s {
namespace {

const InjectedImage* image_of(const std::string& name, const InjectOptions& options) {
    if (name.empty()) return nullptr;
    const auto found = std::ranges::find_if(options.images,
                                            [&](const auto& entry) { return same_image(entry.first, name); });
    return found == options.images.end() ? nullptr : &found->second;
}

bool is_job(const Json& object) {
    return object["kind"] == "Job" || object["kind"] == "CronJob";
}

// A container's name becomes a path and a volume's name: nothing but what Kubernetes itself admits.
bool is_label(const std::string& name) {
    return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
           std::ranges::all_of(
               name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<> refuse_name(const Json& object, const char* list_key, const std::vector<std::string>& ours) {
    TRY_ASSIGN(const Json* list, list_field(object, list_key));
    for (const Json& item : list == nullptr ? Json::array() : *list) {
        TRY_ASSIGN(const std::string name, text_field(item, "name"));
        if (std::ranges::find(ours, name) == ours.end()) continue;
        return fail(Errc::invalid_input,
                    std::string(list_key) + " has a \"" + name + "\" already, a name that synchost uses",
                    "Rename it in the manifest.");
    }
    return {};
}

// spec.os, or the label that every node has. The agent is a program for Linux.
Result<bool> is_for_windows(const Json& spec) {
    TRY_ASSIGN(const Json* os, mapping_field(spec, "os"));
    TRY_ASSIGN(const Json* labels, mapping_field(spec, "nodeSelector"));
    TRY_ASSIGN(const std::string name, text_field(os == nullptr ? Json::object() : *os, "name"));
    TRY_ASSIGN(const std::string label,
               text_field(labels == nullptr ? Json::object() : *labels, "kubernetes.io/os"));
    return name == "windows" || label == "windows";
}

// One pod template, on its way from the original to the injected form.
class Injection {
  public:
    Injection(Manifest& manifest, const InjectOptions& options)
        : options_(options),
          template_(*pod_template(manifest)),
          spec_(template_["spec"]),
          gate_(options.gate_of(workload_name(manifest.object))),
          job_(is_job(manifest.object)) {}

    Result<> run() {
        TRY(restore_original(template_));
        TRY_ASSIGN(const std::string restart_policy, text_field(spec_, "restartPolicy", "Always"));
        ends_ = job_ || restart_policy == "Never" || restart_policy == "OnFailure";
        TRY_ASSIGN(Json * init_containers, list_field(spec_, "initContainers"));
        TRY_ASSIGN(Json * containers, list_field(spec_, "containers"));
        collect_names(init_containers);
        collect_names(containers);
        TRY(each(init_containers,
                 [this](Json& container, const InjectedImage& image) { return pin(container, image); }));
        TRY(each(containers, [this](Json& container, const InjectedImage& image) {
            return image.managed_paths.empty() ? pin(container, image) : wrap(container, image);
        }));
        if (!wrapped_.empty()) TRY(add_sidecar());
        if (!originals_.empty()) TRY(keep_originals(template_, originals_));
        return {};
    }

  private:
    // Containers whose image is one of ours, with their names in the errors.
    template <typename Change>
    Result<> each(Json* list, const Change& change) {
        for (Json& container : list == nullptr ? empty_ : *list) {
            const std::string label = "container " + printable(text_field(container, "name").value_or(""));
            const auto name = text_field(container, "image");
            if (!name) return std::unexpected(Error(name.error()).context(label));
            const InjectedImage* image = image_of(*name, options_);
            if (image == nullptr) continue;
            if (auto done = change(container, *image); !done) {
                Error error = std::move(done).error();
                const bool named = error.message.starts_with(label);
                return std::unexpected(named ? std::move(error) : std::move(error).context(label));
            }
        }
        return {};
    }

    void collect_names(const Json* list) {
        if (list == nullptr) return;
        for (const Json& container : *list) names_.insert(text_field(container, "name").value_or(""));
    }

    Result<std::string> keep(const Json& container) {
        TRY_ASSIGN(std::string name, text_field(container, "name"));
        if (!is_label(name)) return fail(Errc::invalid_input, "its name is not one that Kubernetes admits");
        if (names_.count(name) > 1) return fail(Errc::invalid_input, "a second container of this name");
        originals_[name] = original_of(container);
        return name;
    }

    Result<> pin(Json& container, const InjectedImage& image) {
        TRY(keep(container));
        container["image"] = image.pinned;
        return {};
    }

    Result<> wrap(Json& container, const InjectedImage& image) {
        TRY(admit(container, image));
        TRY_ASSIGN(const std::string policy, text_field(container, "restartPolicy", "Always"));
        TRY_ASSIGN(const auto command,
                   supervised_command(
                       container, image,
                       {.gate = gate_, .grace = options_.grace, .may_hold = !ends_ && policy == "Always"}));
        TRY_ASSIGN(WrappedContainer one, user_of(container, image));
        TRY_ASSIGN(one.name, keep(container));
        TRY_ASSIGN(const bool seeded, needs_seed(container, image));
        std::vector<std::string> folders;
        if (seeded) {
            TRY_ASSIGN(folders, seeded_folders(container, image.managed_paths));
        }
        TRY_ASSIGN(const std::chrono::seconds boot, boot_time(container));
        for (const char* key : {"livenessProbe", "startupProbe"}) {
            const Json* probe = field(container, key);
            if (probe == nullptr) continue;
            const bool is_liveness = std::string_view(key) == "livenessProbe";
            TRY_ASSIGN(Json wrapped,
                       wrapped_probe(*probe, container, is_liveness ? boot : std::chrono::seconds(0)));
            container[key] = std::move(wrapped);
        }
        container["image"] = image.pinned;
        set_command(container, command);
        TRY_ASSIGN(Json * mounts, grown_list(container, "volumeMounts"));
        for (Json& mount : wrapped_mounts(one.name)) mounts->push_back(std::move(mount));
        if (!folders.empty()) {
            seeds_.push_back(seed_of(one, container, image, std::move(folders)));
            for (Json& mount : seed_mounts(seeds_.back())) mounts->push_back(std::move(mount));
        }
        wrapped_.push_back(std::move(one));
        return {};
    }

    // In place of command, or of args where there is no command, or behind the image: restore_original()
    // relies on it.
    static void set_command(Json& container, const std::vector<std::string>& command) {
        for (const char* key : {"command", "args"}) drop_if_empty(container, key);
        if (!container.contains("command")) {
            insert_after(container, container.contains("args") ? "args" : "image", "command", Json());
        }
        container["command"] = command;
        container.erase("args");
    }

    Result<> admit(const Json& container, const InjectedImage& image) const {
        TRY_ASSIGN(const bool host_network, flag_field(spec_, "hostNetwork"));
        if (host_network) {
            return fail(
                Errc::unsupported,
                "hostNetwork: the pod's loopback is the node's, where others could reach the agent",
                "Remove hostNetwork for development, or take the image's sync rules out of synchost.yaml.");
        }
        TRY_ASSIGN(const bool windows, is_for_windows(spec_));
        if (windows) {
            return fail(Errc::unsupported, "the pod is for Windows, and the agent is a program for Linux",
                        "Take the image out of synchost.yaml.");
        }
        return check_mounts(spec_, container, image.managed_paths);
    }

    Result<bool> needs_seed(const Json& container, const InjectedImage& image) const {
        TRY_ASSIGN(const Json* security, mapping_field(container, "securityContext"));
        TRY_ASSIGN(const bool read_only,
                   flag_field(security == nullptr ? empty_ : *security, "readOnlyRootFilesystem"));
        return read_only || image.seed_folders;
    }

    static Seed seed_of(const WrappedContainer& app, const Json& container, const InjectedImage& image,
                        std::vector<std::string> folders) {
        const Json* security = field(container, "securityContext");
        const Json* capabilities = security == nullptr ? nullptr : field(*security, "capabilities");
        return {.app = app,
                .image = image.pinned,
                .folders = std::move(folders),
                .resources = seed_resources(container),
                .capabilities = capabilities == nullptr ? std::nullopt : std::optional<Json>(*capabilities)};
    }

    // As the kubelet decides it: the container's securityContext, then the pod's, then the image. The image's
    // group goes with its user alone.
    Result<WrappedContainer> user_of(const Json& container, const InjectedImage& image) const {
        WrappedContainer out = {.name = {}, .uid = image.uid, .gid = {}};
        for (const Json* level : {static_cast<const Json*>(&spec_), &container}) {
            TRY_ASSIGN(const Json* security, mapping_field(*level, "securityContext"));
            if (security == nullptr) continue;
            TRY_ASSIGN(const auto uid, id_field(*security, "runAsUser"));
            TRY_ASSIGN(const auto gid, id_field(*security, "runAsGroup"));
            out.uid = uid.value_or(out.uid);
            if (gid) out.gid = gid;
        }
        if (!out.gid && out.uid == image.uid) out.gid = image.gid;
        return out;
    }

    Result<> add_sidecar() {
        std::vector<std::string> names;
        for (const WrappedContainer& one : wrapped_) names.push_back(one.name);
        for (const char* key : {"initContainers", "containers"})
            TRY(refuse_name(spec_, key, sidecar_container_names(names)));
        TRY(refuse_name(spec_, "volumes", sidecar_volume_names(names)));

        const Sidecar sidecar = {.agent_image = options_.agent_image,
                                 .secret_name = options_.secret_name,
                                 .form = options_.form,
                                 .wrapped = wrapped_,
                                 .exit_when_done = ends_,
                                 .resources = sidecar_resources(spec_)};
        const bool native = sidecar.form == SidecarForm::native;
        TRY_ASSIGN(Json * init_containers, grown_list(spec_, "initContainers"));
        Json first = Json::array({native ? sidecar_container(sidecar) : installer_container(sidecar)});
        for (const Seed& seed : seeds_) first.push_back(seed_container(seed));
        init_containers->insert(init_containers->begin(), first.begin(), first.end());
        if (!native) spec_["containers"].push_back(sidecar_container(sidecar));
        TRY_ASSIGN(Json * volumes, grown_list(spec_, "volumes"));
        for (Json& volume : sidecar_volumes(sidecar)) volumes->push_back(std::move(volume));
        for (const Seed& seed : seeds_) volumes->push_back(seed_volume(seed));
        return {};
    }

    const InjectOptions& options_;
    Json& template_;
    Json& spec_;
    std::chrono::milliseconds gate_;
    bool job_;
    bool ends_ = false;  // its containers run to an end: never held
    Json originals_ = Json::object();
    std::multiset<std::string> names_;  // Kubernetes has one set of names for containers and init containers
    std::vector<WrappedContainer> wrapped_;
    std::vector<Seed> seeds_;
    Json empty_ = Json::array();
};

}  // namespace

std::chrono::milliseconds InjectOptions::gate_of(const std::string& workload) const {
    const auto own = gates.find(workload);
    return own == gates.end() ? gate : own->second;
}

std::string workload_name(const Json& object) {
    const Json* metadata = field(object, "metadata");
    const std::string kind = text_field(object, "kind").value_or("");
    if (metadata == nullptr) return kind;
    std::string name = text_field(*metadata, "name").value_or("");
    if (name.empty()) name = text_field(*metadata, "generateName").value_or("") + "*";
    return kind + "/" + name;
}

Result<std::vector<Manifest>> inject(std::vector<Manifest> manifests, const InjectOptions& options) {
    for (Manifest& manifest : manifests) {
        if (pod_spec(manifest) == nullptr) continue;
        if (auto done = Injection(manifest, options).run(); !done) {
            const std::string workload = printable(workload_name(manifest.object));
            return std::unexpected(std::move(done).error().context(workload).context(manifest.source));
        }
    }
    return manifests;
}

}  // namespace synchost::k8s
