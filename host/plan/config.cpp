#include "host/plan/config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "host/plan/config_keys.hpp"
#include "host/plan/detail/after_value.hpp"
#include "host/plan/detail/field_table.hpp"
#include "host/plan/detail/profiles.hpp"
#include "host/plan/detail/services_value.hpp"
#include "host/plan/detail/steps_value.hpp"
#include "host/plan/secrets.hpp"

namespace synchost::host {
namespace {

using detail::ConfigValue;
using detail::Field;
using detail::Place;
using detail::Profile;
using detail::read_fields;
using detail::refuse;
using detail::store;
using detail::YamlKind;
using detail::YamlNode;

Result<> read_secrets(const ConfigValue& value, ImageConfig& image, const Place& place);
Result<> read_from(const ConfigValue& value, ImageConfig& image, const Place& place);
Result<> read_sync(const ConfigValue& value, ImageConfig& image, const Place& place);
Result<> read_images(const ConfigValue& value, Config& config, const Place& place);
Result<> read_cluster(const ConfigValue& value, Config& config, const Place& place);

constexpr std::array kClusterFields{
    Field<ClusterConfig>{
        {"contexts", Shape::texts, Need::optional, "", "[team-dev]",
         "Contexts of the kubeconfig that may be used though they are not local: exact names."},
        store<&ClusterConfig::contexts, &ConfigValue::text_list, ClusterConfig>},
    Field<ClusterConfig>{{"namespace", Shape::dns_label, Need::optional, "the context's namespace",
                          "todo-dev", "The namespace for manifests that name none."},
                         store<&ClusterConfig::namespace_name, &ConfigValue::dns_label, ClusterConfig>},
};

constexpr std::array kImageFields{
    Field<ImageConfig>{
        {"context", Shape::path, Need::optional, ".", ".",
         "The folder whose files the image is built from, relative to the folder of synchost.yaml."},
        store<&ImageConfig::context, &ConfigValue::path, ImageConfig>},
    Field<ImageConfig>{{"dockerfile", Shape::path, Need::optional, "Dockerfile", "Dockerfile",
                        "The Dockerfile, relative to the context."},
                       store<&ImageConfig::dockerfile, &ConfigValue::path, ImageConfig>},
    Field<ImageConfig>{
        {"target", Shape::text, Need::optional, "the last stage", "api", "The stage to build."},
        store<&ImageConfig::target, &ConfigValue::text, ImageConfig>},
    Field<ImageConfig>{{"args", Shape::text_map, Need::optional, "", "{VERSION: \"1.2\"}",
                        "Values for the Dockerfile's ARGs."},
                       store<&ImageConfig::args, &ConfigValue::text_map, ImageConfig>},
    Field<ImageConfig>{{"secrets", Shape::texts, Need::optional, "", "[\"id=npmrc,src=~/.npmrc\"]",
                        "Secrets for RUN --mount=type=secret: id=NAME,src=FILE or id=NAME,env=VARIABLE. What "
                        "this machine does not have is not given."},
                       read_secrets},
    Field<ImageConfig>{{"from", Shape::text, Need::optional, "", "registry.example.com/team/api:1.4",
                        "An image that is not built here, in place of a Dockerfile; goes with sync."},
                       read_from},
    Field<ImageConfig>{{"sync", Shape::sync_map, Need::optional, "", "{src: /app/src}",
                        "Of an image with from: the files and folders of the context that are kept live in "
                        "it, and where."},
                       read_sync},
    Field<ImageConfig>{
        {"rebuild", Shape::patterns, Need::optional, "", "[requirements.txt, \"**/*.lock\"]",
         "Files of the context whose change rebuilds the image, as patterns in the language of "
         ".dockerignore."},
        store<&ImageConfig::rebuild, &ConfigValue::patterns, ImageConfig>},
    Field<ImageConfig>{
        {"after", Shape::after_rules, Need::optional, "restart", "[{paths: [\"templates/**\"], do: nothing}]",
         "What happens in the container once a synced file is in place: the first entry whose patterns match "
         "it decides."},
        [](const ConfigValue& value, ImageConfig& image, const Place& place) -> Result<> {
            TRY_ASSIGN(image.after, detail::read_after(value, place));
            return {};
        }},
};

constexpr std::array kProjectFields{
    Field<Config>{{"name", Shape::dns_label, Need::optional, "the folder's name", "todo",
                   "The project's name, which what synchost makes in a cluster is named after."},
                  store<&Config::name, &ConfigValue::dns_label, Config>},
    Field<Config>{{"images", Shape::images, Need::required, "", "{todo-api: {target: api}}",
                   "The images to build, by the names that the manifests use."},
                  read_images},
    Field<Config>{{"manifests", Shape::paths, Need::required, "", "[k8s]",
                   "The Kubernetes manifests to apply: files, or folders of them."},
                  store<&Config::manifests, &ConfigValue::paths, Config>},
    Field<Config>{{"helm_values", Shape::paths, Need::optional, "", "[k8s/values-dev.yaml]",
                   "Files with values for the charts among the manifests; a later one wins."},
                  store<&Config::helm_values, &ConfigValue::paths, Config>},
    Field<Config>{{"pod_templates", Shape::templates, Need::optional, "", "{Rollout: spec.template}",
                   "Where custom resources keep their pod template, by kind or KIND.GROUP."},
                  store<&Config::pod_templates, &ConfigValue::templates, Config>},
    Field<Config>{{"cluster", Shape::cluster, Need::optional, "", "{namespace: todo-dev}",
                   "Which cluster may be used, and where in it."},
                  read_cluster},
    Field<Config>{{"services", Shape::services, Need::optional, "", "{db: , api: {depends_on: [db]}}",
                   "What holds for single workloads, by the names that commands take."},
                  [](const ConfigValue& value, Config& config, const Place& place) -> Result<> {
                      TRY_ASSIGN(config.services, detail::read_services(value, place));
                      return {};
                  }},
    Field<Config>{{"registry", Shape::address, Need::optional, "the registry of the cluster",
                   "127.0.0.1:5000", "The registry that images are pushed to."},
                  store<&Config::registry, &ConfigValue::address, Config>},
    Field<Config>{{"gate", Shape::gate, Need::optional, "5s", "5s",
                   "How long a process that starts waits for the host to bring its files up to date."},
                  store<&Config::gate, &ConfigValue::gate, Config>},
    Field<Config>{{"grace", Shape::duration, Need::optional, "2s", "2s",
                   "How long a process that is restarted has between TERM and KILL."},
                  store<&Config::grace, &ConfigValue::duration, Config>},
    Field<Config>{
        {"steps", Shape::steps, Need::optional, "", "{bundle: {command: [make], inputs: [src]}}",
         "Programs of this machine that make files before they are built or synced, or that serve."},
        [](const ConfigValue& value, Config& config, const Place& place) -> Result<> {
            TRY_ASSIGN(config.steps, detail::read_steps(value, place));
            return {};
        }},
    Field<Config>{
        {"profiles", Shape::profiles, Need::optional, "", "{debug: {gate: hold}}",
         "Variants of this file, chosen by --profile: maps are merged over it by key, null takes a key "
         "away, everything else is replaced."},
        [](const ConfigValue& value, Config& config, const Place& place) -> Result<> {
            TRY_ASSIGN(const auto profiles, detail::read_profiles(value, place));
            for (const Profile& profile : profiles) config.profiles.push_back(profile.name);
            return {};
        }},
};

constexpr auto kImageKeys = detail::keys_of(kImageFields);
constexpr auto kProjectKeys = detail::keys_of(kProjectFields);
constexpr auto kClusterKeys = detail::keys_of(kClusterFields);

// A repository name without tag or digest (distribution's reference grammar): the manifests' tag does not
// matter.
const char* image_name_fault(std::string_view name) {
    if (name.empty()) return "is empty";
    if (name.size() > 255) return "is longer than 255 bytes";
    if (name.find('@') != std::string_view::npos) return "has a digest; name the image without it";
    const std::size_t slash = name.find('/');
    const std::size_t colon = name.rfind(':');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
        return "has a tag; name the image without it";
    }
    bool separated = true;  // a component begins and ends with a letter or digit
    for (const char c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && !std::string_view("._-/:").contains(c))
            return "must be lower-case letters, digits, and . _ - / between";
        if (c == '/' && separated) return "has an empty part";
        if (c == '/') separated = true;
        if (plain)
            separated = false;
        else if (separated && c != '/')
            return "has a part that begins with a separator";
    }
    return separated || !std::isalnum(static_cast<unsigned char>(name.back())) ? "ends with a separator"
                                                                               : nullptr;
}

