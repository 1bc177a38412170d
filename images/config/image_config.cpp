#include "images/config/image_config.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

namespace synchost::images {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxLayers = 1000;

const Json& member(const Json& object, const char* key) {
    static const Json kNothing;
    if (!object.is_object()) return kNothing;
    const auto found = object.find(key);
    return found == object.end() ? kNothing : *found;
}

std::string text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
}

Result<std::vector<std::string>> texts(const Json& value, std::string_view what) {
    std::vector<std::string> out;
    if (value.is_null()) return out;
    if (!value.is_array())
        return fail(Errc::protocol, "image config: " + std::string(what) + " is not an array");
    for (const Json& item : value) {
        if (!item.is_string())
            return fail(Errc::protocol, "image config: " + std::string(what) + " holds more than strings");
        out.push_back(item.get<std::string>());
    }
    return out;
}

std::set<std::string> keys(const Json& object) {
    std::set<std::string> out;
    if (!object.is_object()) return out;
    for (const auto& item : object.items()) out.insert(item.key());
    return out;
}

std::string rfc3339(std::int64_t seconds) {
    const std::time_t time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 40> out{};
    const std::size_t size = std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {out.data(), size};
}

// `value` under `key`, or no such key where it is empty.
void set_or_drop(Json& object, const char* key, Json value) {
    if (value.empty() || (value.is_string() && value.get_ref<const std::string&>().empty())) {
        object.erase(key);
    } else {
        object[key] = std::move(value);
    }
}

Json empty_objects(const std::set<std::string>& names) {
    Json out = Json::object();
    for (const std::string& name : names) out[name] = Json::object();
    return out;
}

Json healthcheck_json(const Healthcheck& check) {
    Json out = {{"Test", check.test}};
    const auto set = [&](const char* key, std::int64_t value) {
        if (value != 0) out[key] = value;
    };
    set("Interval", check.interval);
    set("Timeout", check.timeout);
    set("StartPeriod", check.start_period);
    set("StartInterval", check.start_interval);
    set("Retries", check.retries);
    return out;
}

Json runtime_json(const ImageConfig& config, Json out) {
    if (!out.is_object()) out = Json::object();
    set_or_drop(out, "Entrypoint", config.entrypoint);
    set_or_drop(out, "Cmd", config.cmd);
    set_or_drop(out, "Env", config.env);
    set_or_drop(out, "WorkingDir", config.working_dir);
    set_or_drop(out, "User", config.user);
    set_or_drop(out, "Labels", config.labels);
    set_or_drop(out, "ExposedPorts", empty_objects(config.exposed_ports));
    set_or_drop(out, "Volumes", empty_objects(config.volumes));
    set_or_drop(out, "StopSignal", config.stop_signal);
    set_or_drop(out, "Shell", config.shell);
    set_or_drop(out, "OnBuild", config.on_build);
    if (config.healthcheck) out["Healthcheck"] = healthcheck_json(*config.healthcheck);
    return out;
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::optional<std::string> ImageConfig::env_value(std::string_view name) const {
    for (const std::string& entry : env) {
        if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=') {
            return entry.substr(name.size() + 1);
        }
    }
    return std::nullopt;
}

void ImageConfig::set_env(const std::string& name, const std::string& value) {
    const auto same =
        std::ranges::find_if(env, [&](const std::string& entry) { return entry.starts_with(name + "="); });
    if (same == env.end()) {
        env.push_back(name + "=" + value);
    } else {
        *same = name + "=" + value;
    }
}

RunConfig ImageConfig::run_config() const {
    return {.entrypoint = entrypoint,
            .cmd = cmd,
            .env = env,
            .working_dir = working_dir,
            .user = user,
            .labels = labels};
}

ImageConfig scratch_config(const registry::Platform& platform) {
    ImageConfig out;
    out.os = platform.os;
    out.architecture = platform.architecture;
    out.variant = platform.variant;
    out.set_env("PATH", std::string(kDefaultPath));
    return out;
}

Result<ImageConfig> parse_image_config(std::string_view bytes) {
    const Json json = Json::parse(bytes, nullptr, false);
    if (!json.is_object()) return fail(Errc::protocol, "image config: not a JSON object");
    ImageConfig out;
    out.base = bytes;
    out.architecture = text(member(json, "architecture"));
    out.os = text(member(json, "os"));
    out.variant = text(member(json, "variant"));
    out.author = text(member(json, "author"));
    const Json& config = member(json, "config");
    TRY_ASSIGN(out.entrypoint, texts(member(config, "Entrypoint"), "Entrypoint"));
    TRY_ASSIGN(out.cmd, texts(member(config, "Cmd"), "Cmd"));
    TRY_ASSIGN(out.env, texts(member(config, "Env"), "Env"));
    TRY_ASSIGN(out.shell, texts(member(config, "Shell"), "Shell"));
    out.working_dir = text(member(config, "WorkingDir"));
    out.user = text(member(config, "User"));
    out.stop_signal = text(member(config, "StopSignal"));
    out.exposed_ports = keys(member(config, "ExposedPorts"));
    out.volumes = keys(member(config, "Volumes"));
    if (const Json& labels = member(config, "Labels"); labels.is_object()) {
        for (const auto& item : labels.items()) out.labels[item.key()] = text(item.value());
    }
    TRY_ASSIGN(out.on_build, texts(member(config, "OnBuild"), "OnBuild"));
    TRY_ASSIGN(const auto diff_ids, texts(member(member(json, "rootfs"), "diff_ids"), "diff_ids"));
    if (diff_ids.size() > kMaxLayers) return fail(Errc::protocol, "image config: more than 1000 layers");
    for (const std::string& id : diff_ids) {
        auto digest = Digest::parse(id);
        if (!digest) return fail(Errc::protocol, "image config: " + digest.error().message);
        out.diff_ids.push_back(*digest);
    }
    return out;
}

std::string to_json(const ImageConfig& config, std::int64_t created) {
    const Json base = config.base.empty() ? Json() : Json::parse(config.base, nullptr, false);
    Json out;
    out["architecture"] = config.architecture;
    out["os"] = config.os;
    set_or_drop(out, "variant", config.variant);
    set_or_drop(out, "author", config.author);
    out["created"] = rfc3339(created);
    out["config"] = runtime_json(config, member(base, "config"));
    Json diff_ids = Json::array();
    for (const Digest& id : config.diff_ids) diff_ids.push_back(id.to_string());
    out["rootfs"] = {{"type", "layers"}, {"diff_ids", std::move(diff_ids)}};
    Json history = member(base, "history");
    if (!history.is_array()) history = Json::array();
    for (const HistoryEntry& entry : config.history) {
        Json item = {
            {"created", rfc3339(created)}, {"created_by", entry.created_by}, {"comment", "synchost"}};
        if (entry.empty_layer) item["empty_layer"] = true;
        history.push_back(std::move(item));
    }
    out["history"] = std::move(history);
    return dump(out);
}

std::string manifest_json(const Descriptor& config, const std::vector<Layer>& layers) {
    const auto descriptor = [](const Descriptor& from) {
        return Json{{"mediaType", from.media_type}, {"digest", from.digest.to_string()}, {"size", from.size}};
    };
    Json out;
    out["schemaVersion"] = 2;
    out["mediaType"] = registry::kOciManifest;
    out["config"] = descriptor(config);
    out["layers"] = Json::array();
    for (const Layer& layer : layers) out["layers"].push_back(descriptor(layer.blob));
    return dump(out);
}

}  // namespace synchost::images
