#include "host/plan/detail/field_table.hpp"

#include <vector>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"

namespace synchost::host::detail {
namespace {

std::unexpected<Error> refuse_unknown(const Place& place, const YamlNode& key,
                                      std::span<const KeySpec> keys) {
    std::vector<std::string_view> names;
    std::string all;
    for (const KeySpec& spec : keys) {
        names.push_back(spec.name);
        all += (all.empty() ? "" : ", ") + std::string(spec.name);
    }
    const auto near = nearest_word(key.text, names);
    return refuse(place, key.line, "unknown key \"" + printable(key.text.substr(0, 100)) + "\"",
                  near ? "Did you mean \"" + *near + "\"?" : "The keys here are: " + all);
}

}  // namespace

std::unexpected<Error> refuse(const Place& place, int line, const std::string& why, std::string step) {
    return fail(Errc::invalid_input, std::string(place.source) + ":" + std::to_string(line) + ": " + why,
                std::move(step));
}

Result<std::size_t> find_key(const YamlNode& key, std::span<const KeySpec> keys, const Place& place) {
    if (key.kind != YamlKind::scalar)
        return refuse(place, key.line, "a key is " + std::string(to_string(key.kind)) + ", not text");
    const auto known = std::ranges::find(keys, key.text, &KeySpec::name);
    if (known == keys.end()) return refuse_unknown(place, key, keys);
    const auto [seen, fresh] = place.lines->emplace(place.prefix + key.text, key.line);
    if (!fresh) {
        return refuse(
            place, key.line,
            "\"" + key.text + "\" stands here a second time, after line " + std::to_string(seen->second),
            "Keep one of the two");
    }
    return static_cast<std::size_t>(known - keys.begin());
}

Result<> check_required(const YamlNode& map, std::span<const KeySpec> keys, const Place& place) {
    for (const KeySpec& key : keys) {
        if (key.need == Need::optional || place.lines->contains(place.prefix + std::string(key.name)))
            continue;
        return refuse(place, map.line, "\"" + std::string(key.name) + "\" is missing",
                      "Add, for example: " + std::string(key.name) + ": " + std::string(key.example));
    }
    return {};
}

}  // namespace synchost::host::detail
