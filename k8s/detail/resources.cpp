#include "k8s/detail/resources.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "k8s/detail/fields.hpp"

namespace synchost::k8s {
namespace {

// A resource.Quantity, as an ordinary number.
std::optional<double> quantity(const Json& value) {
    if (value.is_number()) return value.get<double>();
    if (!value.is_string()) return std::nullopt;
    const std::string& text = value.get_ref<const std::string&>();
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    const std::string_view unit = std::string_view(text).substr(static_cast<std::size_t>(end - text.data()));
    constexpr std::array<std::pair<std::string_view, double>, 16> kUnits = {{{"", 1},
                                                                             {"n", 1e-9},
                                                                             {"u", 1e-6},
                                                                             {"m", 1e-3},
                                                                             {"k", 1e3},
                                                                             {"M", 1e6},
                                                                             {"G", 1e9},
                                                                             {"T", 1e12},
                                                                             {"P", 1e15},
                                                                             {"E", 1e18},
                                                                             {"Ki", 0x1p10},
                                                                             {"Mi", 0x1p20},
                                                                             {"Gi", 0x1p30},
                                                                             {"Ti", 0x1p40},
                                                                             {"Pi", 0x1p50},
                                                                             {"Ei", 0x1p60}}};
    const auto found = std::ranges::find(kUnits, unit, &std::pair<std::string_view, double>::first);
    if (found == kUnits.end()) return std::nullopt;
    return number * found->second;
}

bool same_quantity(const Json& a, const Json& b) {
    const auto x = quantity(a);
    const auto y = quantity(b);
    return x && y && std::abs(*x - *y) <= 1e-9 * std::max(std::abs(*x), std::abs(*y));
}

bool has_equal_limits(const Json& container) {
    const Json* resources = field(container, "resources");
    const Json* limits = resources == nullptr ? nullptr : field(*resources, "limits");
    if (limits == nullptr) return false;
    const Json* requests = field(*resources, "requests");
    return std::ranges::all_of(std::array{"cpu", "memory"}, [&](const char* what) {
        const Json* limit = field(*limits, what);
        const Json* request = requests == nullptr ? nullptr : field(*requests, what);
        return limit != nullptr && same_quantity(*limit, request == nullptr ? *limit : *request);
    });
}

// Less than a limit that starves the agent: the kubelet runs its exec probes within it.
struct Amount {
    const char* resource;
    const char* request;
    const char* limit;
    const char* guaranteed;  // request and limit in one: an HPA counts it
};
constexpr std::array kAmounts = {Amount{"cpu", "5m", "100m", "50m"}, Amount{"memory", "16Mi", "64Mi", "32Mi"},
                                 Amount{"ephemeral-storage", "16Mi", "64Mi", "16Mi"}};

// Whether `resources` has more than nothing of it under `key` (requests or limits).
bool has_some(const Json* resources, const char* key, const char* resource) {
    const Json* list = resources == nullptr ? nullptr : field(*resources, key);
    const Json* value = list == nullptr ? nullptr : field(*list, resource);
    return value != nullptr && quantity(*value).value_or(0) > 0;
}

// What the pod's own containers and init containers say of one resource.
struct Usage {
    bool requested = false;  // by one of them at least
    bool limited = true;     // by all of them
};

Usage usage_of(const Json& pod_spec, const char* resource) {
    Usage out;
    for (const char* key : {"containers", "initContainers"}) {
        const Json* list = field(pod_spec, key);
        for (const Json& container : list == nullptr ? Json::array() : *list) {
            const Json* resources = field(container, "resources");
            const bool limited = has_some(resources, "limits", resource);
            out.requested = out.requested || limited || has_some(resources, "requests", resource);
            out.limited = out.limited && limited;
        }
    }
    return out;
}

}  // namespace

bool is_guaranteed(const Json& pod_spec) {
    return std::ranges::all_of(std::array{"containers", "initContainers"}, [&](const char* key) {
        const Json* list = field(pod_spec, key);
        return list == nullptr || std::ranges::all_of(*list, has_equal_limits);
    });
}

Json sidecar_resources(const Json& pod_spec) {
    const bool guaranteed = is_guaranteed(pod_spec);
    const Json* of_pod = field(pod_spec, "resources");
    Json out = Json::object();
    for (const Amount& amount : kAmounts) {
        const char* name = amount.resource;
        if (has_some(of_pod, "requests", name) || has_some(of_pod, "limits", name)) continue;
        const Usage usage = usage_of(pod_spec, name);
        if (usage.requested) out["requests"][name] = guaranteed ? amount.guaranteed : amount.request;
        if (usage.requested && usage.limited)
            out["limits"][name] = guaranteed ? amount.guaranteed : amount.limit;
    }
    return out;
}

Json seed_resources(const Json& container) {
    Json out = Json::object();
    const Json* resources = field(container, "resources");
    for (const char* key : {"requests", "limits"}) {
        const Json* list = resources == nullptr ? nullptr : field(*resources, key);
        for (const Amount& amount : kAmounts) {
            const Json* value = list == nullptr ? nullptr : field(*list, amount.resource);
            if (value != nullptr) out[key][amount.resource] = *value;
        }
    }
    return out;
}

}  // namespace synchost::k8s
