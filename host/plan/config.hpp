// synchost.yaml: what the user asks for. Parsing is pure and strict: what the table of config_keys.hpp does
// not know is an error that names the line, and the likely word. load_config() then looks whether the named
// files exist.
//
//     images:
//       todo-api:                  # the image name that the manifests use
//         target: api
//         rebuild: ["**/requirements.txt"]
//     manifests: [k8s]
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/plan/after.hpp"
#include "host/plan/existing_image.hpp"
#include "host/plan/patterns.hpp"
#include "host/plan/service_config.hpp"
#include "host/plan/step_config.hpp"
#include "images/builder.hpp"

namespace synchost::host {

inline constexpr std::string_view kConfigName = "synchost.yaml";
inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
// The gate that waits for the host without end.
inline constexpr std::chrono::milliseconds kHold = std::chrono::milliseconds::max();

struct ImageConfig {
    std::string name;                  // as the manifests use it
    std::filesystem::path context;     // absolute, normal
    std::filesystem::path dockerfile;  // absolute, normal; see existing_image.hpp for an image with `from`
    std::string from{};                // an image that is not built here; "" for all others
    std::vector<SyncEntry> sync{};     // of an image with `from`
    std::string target;                // "" is the last stage
    std::map<std::string, std::string> args;
    std::map<std::string, images::Secret> secrets;  // by id; files are absolute, and need not be there
    PathPatterns rebuild;                           // of paths relative to the context
    std::vector<AfterRule> after;
    bool operator==(const ImageConfig&) const = default;
};

// Which cluster `watch` may use, and where in it.
struct ClusterConfig {
    std::vector<std::string> contexts;  // that may be used beside local ones, by their exact names
    std::string namespace_name;         // "" is the context's
    bool operator==(const ClusterConfig&) const = default;
};

struct Config {
    std::filesystem::path file;                        // absolute, normal
    std::string name;                                  // a DNS label
    std::vector<ImageConfig> images;                   // in the order of the file, at least one
    std::vector<std::filesystem::path> manifests;      // absolute, normal, at least one
    std::vector<std::filesystem::path> helm_values;    // absolute, normal
    std::map<std::string, std::string> pod_templates;  // of kinds: "Rollout" to "spec.template"
    ClusterConfig cluster;
    std::vector<ServiceConfig> services;  // in the order of the file
    std::vector<StepConfig> steps;        // in the order of the file
    std::optional<std::string> registry;
    std::chrono::milliseconds gate{5'000};   // 0: do not wait for the host; kHold: without end
    std::chrono::milliseconds grace{2'000};  // between TERM and KILL
    std::vector<std::string> profiles;       // that the file has, by name
    std::map<std::string, int> lines;  // of each key that was written: "gate", "images > todo-api > context"

    // Whether the two say the same; on which lines, and what profiles there are, does not matter.
    bool operator==(const Config& other) const;
    // "synchost.yaml:7" for a key as in `lines`; without the line where the key was not written.
    [[nodiscard]] std::string where(const std::string& key) const;
};

// The text of the file at `file`, an absolute path that is not looked at. All errors are invalid_input; they
// begin with the file's name and the line, and have a next step where there is one.
// The chosen `profiles` are merged over the file, one after the other; those that are not chosen are checked
// all the same, each over the file alone. An error of what comes of merging names the profile, and where in
// it.
Result<Config> parse_config(std::string_view text, const std::filesystem::path& file,
                            std::span<const std::string> profiles = {});

// Reads, parses and looks: contexts must be folders, Dockerfiles files, manifests either. not_found for those
// and for the file itself, invalid_input for its text and for more than kMaxConfigBytes.
Result<Config> load_config(const std::filesystem::path& file, std::span<const std::string> profiles = {});

// The nearest synchost.yaml in `start` or a folder above it, up to the top of the git repository that it lies
// in, or to the root of the file system outside of one. not_found names what was looked for and where.
Result<std::filesystem::path> find_config(const std::filesystem::path& start);

// A DNS label (RFC 1123) that resembles the text: "My_App!" is "my-app". "project" where nothing of it is
// left.
[[nodiscard]] std::string make_dns_label(std::string_view text);

}  // namespace synchost::host
