#include "host/engine/rollout.hpp"

#include <algorithm>
#include <utility>

namespace synchost::host {

void Rollout::set(std::vector<Workload> workloads) {
    workloads_ = std::move(workloads);
    const auto is_gone = [&](const std::string& id) {
        return std::ranges::find(workloads_, id, &Workload::id) == workloads_.end();
    };
    std::erase_if(started_, is_gone);
    std::erase_if(ready_, is_gone);
}

Rollout::Step Rollout::next(const std::set<std::string>& built) const {
    Step out;
    const auto image_that_lacks = [&](const Workload& workload) -> const std::string* {
        const auto found = std::ranges::find_if_not(
            workload.images, [&](const std::string& image) { return built.contains(image); });
        return found == workload.images.end() ? nullptr : &*found;
    };
    const auto what_it_awaits = [&](const Workload& workload) -> const std::string* {
        if (started_.contains(workload.id)) return nullptr;
        const auto found = std::ranges::find_if_not(
            workload.depends_on, [&](const std::string& id) { return ready_.contains(id); });
        return found == workload.depends_on.end() ? nullptr : &*found;
    };
    for (const Workload& workload : workloads_) {
        if (stopped_.contains(workload.id)) continue;
        const std::string* by = image_that_lacks(workload);
        if (by == nullptr) by = what_it_awaits(workload);
        if (by == nullptr) {
            out.apply.insert(workload.id);
        } else {
            out.held.push_back({&workload, *by, started_.contains(workload.id)});
        }
    }
    for (const Held& held : out.held) {
        if (image_that_lacks(*held.workload) != nullptr) continue;
        for (const std::string& id : held.workload->depends_on) {
            if (out.apply.contains(id) && !ready_.contains(id)) out.await.insert(id);
        }
    }
    return out;
}

void Rollout::stop(const std::string& id) {
    stopped_.insert(id);
    started_.erase(id);
    ready_.erase(id);
}

}  // namespace synchost::host
