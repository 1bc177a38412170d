// What a `watch` remembers of an image that it built, for the next one: a host that died leaves pods that run
// it, and the tree has gone on. The next watch goes on with that image where a build would be another one
// only by what is synced anyway: the pods stay, and get the difference. One file per image in the project's
// state folder, removed when the pods are taken down.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/xxh3.hpp"
#include "host/engine/service.hpp"
#include "images/builder.hpp"

namespace synchost::host {

inline constexpr std::size_t kMaxKeptImageBytes = std::size_t{256} << 20;

struct KeptImage {
    Digest digest;
    Xxh3 inputs;  // rebuild_inputs() of the build
    std::optional<images::Owner> owner;
    std::vector<std::string> managed_paths;
    std::vector<std::string> paths;                   // that COPY laid into it
    std::map<std::string, std::string> base_configs;  // BuildRequest::base_configs for traces

    [[nodiscard]] Result<> save(const std::filesystem::path& file) const;
    // Nothing where there is no such file, or it is not one that save() wrote.
    static std::optional<KeptImage> load(const std::filesystem::path& file);
};

std::string format_kept_image(const KeptImage& image);
std::optional<KeptImage> parse_kept_image(std::string_view bytes);  // untrusted

// A hash over all that a build reads and no sync brings: the Dockerfile and the ignore files, target,
// arguments and owner, the files that rebuild, and `baked_files`, which a RUN may have read. Not over what
// the tags of base images mean: a build finds that out.
Result<Xxh3> rebuild_inputs(const Service& service, const NodeTable& nodes,
                            const std::vector<std::string>& baked_files = {});

// Where the image of this name is remembered below the project's state folder.
std::filesystem::path kept_image_file(const std::filesystem::path& state, const std::string& image_name);
void forget_kept_images(const std::filesystem::path& state);

}  // namespace synchost::host
