#include "host/runtime/podman/volumes.hpp"

#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"

namespace synchost::host::podman {
namespace {

constexpr mode_t kShared = 0777;

struct PlacedKey {
    std::string path;
    std::string bytes;
    mode_t mode = 0644;
};

mode_t mode_of(const Json& object, std::string_view name, mode_t otherwise) {
    return static_cast<mode_t>(integer(object, name, otherwise)) & 0777U;
}

// The keys under the names that the volume gives them: all, or those of `items`.
Result<std::vector<PlacedKey>> placed_keys(const Json& source, const ConfigData& data,
                                           const std::string& place) {
    std::vector<PlacedKey> out;
    const mode_t mode = mode_of(source, "defaultMode", 0644);
    for (const Json& item : field(source, "items")) {
        const auto found = data.find(text(item, "key"));
        if (found == data.end()) {
            if (flag(source, "optional")) continue;
            return fail(Errc::invalid_input, place + ": there is no key " + text(item, "key"));
        }
        out.push_back({text(item, "path"), found->second, mode_of(item, "mode", mode)});
    }
    if (field(source, "items").is_null()) {
        for (const auto& [key, bytes] : data) out.push_back({key, bytes, mode});
    }
    return out;
}

}  // namespace

Result<> Volumes::read(PodPlan& plan) {
    for (const Json& volume : field(seat_.spec(), "volumes")) {
        const std::string name = text(volume, "name");
        auto checked = RelPath::parse(name);
        if (!checked || name.contains('/'))
            return fail(Errc::invalid_input, seat_.place + ": a volume has no valid name");
        TRY_ASSIGN(by_name_[name], source_of(volume, seat_.place + ": volume " + name, plan));
    }
    for (const Json& claim : field(field(seat_.manifest->object, "spec"), "volumeClaimTemplates")) {
        const std::string name = text(field(claim, "metadata"), "name");
        if (!RelPath::parse(name) || name.contains('/')) {
            return fail(Errc::invalid_input, seat_.place + ": a volumeClaimTemplate has no valid name");
        }
        by_name_[name] = claim_source(name + "-" + seat_.name, plan);
    }
    return {};
}

Volumes::Source Volumes::claim_source(const std::string& claim, PodPlan& plan) {
    const auto path = around_.state / "volumes" / (seat_.namespace_name + "-" + claim);
    plan.folders.push_back({path, kShared, {}});
    return {.path = path, .read_only = false, .make_sub_paths = true};
}

Result<Volumes::Source> Volumes::source_of(const Json& volume, const std::string& place, PodPlan& plan) {
    static const FieldTable kFields = {
        .carried = {"name", "emptyDir", "hostPath", "persistentVolumeClaim", "configMap", "secret"},
        .ignored = {}};
    TRY(check_fields(volume, kFields, place, "volumes"));
    const std::string name = text(volume, "name");
    if (volume.contains("configMap")) return config_source(volume, false, place, plan);
    if (volume.contains("secret")) return config_source(volume, true, place, plan);
    if (const Json& host = field(volume, "hostPath"); host.is_object()) {
        const std::filesystem::path path = text(host, "path");
        if (!path.is_absolute()) return fail(Errc::invalid_input, place + ": hostPath.path is not absolute");
        return Source{.path = path};
    }
    if (const Json& claim = field(volume, "persistentVolumeClaim"); claim.is_object()) {
        const std::string claim_name = text(claim, "claimName");
        if (!RelPath::parse(claim_name) || claim_name.contains('/')) {
            return fail(Errc::invalid_input, place + ": claimName is not a valid name");
        }
        return claim_source(claim_name, plan);
    }
    if (!volume.contains("emptyDir"))
        return unsupported(place, "a volume without a source that podman knows");
    const auto path = pod_folder(around_.state, seat_) / "volumes" / name;
    plan.folders.push_back({path, kShared, {}});
    return Source{.path = path, .read_only = false, .make_sub_paths = true};
}

Result<Volumes::Source> Volumes::config_source(const Json& volume, bool secret, const std::string& place,
                                               PodPlan& plan) {
    const Json& source = field(volume, secret ? "secret" : "configMap");
    const std::string name = text(source, secret ? "secretName" : "name");
    const ConfigData* data =
        around_.config->find(secret ? "Secret" : "ConfigMap", seat_.namespace_name, name);
    if (data == nullptr && !flag(source, "optional")) {
        return fail(Errc::invalid_input,
                    place + ": there is no " + (secret ? "Secret " : "ConfigMap ") + name,
                    "Add it to the manifests, or mark the volume as optional.");
    }
    const auto folder = pod_folder(around_.state, seat_) / "config" / text(volume, "name");
    plan.folders.push_back({folder, 0755, {}});
    if (data == nullptr) return Source{.path = folder, .read_only = true};
    TRY_ASSIGN(auto keys, placed_keys(source, *data, place));
    for (PlacedKey& key : keys) {
        const auto path = RelPath::parse(key.path);
        if (!path)
            return fail(Errc::invalid_input, place + ": " + printable(key.path) + " is not a relative path");
        if (!path->parent().empty()) plan.folders.push_back({folder / path->parent(), 0755, {}});
        plan.files.push_back({folder / path->str(), std::move(key.bytes), key.mode, {}});
    }
    return Source{.path = folder, .read_only = true};
}

Json Volumes::mount(const std::filesystem::path& source, const std::string& target, bool read_only) {
    std::string name;
    for (const Json& known : sources_) {
        if (known["hostPath"]["path"] == source.native()) name = known["name"];
    }
    if (name.empty()) {
        name = "v" + std::to_string(sources_.size());
        sources_.push_back({{"name", name}, {"hostPath", {{"path", source.native()}}}});
    }
    Json out = {{"name", name}, {"mountPath", target}};
    if (read_only) out["readOnly"] = true;
    return out;
}

Result<Json> Volumes::mounts(const Json& container, const std::string& place, PodPlan& plan) {
    static const FieldTable kFields = {.carried = {"name", "mountPath", "subPath", "readOnly"},
                                       .ignored = {"recursiveReadOnly"}};
    Json out = Json::array();
    for (const Json& wanted : field(container, "volumeMounts")) {
        TRY(check_fields(wanted, kFields, place, "volumeMounts"));
        const auto source = by_name_.find(text(wanted, "name"));
        if (source == by_name_.end()) {
            return fail(Errc::invalid_input, place + ": there is no volume " + text(wanted, "name"));
        }
        std::filesystem::path path = source->second.path;
        if (const std::string sub = text(wanted, "subPath"); !sub.empty()) {
            if (!RelPath::parse(sub))
                return fail(Errc::invalid_input,
                            place + ": subPath " + printable(sub) + " leaves the volume");
            path /= sub;
            if (source->second.make_sub_paths) plan.folders.push_back({path, kShared, {}});
        }
        out.push_back(
            mount(path, text(wanted, "mountPath"), source->second.read_only || flag(wanted, "readOnly")));
    }
    return out;
}

}  // namespace synchost::host::podman
