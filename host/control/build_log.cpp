#include "host/control/build_log.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/timestamp.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json json_of(const BuildRecord& build) {
    Json steps = Json::array();
    for (const BuildStepRecord& step : build.steps) {
        steps.push_back({{"line", step.line},
                         {"text", step.text},
                         {"stage", step.stage},
                         {"cached", step.cached},
                         {"failed", step.failed},
                         {"ms", step.time.count()},
                         {"why", step.why}});
    }
    return {{"id", build.id},
            {"image", build.image},
            {"time", format_timestamp_ns(build.time_ns)},
            {"outcome", to_string(build.state)},
            {"ms", build.time.count()},
            {"push_ms", build.push_time.count()},
            {"layers", build.layers},
            {"bytes_sent", build.bytes_sent},
            {"cause", build.cause},
            {"steps", std::move(steps)},
            {"error", build.error},
            {"next_step", build.next_step}};
}

}  // namespace

std::string_view to_string(BuildState state) {
    switch (state) {
        case BuildState::running:
            return "running";
        case BuildState::built:
            return "built";
        case BuildState::unchanged:
            return "unchanged";
        case BuildState::failed:
            return "failed";
        case BuildState::superseded:
            return "superseded";
    }
    return "running";
}

std::string to_json(const BuildRecord& build) {
    return dumped(json_of(build));
}

std::string builds_json(std::span<const BuildRecord* const> builds) {
    Json all = Json::array();
    for (const BuildRecord* build : builds) all.push_back(json_of(*build));
    return dumped({{"builds", std::move(all)}});
}

std::uint64_t BuildLog::add(BuildRecord build) {
    const auto is_same = [&](const auto& item) { return item.second.image == build.image; };
    if (std::ranges::count_if(builds_, is_same) >= static_cast<std::ptrdiff_t>(kPerImage))
        builds_.erase(std::ranges::find_if(builds_, is_same));
    build.id = next_++;
    const std::uint64_t id = build.id;
    builds_.emplace_hint(builds_.end(), id, std::move(build));
    return id;
}

const BuildRecord* BuildLog::update(std::uint64_t id, const std::function<void(BuildRecord&)>& edit) {
    const auto found = builds_.find(id);
    if (found == builds_.end()) return nullptr;
    edit(found->second);
    return &found->second;
}

std::vector<const BuildRecord*> BuildLog::list(std::string_view image) const {
    std::vector<const BuildRecord*> out;
    for (const auto& [id, build] : builds_) {
        if (image.empty() || build.image == image) out.push_back(&build);
    }
    return out;
}

void BuildLog::keep_only(const std::function<bool(const std::string& image)>& is_kept) {
    std::erase_if(builds_, [&](const auto& item) { return !is_kept(item.second.image); });
}

}  // namespace synchost::host
