#include "k8s/kubeconfig/kubeconfig.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/yaml_reader.hpp"
#include "k8s/kubeconfig/detail/entries.hpp"

namespace synchost::k8s {

namespace fs = std::filesystem;
using detail::NamedEntry;

struct KubeconfigData {
    std::string current_context;
    std::vector<NamedEntry> clusters;
    std::vector<NamedEntry> users;
    std::vector<NamedEntry> contexts;
};

namespace {

constexpr std::size_t kMaxEntries = 10'000;

std::string in_quotes(std::string_view text) {
    return "\"" + printable(text.substr(0, 200)) + "\"";
}

const NamedEntry* find_entry(const std::vector<NamedEntry>& entries, std::string_view name) {
    const auto found = std::ranges::find(entries, name, &NamedEntry::name);
    return found == entries.end() ? nullptr : &*found;
}

// The entries of one file's list `list_name`, each with its value under `value_name`.
Result<std::vector<NamedEntry>> read_entries(const Json& config, const char* list_name,
                                             const char* value_name, const fs::path& file) {
    std::vector<NamedEntry> out;
    TRY_ASSIGN(const Json* list, list_field(config, list_name));
    if (list == nullptr) return out;
    if (list->size() > kMaxEntries)
        return fail(Errc::invalid_input, "more than 10,000 " + std::string(list_name));
    std::unordered_set<std::string> names;
    for (const Json& item : *list) {
        TRY_ASSIGN(std::string name, text_field(item, "name"));
        if (!names.insert(name).second)
            return fail(Errc::invalid_input,
                        std::string(list_name) + " has the name " + in_quotes(name) + " twice");
        TRY_ASSIGN(const Json* value, mapping_field(item, value_name));
        out.push_back({std::move(name), value == nullptr ? Json::object() : *value, file});
    }
    return out;
}

// What an earlier file has under a name stays, whole.
void merge(std::vector<NamedEntry> from, std::vector<NamedEntry>& into) {
    std::unordered_set<std::string> had;
    for (const NamedEntry& entry : into) had.insert(entry.name);
    for (NamedEntry& entry : from) {
        if (!had.contains(entry.name)) into.push_back(std::move(entry));
    }
}

Result<> read_config(const Json& config, const fs::path& file, KubeconfigData& data) {
    if (!config.is_object()) return fail(Errc::invalid_input, "not a kubeconfig");
    TRY_ASSIGN(const std::string kind, text_field(config, "kind", "Config"));
    TRY_ASSIGN(const std::string version, text_field(config, "apiVersion", "v1"));
    if (kind != "Config" || version != "v1") {
        return fail(Errc::invalid_input,
                    "not a kubeconfig, but " + in_quotes(version) + " " + in_quotes(kind));
    }
    TRY_ASSIGN(auto clusters, read_entries(config, "clusters", "cluster", file));
    TRY_ASSIGN(auto users, read_entries(config, "users", "user", file));
    TRY_ASSIGN(auto contexts, read_entries(config, "contexts", "context", file));
    TRY_ASSIGN(const std::string current, text_field(config, "current-context"));
    merge(std::move(clusters), data.clusters);
    merge(std::move(users), data.users);
    merge(std::move(contexts), data.contexts);
    if (data.current_context.empty()) data.current_context = current;
    return {};
}

// The errors of the YAML reader about tags quote value and tag. A password that begins with ! is a tag to
// YAML.
Error without_value(Error error, std::size_t source_size) {
    const bool about_a_tag =
        error.message.contains("\" with the tag") || error.message.contains(": unknown tag ");
    const std::size_t line_end = error.message.find(": ", source_size);
    if (!about_a_tag || line_end == std::string::npos) return error;
    error.message.resize(line_end);
    error.message += ": a value with a tag (!) that does not fit it";
    error.next_step = "Put the value in quotes.";
    return error;
}

Result<> read_file_into(const fs::path& file, std::string_view text, KubeconfigData& data) {
    const std::string source = printable(file.native());
    auto read = read_yaml(text, source);
    if (!read) return std::unexpected(without_value(std::move(read).error(), source.size()));
    const std::vector<YamlDocument>& documents = *read;
    if (documents.empty()) return {};
    Result<> done = documents.size() == 1
                        ? read_config(documents[0].value, file, data)
                        : fail(Errc::invalid_input, "several documents; a kubeconfig is one");
    if (!done) return std::unexpected(std::move(done).error().context(source));
    return {};
}

std::unexpected<Error> no_such_context(const std::string& name, const std::vector<std::string>& names) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    std::string step = did_you_mean(name, views);
    if (step.empty() && !names.empty()) {
        step = "There are:";
        for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 10); ++i)
            step += (i == 0 ? " " : ", ") + printable(names[i].substr(0, 200));
        step += names.size() > 10 ? ", ..." : ".";
    }
    return fail(Errc::not_found, "the kubeconfig has no context " + in_quotes(name), step);
}

