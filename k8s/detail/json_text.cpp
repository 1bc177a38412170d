#include "k8s/detail/json_text.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/rel_path.hpp"
#include "k8s/detail/fields.hpp"

namespace synchost::k8s {
namespace {

constexpr std::int64_t kMaxNumber = std::int64_t{1} << 53;  // sums of two still fit
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxKeys = 5'000;

}  // namespace

std::optional<Json> parse_json(std::string_view text) {
    using Event = Json::parse_event_t;
    bool refused = false;
    std::vector<std::size_t> keys;  // of the objects that are open
    const auto watch = [&](int depth, Event event, const Json&) {
        if (event == Event::object_start) keys.push_back(0);
        if (event == Event::object_end && !keys.empty()) keys.pop_back();
        refused |= depth > kMaxDepth;
        refused |= event == Event::key && !keys.empty() && ++keys.back() > kMaxKeys;
        return !refused;
    };
    Json out = Json::parse(text, watch, /*allow_exceptions=*/false);
    if (refused || out.is_discarded()) return std::nullopt;
    return out;
}

const Json& at_path(const Json& object, std::initializer_list<const char*> keys) {
    static const Json kNull;
    const Json* at = &object;
    for (const char* key : keys) {
        at = field(*at, key);
        if (at == nullptr) return kNull;
    }
    return *at;
}

std::string text_at(const Json& object, std::initializer_list<const char*> keys) {
    const Json& value = at_path(object, keys);
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::int64_t number_at(const Json& object, std::initializer_list<const char*> keys, std::int64_t fallback) {
    const Json& value = at_path(object, keys);
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <= std::uint64_t{kMaxNumber}
                          : value.is_number_integer() && value >= -kMaxNumber && value <= kMaxNumber;
    return fits ? value.get<std::int64_t>() : fallback;
}

bool flag_at(const Json& object, std::initializer_list<const char*> keys) {
    const Json& value = at_path(object, keys);
    return value.is_boolean() && value.get<bool>();
}

std::vector<const Json*> items_at(const Json& object, std::initializer_list<const char*> keys) {
    std::vector<const Json*> out;
    const Json& list = at_path(object, keys);
    if (!list.is_array()) return out;
    for (const Json& item : list) {
        if (item.is_object()) out.push_back(&item);
    }
    return out;
}

std::string one_line(std::string_view text, std::size_t max_bytes) {
    std::string out;
    bool space = false;
    bool cut = false;
    for (const char c : text) {
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            space = !out.empty();
            continue;
        }
        cut = out.size() + (space ? 1 : 0) >= max_bytes;
        if (cut) break;
        if (std::exchange(space, false)) out += ' ';
        out += c;
    }
    // A character that was cut in two goes.
    while (cut && !out.empty() && (static_cast<unsigned char>(out.back()) & 0x80U) != 0) out.pop_back();
    return printable(out) + (cut ? "..." : "");
}

}  // namespace synchost::k8s
