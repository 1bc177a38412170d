// An image's config blob (image-spec config.md): what an instruction changes, as values, and the whole as
// JSON. What a base image's config holds and we do not know is carried along.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "images/image.hpp"

namespace synchost::images {

// PATH of an image that sets none.
inline constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct HistoryEntry {
    std::string created_by;
    bool empty_layer = true;
};

// Of the docker image config, durations in nanoseconds; 0 is the default of who runs it.
struct Healthcheck {
    std::vector<std::string> test;  // "NONE", or "CMD" or "CMD-SHELL" and the command
    std::int64_t interval = 0;
    std::int64_t timeout = 0;
    std::int64_t start_period = 0;
    std::int64_t start_interval = 0;
    int retries = 0;
};

struct ImageConfig {
    std::string architecture;
    std::string os;
    std::string variant;
    std::string author;

    std::vector<std::string> entrypoint;
    std::vector<std::string> cmd;
    std::vector<std::string> env;  // NAME=value, in the order of their first setting
    std::string working_dir;
    std::string user;
    std::map<std::string, std::string> labels;
    std::set<std::string> exposed_ports;  // "80/tcp"
    std::set<std::string> volumes;
    std::string stop_signal;
    std::vector<std::string> shell;
    std::vector<std::string> on_build;       // triggers for the image that is built on this one
    std::optional<Healthcheck> healthcheck;  // that was set here; a base's own stays in `base`

    std::vector<Digest> diff_ids;       // bottom first
    std::vector<HistoryEntry> history;  // ours; a base's own entries stay in `base`
    std::string base;                   // JSON of the base image's config, "" for scratch

    [[nodiscard]] std::optional<std::string> env_value(std::string_view name) const;
    void set_env(const std::string& name, const std::string& value);
    // uid and gid are left 0.
    [[nodiscard]] RunConfig run_config() const;
};

// A config for FROM scratch, with the PATH that docker gives it.
ImageConfig scratch_config(const registry::Platform& platform = registry::host_platform());

// Untrusted JSON. protocol where it is no image config.
Result<ImageConfig> parse_image_config(std::string_view json);

// The bytes of the config blob, the same for the same values. `created` is in seconds since 1970.
std::string to_json(const ImageConfig& config, std::int64_t created);

// The bytes of an OCI manifest.
std::string manifest_json(const Descriptor& config, const std::vector<Layer>& layers);

}  // namespace synchost::images