// What goes with `from`, and what does not.
Result<> check_existing(const ImageConfig& image, int line, const std::string& shown, const Place& place) {
    if (image.from.empty() && image.sync.empty()) return {};
    if (image.from.empty())
        return refuse(
            place, line, shown + " has sync without from",
            "Name the image that is not built here: from: registry.example.com/team/api:1.4. With a "
            "Dockerfile its COPY lines say what is synced");
    if (image.sync.empty())
        return refuse(place, line, shown + " has from without sync",
                      "Say what is kept live in it, for example: sync: {src: /app/src}. An image in which "
                      "nothing is needs no entry here");
    for (const char* key : {"dockerfile", "target", "args", "secrets", "rebuild"}) {
        if (const auto found = place.lines->find(place.prefix + key); found != place.lines->end())
            return refuse(place, found->second,
                          shown + " has from and " + key + ", but what is not built here has no " + key,
                          "Keep one of the two");
    }
    return {};
}

Result<> read_images(const ConfigValue& value, Config& config, const Place& place) {
    TRY_ASSIGN(const YamlNode* images, value.map());
    for (const auto& [key, node] : images->pairs) {
        const std::string shown = "image \"" + printable(key.text.substr(0, 100)) + "\"";
        if (const char* fault = image_name_fault(key.text))
            return refuse(place, key.line, shown + " " + fault);
        const Place below{place.source, "images > " + key.text + " > ", place.lines};
        if (!place.lines->emplace("images > " + key.text, key.line).second) {
            return refuse(place, key.line, shown + " stands here a second time", "Keep one of the two");
        }
        ImageConfig image;
        image.name = key.text;
        // "todo-api:" alone asks for an image with every default.
        if (node.kind != YamlKind::map && node.kind != YamlKind::null) {
            return refuse(place, key.line,
                          shown + " must be a map, not " + std::string(detail::to_string(node.kind)),
                          "Write, for example: " + key.text + ": {target: api}");
        }
        TRY(read_fields(node, kImageFields, kImageKeys, image, below));
        TRY(check_existing(image, key.line, shown, below));
        config.images.push_back(std::move(image));
    }
    return {};
}

