#include "k8s/cluster/detail/events.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/timestamp.hpp"
#include "k8s/detail/json_text.hpp"

namespace synchost::k8s::detail {
namespace {

std::string first_text(const Json& event, std::initializer_list<std::initializer_list<const char*>> places) {
    for (const auto& place : places) {
        std::string text = text_at(event, place);
        if (!text.empty()) return text;
    }
    return {};
}

std::string container_of(std::string_view field_path) {
    const std::size_t open = field_path.find('{');
    if (open == std::string_view::npos || !field_path.ends_with('}')) return {};
    return std::string(field_path.substr(open + 1, field_path.size() - open - 2));
}

std::int64_t count_of(const Json& event) {
    std::int64_t out = 1;
    for (const std::int64_t count : {number_at(event, {"count"}, 1), number_at(event, {"series", "count"}, 1),
                                     number_at(event, {"deprecatedCount"}, 1)})
        out = std::max(out, count);
    return out;
}

std::chrono::sys_time<std::chrono::microseconds> time_of(const Json& event) {
    std::chrono::sys_time<std::chrono::microseconds> out{};
    for (const std::string& text :
         {text_at(event, {"lastTimestamp"}), text_at(event, {"series", "lastObservedTime"}),
          text_at(event, {"deprecatedLastTimestamp"}), text_at(event, {"eventTime"}),
          text_at(event, {"firstTimestamp"}), text_at(event, {"metadata", "creationTimestamp"})}) {
        if (const auto time = parse_timestamp(text)) out = std::max(out, *time);
    }
    return out;
}

}  // namespace

std::vector<ClusterEvent> sorted_events(const std::vector<Json>& events, std::string_view uid) {
    std::vector<ClusterEvent> out;
    for (const Json& event : events) {
        const std::string object = first_text(event, {{"involvedObject", "uid"}, {"regarding", "uid"}});
        if (!uid.empty() && !object.empty() && object != uid) continue;
        out.push_back({.reason = text_at(event, {"reason"}),
                       .message = first_text(event, {{"message"}, {"note"}}),
                       .container = container_of(
                           first_text(event, {{"involvedObject", "fieldPath"}, {"regarding", "fieldPath"}})),
                       .count = count_of(event),
                       .last = time_of(event)});
    }
    std::vector<std::size_t> places(out.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::ranges::sort(places, std::greater(), [&](std::size_t at) { return std::pair(out[at].last, at); });
    std::vector<ClusterEvent> sorted;
    for (const std::size_t at : places) sorted.push_back(std::move(out[at]));
    return sorted;
}

const ClusterEvent* newest(const std::vector<ClusterEvent>& events, std::string_view reason) {
    const auto found = std::ranges::find(events, reason, &ClusterEvent::reason);
    return found == events.end() ? nullptr : &*found;
}

}  // namespace synchost::k8s::detail
