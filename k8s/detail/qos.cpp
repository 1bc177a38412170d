#include "k8s/detail/qos.hpp"

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

}  // namespace

bool is_guaranteed(const Json& pod_spec) {
    return std::ranges::all_of(std::array{"containers", "initContainers"}, [&](const char* key) {
        const Json* list = field(pod_spec, key);
        return list == nullptr || std::ranges::all_of(*list, has_equal_limits);
    });
}

}  // namespace synchost::k8s