Result<> read_secrets(const ConfigValue& value, ImageConfig& image, const Place&) {
    TRY_ASSIGN(const auto texts, value.text_list());
    for (const std::string& text : texts) {
        auto parsed = parse_secret(text);
        if (!parsed) {
            return value.refuse(value.line(),
                                "cannot take \"" + printable(text) + "\": " + parsed.error().message,
                                parsed.error().next_step);
        }
        if (!image.secrets.emplace(parsed->id, std::move(parsed->secret)).second)
            return value.refuse(value.line(), "has the id \"" + printable(parsed->id) + "\" twice");
    }
    return {};
}

Result<> read_from(const ConfigValue& value, ImageConfig& image, const Place&) {
    TRY_ASSIGN(image.from, value.text());
    if (const auto reference = registry::Reference::parse(image.from); !reference)
        return value.refuse(value.line(), "is no image: " + reference.error().message);
    return {};
}

Result<> read_sync(const ConfigValue& value, ImageConfig& image, const Place&) {
    TRY_ASSIGN(const YamlNode* map, value.map());
    for (const auto& [key, node] : map->pairs) {
        const std::string shown = '"' + printable(key.text.substr(0, 100)) + '"';
        if (node.kind != YamlKind::scalar)
            return value.refuse(key.line, shown + " must be a path of the image, not " +
                                              std::string(detail::to_string(node.kind)));
        if (key.text.empty() || key.text.starts_with('/'))
            return value.refuse(key.line, shown + " is not relative to the context");
        if (!node.text.starts_with('/') || node.text == "/")
            return value.refuse(key.line, shown + " must lead to an absolute path below /, not \"" +
                                              printable(node.text.substr(0, 100)) + '"');
        for (const std::string* path : {&key.text, &node.text}) {
            if (const char* fault = sync_path_fault(*path))
                return value.refuse(key.line, '"' + printable(path->substr(0, 100)) + "\" " + fault);
        }
        if (std::ranges::find(image.sync, key.text, &SyncEntry::source) != image.sync.end())
            return value.refuse(key.line, "has " + shown + " twice");
        image.sync.push_back({key.text, node.text});
    }
    return {};
}

