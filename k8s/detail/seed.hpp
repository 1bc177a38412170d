// Folders of an app container that nobody in it could write: those of a read-only root, or of an image that
// belongs to another user. Each becomes a volume that an init container fills from the image, in that image
// and as the app's own user, before anything else of the app starts.
//
//   managed paths   /srv/app/  /srv/app/static/  /etc/app.conf
//   folders         /srv/app  /etc                      the outermost; of a single file, the one it lies in
//   volume          synchost-seed-NAME, an emptyDir: folder 0 is /srv/app, folder 1 is /etc
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "k8s/detail/sidecar.hpp"

namespace synchost::k8s {

struct Seed {
    WrappedContainer app;              // whose name and user it has
    std::string image;                 // the app's own, pinned
    std::vector<std::string> folders;  // absolute, without trailing '/'
    Json resources;                    // empty: none
    std::optional<Json>
        capabilities;  // those of an app that runs as root: it may need them to read its files
};

// The folders of these managed paths, without those that lie on volumes of the user's own. unsupported where
// a folder cannot be a volume.
Result<std::vector<std::string>> seeded_folders(const Json& container,
                                                const std::vector<std::string>& managed_paths);

// unsupported where a volume of the user's own lies over a managed path and cannot be written, and
// invalid_input where one lies over /synchost.
Result<> check_mounts(const Json& pod_spec, const Json& container,
                      const std::vector<std::string>& managed_paths);

std::string seed_name(const std::string& container_name);  // "synchost-seed-NAME": of container and volume
Json seed_container(const Seed& seed);
Json seed_volume(const Seed& seed);
Json seed_mounts(const Seed& seed);  // a list: what the app's container gets

}  // namespace synchost::k8s