// The entry that the context names, or the reason why there is none.
Result<const NamedEntry*> referred(const std::vector<NamedEntry>& entries, const char* what,
                                   const std::string& name, const std::string& context) {
    const NamedEntry* entry = find_entry(entries, name);
    if (entry != nullptr) return entry;
    return fail(Errc::invalid_input,
                "context " + in_quotes(context) + ": the kubeconfig has no " + what + " " + in_quotes(name));
}

std::string place_of(const NamedEntry& entry, const char* what) {
    return printable(entry.file.native()) + ": " + what + " " + in_quotes(entry.name);
}

}  // namespace

Result<Kubeconfig> Kubeconfig::load(const std::vector<fs::path>& files) {
    auto data = std::make_shared<KubeconfigData>();
    bool found = false;
    for (const fs::path& file : files) {
        const auto text = read_file(file, kMaxYamlBytes);
        if (!text && text.error().code == Errc::not_found) continue;
        if (!text) return std::unexpected(text.error());
        found = true;
        TRY(read_file_into(file, *text, *data));
    }
    if (!found) {
        const std::string where =
            files.empty() ? "" : ": " + printable(files[0].native()) + " does not exist";
        return fail(Errc::not_found, "no kubeconfig" + where,
                    "Start a cluster (`k3d cluster create` writes one), or set KUBECONFIG.");
    }
    return Kubeconfig(std::move(data));
}

Result<Kubeconfig> Kubeconfig::parse(std::string_view text, const fs::path& file) {
    auto data = std::make_shared<KubeconfigData>();
    TRY(read_file_into(file, text, *data));
    return Kubeconfig(std::move(data));
}

std::vector<fs::path> Kubeconfig::default_files(const char* kubeconfig_env, const char* home) {
    std::vector<fs::path> out;
    const std::string_view list = kubeconfig_env == nullptr ? "" : kubeconfig_env;
    if (list.empty()) {
        if (home != nullptr && *home != '\0') out.push_back(fs::path(home) / ".kube/config");
        return out;
    }
    for (std::size_t start = 0; start <= list.size();) {
        const std::size_t colon = std::min(list.find(':', start), list.size());
        const fs::path file = list.substr(start, colon - start);
        if (!file.empty() && std::ranges::find(out, file) == out.end()) out.push_back(file);
        start = colon + 1;
    }
    return out;
}

const std::string& Kubeconfig::current_context() const {
    return data_->current_context;
}

std::vector<std::string> Kubeconfig::context_names() const {
    std::vector<std::string> out;
    for (const NamedEntry& entry : data_->contexts) out.push_back(entry.name);
    return out;
}

Result<KubeContext> Kubeconfig::context(const std::string& name) const {
    KubeContext out;
    out.name = name.empty() ? current_context() : name;
    if (out.name.empty()) {
        return fail(Errc::not_found, "the kubeconfig has no current context",
                    "Choose one with `kubectl config use-context NAME`.");
    }
    const NamedEntry* entry = find_entry(data_->contexts, out.name);
    if (entry == nullptr) return no_such_context(out.name, context_names());
    const auto text = [&](const char* key, const char* fallback) -> Result<std::string> {
        auto value = text_field(entry->value, key, fallback);
        if (!value) return std::unexpected(std::move(value).error().context(place_of(*entry, "context")));
        return value->empty() ? fallback : *value;
    };
    TRY_ASSIGN(out.cluster_name, text("cluster", ""));
    TRY_ASSIGN(out.user_name, text("user", ""));
    TRY_ASSIGN(out.namespace_name, text("namespace", "default"));
    TRY_ASSIGN(const NamedEntry* cluster, referred(data_->clusters, "cluster", out.cluster_name, out.name));
    auto resolved = detail::resolve_cluster(*cluster);
    if (!resolved) return std::unexpected(std::move(resolved).error().context(place_of(*cluster, "cluster")));
    out.cluster = *std::move(resolved);
    if (out.user_name.empty()) return out;
    TRY_ASSIGN(const NamedEntry* user, referred(data_->users, "user", out.user_name, out.name));
    auto known = detail::resolve_user(*user);
    if (!known) return std::unexpected(std::move(known).error().context(place_of(*user, "user")));
    out.user = *std::move(known);
    return out;
}

}  // namespace synchost::k8s
