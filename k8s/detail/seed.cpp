#include "k8s/detail/seed.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/wrap.hpp"

namespace synchost::k8s {
namespace {

constexpr const char* kSeedFolder = "/synchost/seed";

std::string without_slash(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

bool is_at_or_below(std::string_view path, std::string_view folder) {
    return folder == "/" ||
           (path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/'));
}

struct Mount {
    std::string path;  // absolute, normal
    const Json* object = nullptr;
};

// Of the user's own, as the kubelet reads their paths.
Result<std::vector<Mount>> mounts_of(const Json& container) {
    std::vector<Mount> out;
    TRY_ASSIGN(const Json* mounts, list_field(container, "volumeMounts"));
    if (mounts == nullptr) return out;
    for (const Json& mount : *mounts) {
        TRY_ASSIGN(const std::string path, text_field(mount, "mountPath"));
        out.push_back({without_slash(std::filesystem::path("/" + path).lexically_normal()), &mount});
        if (out.back().path.starts_with("//")) out.back().path.erase(0, 1);
    }
    return out;
}

// The one that `path` lies on; nullptr where that is the image.
const Mount* mount_over(const std::string& path, const std::vector<Mount>& mounts) {
    const Mount* found = nullptr;
    for (const Mount& mount : mounts) {
        const bool deeper = found == nullptr || mount.path.size() > found->path.size();
        if (is_at_or_below(path, mount.path) && deeper) found = &mount;
    }
    return found;
}

// Volumes that are read-only whatever the mount says. One that the pod does not list is a claim template's.
Result<bool> is_read_only(const Json& mount, const Json& pod_spec) {
    TRY_ASSIGN(const bool asked, flag_field(mount, "readOnly"));
    if (asked) return true;
    TRY_ASSIGN(const std::string name, text_field(mount, "name"));
    TRY_ASSIGN(const Json* volumes, list_field(pod_spec, "volumes"));
    if (volumes == nullptr) return false;
    for (const Json& volume : *volumes) {
        TRY_ASSIGN(const std::string volume_name, text_field(volume, "name"));
        if (volume_name != name) continue;
        for (const auto& [kind, source] : volume.items()) {
            constexpr std::array<std::string_view, 5> kReadOnly = {"configMap", "secret", "projected",
                                                                   "downwardAPI", "image"};
            if (std::ranges::find(kReadOnly, kind) != kReadOnly.end()) return true;
            TRY_ASSIGN(const bool read_only, flag_field(source, "readOnly"));
            if (read_only) return true;
        }
    }
    return false;
}

std::unexpected<Error> cannot_be_volume(const std::string& path, const std::string& folder) {
    return fail(
        Errc::unsupported,
        printable(path) + " must lie on a volume to be writable, and " + printable(folder) + " cannot be one",
        "COPY it into a folder of its own, such as /srv/app.");
}

}  // namespace

Result<std::vector<std::string>> seeded_folders(const Json& container,
                                                const std::vector<std::string>& managed_paths) {
    TRY_ASSIGN(const auto mounts, mounts_of(container));
    std::vector<std::string> folders;
    for (const std::string& root : managed_paths) {
        const std::string path = without_slash(root);
        if (mount_over(path, mounts) != nullptr) continue;
        const std::size_t slash = path.rfind('/');
        const std::string above = slash == 0 ? "/" : path.substr(0, slash);
        const std::string folder = root.ends_with('/') ? path : above;
        const auto holds = [&](const char* top) { return is_at_or_below(folder, top); };
        if (folder == "/" || std::ranges::any_of(std::array{"/proc", "/sys", "/dev", "/synchost"}, holds))
            return cannot_be_volume(path, folder);
        folders.push_back(folder);
    }
    std::vector<std::string> outermost;
    for (const std::string& folder : folders) {
        const bool inner = std::ranges::any_of(folders, [&](const std::string& other) {
            return other != folder && is_at_or_below(folder, other);
        });
        const bool known = std::ranges::find(outermost, folder) != outermost.end();
        if (!inner && !known) outermost.push_back(folder);
    }
    return outermost;
}

Result<> check_mounts(const Json& pod_spec, const Json& container,
                      const std::vector<std::string>& managed_paths) {
    TRY_ASSIGN(const auto mounts, mounts_of(container));
    for (const Mount& mount : mounts) {
        if (!is_at_or_below(mount.path, "/synchost")) continue;
        return fail(Errc::invalid_input,
                    "mounts a volume at " + printable(mount.path) + ", and /synchost is what synchost uses",
                    "Mount it elsewhere.");
    }
    for (const std::string& root : managed_paths) {
        const std::string path = without_slash(root);
        const Mount* mount = mount_over(path, mounts);
        if (mount == nullptr) continue;
        TRY_ASSIGN(const std::string volume, text_field(*mount->object, "name"));
        const std::string what = "volume " + printable(volume) + " is mounted at " + printable(mount->path);
        TRY_ASSIGN(const bool read_only, is_read_only(*mount->object, pod_spec));
        const char* next = "Mount it elsewhere for development, or do not COPY these files into the image.";
        if (read_only) {
            return fail(Errc::unsupported,
                        what + ", read-only, and hides " + printable(root) + ", which is to be synced", next);
        }
        if (!root.ends_with('/') && mount->path == path) {
            return fail(Errc::unsupported, what + ", a single file, which cannot be replaced in one step",
                        next);
        }
    }
    return {};
}

std::string seed_name(const std::string& container_name) {
    return label_of("synchost-seed-", container_name);
}

Json seed_container(const Seed& seed) {
    const std::string name = seed_name(seed.app.name);
    Json out = {{"name", name}, {"image", seed.image}};
    Json command = Json::array({kBinary, "seed", "--to", kSeedFolder});
    for (const std::string& folder : seed.folders) {
        command.push_back("--folder");
        command.push_back(escaped(folder));
    }
    out["command"] = std::move(command);
    if (!seed.resources.empty()) out["resources"] = seed.resources;
    out["securityContext"] = security_context(seed.app);
    if (seed.app.uid == 0) {
        if (seed.capabilities)
            out["securityContext"]["capabilities"] = *seed.capabilities;
        else
            out["securityContext"].erase("capabilities");
    }
    out["volumeMounts"] = Json::array({binary_mount(), mount_of(name, kSeedFolder)});
    return out;
}

Json seed_volume(const Seed& seed) {
    return {{"name", seed_name(seed.app.name)}, {"emptyDir", Json::object()}};
}

Json seed_mounts(const Seed& seed) {
    Json out = Json::array();
    for (std::size_t i = 0; i < seed.folders.size(); ++i) {
        Json mount = mount_of(seed_name(seed.app.name), seed.folders[i]);
        mount["subPath"] = std::to_string(i);
        out.push_back(std::move(mount));
    }
    return out;
}

}  // namespace synchost::k8s