Result<> read_cluster(const ConfigValue& value, Config& config, const Place& place) {
    TRY_ASSIGN(const YamlNode* map, value.map());
    const Place below{place.source, "cluster > ", place.lines};
    return read_fields(*map, kClusterFields, kClusterKeys, config.cluster, below);
}

// All members, so that a new one cannot be forgotten, but for the lines.
auto settings_of(const Config& config) {
    const auto& [file, name, images, manifests, helm_values, pod_templates, cluster, services, steps,
                 registry, gate, grace, profiles, lines] = config;
    return std::tie(file, name, images, manifests, helm_values, pod_templates, cluster, services, steps,
                    registry, gate, grace);
}

// Absolute and normal; "a/." and "a/" are "a".
std::filesystem::path in_home(const std::filesystem::path& written) {
    const std::string& text = written.native();
    const char* home = std::getenv("HOME");
    return text.starts_with("~/") && home != nullptr ? std::filesystem::path(home) / text.substr(2) : written;
}

std::filesystem::path resolve(const std::filesystem::path& folder, const std::filesystem::path& relative) {
    auto path = (folder / relative).lexically_normal();
    return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

// Reads the whole file, as it is or merged. Its profiles are looked at, not applied.
Result<Config> read_config(const YamlNode& root, const std::filesystem::path& file,
                           const std::string& source) {
    Config config;
    config.file = file.lexically_normal();
    TRY(read_fields(root, kProjectFields, kProjectKeys, config, Place{source, "", &config.lines}));
    const std::filesystem::path folder = config.file.parent_path();
    if (config.name.empty()) config.name = make_dns_label(folder.filename().native());
    for (ImageConfig& image : config.images) {
        image.context = resolve(folder, image.context.empty() ? "." : image.context);
        for (auto& [id, secret] : image.secrets) {
            if (!secret.file.empty()) secret.file = resolve(folder, in_home(secret.file));
        }
        image.dockerfile = resolve(image.context, image.dockerfile.empty() ? "Dockerfile" : image.dockerfile);
    }
    for (auto* paths : {&config.manifests, &config.helm_values}) {
        for (std::filesystem::path& path : *paths) path = resolve(folder, path);
    }
    for (StepConfig& step : config.steps)
        step.folder = resolve(folder, step.folder.empty() ? "." : step.folder);
    return config;
}

Result<std::vector<Profile>> profiles_of(const YamlNode& root, const std::string& source) {
    for (const auto& [key, value] : root.pairs) {
        if (key.text != "profiles") continue;
        return detail::read_profiles(ConfigValue(source, key.text, key.line, "", value),
                                     Place{source, "", nullptr});
    }
    return std::vector<Profile>{};
}

Result<Config> read_with(const YamlNode& root, std::span<const Profile> profiles,
                         const std::filesystem::path& file, const std::string& source) {
    YamlNode merged = root;
    for (const Profile& profile : profiles) merged = detail::merge(std::move(merged), *profile.changes);
    auto config = read_config(merged, file, source);
    if (!config) return std::unexpected(detail::in_profiles(std::move(config.error()), source, profiles));
    return config;
}

Result<std::vector<Profile>> choose_profiles(const std::vector<Profile>& all,
                                             std::span<const std::string> names, const std::string& source) {
    std::vector<Profile> chosen;
    std::vector<std::string_view> known;
    std::string list;
    for (const Profile& profile : all) {
        known.emplace_back(profile.name);
        list += (list.empty() ? "Its profiles are: " : ", ") + profile.name;
    }
    for (const std::string& name : names) {
        const auto found = std::ranges::find(all, name, &Profile::name);
        if (found == all.end()) {
            const auto near = nearest_word(name, known);
            return fail(Errc::invalid_input,
                        source + ": has no profile \"" + printable(name.substr(0, 100)) + '"',
                        (near ? "Did you mean " + *near + "? " : "") + (list.empty() ? "It has none" : list));
        }
        chosen.push_back(*found);
    }
    return chosen;
}

}  // namespace

