#include "host/control/change_log.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/timestamp.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::ordered_json;

// What it takes in memory, roughly.
std::size_t bytes_of(const ChangeRecord& change) {
    constexpr std::size_t kOfText = 32;
    std::size_t out = sizeof change + change.reason.size() + change.error.size() + change.next_step.size();
    for (const auto* texts : {&change.services, &change.sources}) {
        for (const std::string& text : *texts) out += kOfText + text.size();
    }
    for (const ChangedFile& file : change.files) out += sizeof file + file.path.size() + file.source.size();
    return out;
}

bool concerns(const ChangeRecord& change, std::span<const std::string> workloads) {
    return workloads.empty() || std::ranges::any_of(change.services, [&](const std::string& service) {
               return std::ranges::find(workloads, service) != workloads.end();
           });
}

Json json_of(const ChangeRecord& change) {
    Json files = Json::array();
    for (const ChangedFile& file : change.files) {
        files.push_back(
            {{"path", file.path}, {"source", file.source}, {"what", file.removed ? "removed" : "written"}});
    }
    Json phases = Json::array();
    for (const ChangePhase& phase : change.phases)
        phases.push_back({{"name", phase.name}, {"us", phase.time.count()}});
    return {{"id", change.id},
            {"time", format_timestamp_ns(change.time_ns)},
            {"image", change.image},
            {"services", change.services},
            {"kind", to_string(change.kind)},
            {"outcome", to_string(change.outcome)},
            {"sources", change.sources},
            {"source_count", change.source_count},
            {"reason", change.reason},
            {"generation", change.generation},
            {"containers", change.containers},
            {"files", std::move(files)},
            {"file_count", change.file_count},
            {"after", change.after},
            {"phases", std::move(phases)},
            {"total_us", change.total.count()},
            {"build", change.build ? Json(*change.build) : Json(nullptr)},
            {"error", change.error},
            {"next_step", change.next_step}};
}

}  // namespace

std::string_view to_string(SaveKind kind) {
    switch (kind) {
        case SaveKind::sync:
            return "sync";
        case SaveKind::rebuild:
            return "rebuild";
        case SaveKind::ignored:
            return "ignored";
        case SaveKind::held:
            return "held";
    }
    return "sync";
}

std::string_view to_string(SaveOutcome outcome) {
    switch (outcome) {
        case SaveOutcome::pending:
            return "pending";
        case SaveOutcome::done:
            return "done";
        case SaveOutcome::failed:
            return "failed";
        case SaveOutcome::superseded:
            return "superseded";
    }
    return "pending";
}

std::string to_json(const ChangeRecord& change) {
    return json_of(change).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string changes_json(std::span<const ChangeRecord* const> changes) {
    Json all = Json::array();
    for (const ChangeRecord* change : changes) all.push_back(json_of(*change));
    return Json{{"changes", std::move(all)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::uint64_t ChangeLog::add(ChangeRecord change) {
    change.id = next_++;
    for (const std::string& service : change.services) last_of_[service] = change.id;
    bytes_ += bytes_of(change);
    ++of_image_[change.image];
    const std::string image = change.image;
    const std::uint64_t id = change.id;
    changes_.emplace_hint(changes_.end(), id, std::move(change));
    make_room(image);
    return id;
}

const ChangeRecord* ChangeLog::find(std::uint64_t id) const {
    const auto found = changes_.find(id);
    return found == changes_.end() ? nullptr : &found->second;
}

const ChangeRecord* ChangeLog::update(std::uint64_t id, const std::function<void(ChangeRecord&)>& edit) {
    const auto found = changes_.find(id);
    if (found == changes_.end()) return nullptr;
    bytes_ -= bytes_of(found->second);
    edit(found->second);
    bytes_ += bytes_of(found->second);
    for (const std::string& service : found->second.services) {
        std::uint64_t& last = last_of_[service];
        last = std::max(last, id);
    }
    make_room(found->second.image);
    return find(id);
}

// The newest stays, whatever it takes.
void ChangeLog::make_room(const std::string& image) {
    const auto of_image = of_image_.find(image);
    if (of_image != of_image_.end() && of_image->second > kPerImage) {
        const auto oldest =
            std::ranges::find_if(changes_, [&](const auto& item) { return item.second.image == image; });
        drop(oldest->first);
    }
    while (changes_.size() > 1 && (changes_.size() > kInAll || bytes_ > kMaxBytes))
        drop(changes_.begin()->first);
}

void ChangeLog::drop(std::uint64_t id) {
    const auto found = changes_.find(id);
    bytes_ -= bytes_of(found->second);
    if (const auto of_image = of_image_.find(found->second.image); --of_image->second == 0)
        of_image_.erase(of_image);
    for (const std::string& service : found->second.services) {
        if (const auto last = last_of_.find(service); last != last_of_.end() && last->second == id)
            last_of_.erase(last);
    }
    changes_.erase(found);
}

std::vector<const ChangeRecord*> ChangeLog::last(std::span<const std::string> workloads,
                                                 std::size_t most) const {
    std::vector<const ChangeRecord*> out;
    for (auto it = changes_.rbegin(); it != changes_.rend() && out.size() < most; ++it) {
        if (concerns(it->second, workloads)) out.push_back(&it->second);
    }
    std::ranges::reverse(out);
    return out;
}

std::optional<std::uint64_t> ChangeLog::last_of(const std::string& workload) const {
    const auto found = last_of_.find(workload);
    return found == last_of_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace synchost::host
