#include "host/control/service_name.hpp"

#include <algorithm>
#include <set>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"

namespace synchost::host {
namespace {

std::string_view own_name(const ServiceEntry& entry) {
    const std::string_view workload = entry.workload;
    return workload.substr(workload.find('/') + 1);
}

std::unexpected<Error> unknown_service(std::string_view name, std::span<const ServiceEntry> entries) {
    std::set<std::string_view> known;
    for (const ServiceEntry& entry : entries) {
        known.insert(entry.name);
        known.insert(entry.images.begin(), entry.images.end());
    }
    std::string all;
    for (const std::string_view one : known) all += (all.empty() ? "" : ", ") + std::string(one);
    const std::vector<std::string_view> candidates(known.begin(), known.end());
    return fail(Errc::not_found,
                "no service \"" + printable(name.substr(0, 253)) + "\"; there " +
                    (known.empty() ? "are none yet" : (known.size() == 1 ? "is " : "are ") + all),
                did_you_mean(name, candidates));
}

}  // namespace

Result<std::vector<std::string>> find_service(std::string_view name, std::span<const ServiceEntry> entries) {
    std::vector<std::string> out;
    const auto add_where = [&](const auto& is_meant) {
        for (const ServiceEntry& entry : entries) {
            if (is_meant(entry)) out.push_back(entry.workload);
        }
        return !out.empty();
    };
    // A workload that is named like another's image is meant before that.
    if (add_where([&](const ServiceEntry& entry) { return entry.workload == name; }) ||
        add_where([&](const ServiceEntry& entry) { return entry.name == name; }) ||
        add_where([&](const ServiceEntry& entry) { return own_name(entry) == name; }) ||
        add_where([&](const ServiceEntry& entry) {
            return std::ranges::find(entry.images, name) != entry.images.end();
        }))
        return out;
    return unknown_service(name, entries);
}

}  // namespace synchost::host