std::span<const KeySpec> project_keys() {
    return kProjectKeys;
}
std::span<const KeySpec> image_keys() {
    return kImageKeys;
}
std::span<const KeySpec> cluster_keys() {
    return kClusterKeys;
}
std::span<const KeySpec> service_keys() {
    return detail::service_keys();
}
std::span<const KeySpec> after_keys() {
    return detail::after_keys();
}
std::span<const KeySpec> action_keys() {
    return detail::action_keys();
}

bool Config::operator==(const Config& other) const {
    return settings_of(*this) == settings_of(other);
}

std::string Config::where(const std::string& key) const {
    const auto line = lines.find(key);
    return file.filename().native() + (line == lines.end() ? "" : ":" + std::to_string(line->second));
}

Result<Config> parse_config(std::string_view text, const std::filesystem::path& file,
                            std::span<const std::string> profiles) {
    const std::string source = printable(file.filename().native());
    if (text.size() > kMaxConfigBytes)
        return fail(Errc::invalid_input, source + ": larger than 1048576 bytes");
    auto root = detail::parse_yaml(text, source);
    if (!root) return std::unexpected(std::move(root.error()).hint("README.md shows an example"));
    if (root->kind != YamlKind::map) {
        return refuse(Place{source, "", nullptr}, root->line,
                      "the file must be a map, not " + std::string(detail::to_string(root->kind)),
                      "README.md shows an example");
    }
    TRY_ASSIGN(Config config, read_config(*root, file, source));
    TRY_ASSIGN(const auto all, profiles_of(*root, source));
    for (const Profile& profile : all) {
        TRY(detail::check_removals(*root, profile, Place{source, "", nullptr}));
        TRY(read_with(*root, std::span(&profile, 1), file, source));
    }
    if (profiles.empty()) return config;
    TRY_ASSIGN(const auto chosen, choose_profiles(all, profiles, source));
    return read_with(*root, chosen, file, source);
}

std::string make_dns_label(std::string_view text) {
    constexpr std::size_t kMost = 63;
    std::string label;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = byte < 0x80 && std::isalnum(byte) != 0;
        if (plain)
            label += static_cast<char>(std::tolower(byte));
        else if (!label.empty() && label.back() != '-')
            label += '-';
        if (label.size() == kMost) break;
    }
    while (label.ends_with('-')) label.pop_back();
    return label.empty() ? "project" : label;
}

}  // namespace synchost::host
