#include "host/plan/detail/profiles.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <ranges>
#include <utility>

#include "base/rel_path.hpp"
#include "host/plan/config.hpp"

namespace synchost::host::detail {
namespace {

std::string shown(std::string_view text) {
    return printable(text.substr(0, 100));
}

bool is_named(const YamlPair& pair, const YamlNode& key) {
    return pair.key.kind == YamlKind::scalar && pair.key.text == key.text;
}

// Merging would keep one of the two without a word.
Result<> check_keys(const YamlNode& node, const Place& place) {
    std::map<std::string_view, int> seen;
    for (const auto& [key, value] : node.pairs) {
        if (key.kind != YamlKind::scalar)
            return refuse(place, key.line, "a key is " + std::string(to_string(key.kind)) + ", not text");
        const auto [first, fresh] = seen.emplace(key.text, key.line);
        if (!fresh) {
            return refuse(place, key.line,
                          "\"" + shown(key.text) + "\" stands here a second time, after line " +
                              std::to_string(first->second),
                          "Keep one of the two");
        }
        TRY(check_keys(value, place));
    }
    for (const YamlNode& item : node.items) TRY(check_keys(item, place));
    return {};
}

Result<> check_profile(const YamlPair& pair, const Place& place) {
    const auto& [key, changes] = pair;
    const std::string profile = "profile \"" + shown(key.text) + "\" ";
    if (key.kind != YamlKind::scalar || key.text != make_dns_label(key.text))
        return refuse(place, key.line, profile + "is not named by a DNS label",
                      "Write: " + make_dns_label(key.text));
    if (changes.kind != YamlKind::map)
        return refuse(place, key.line, profile + "must be a map, not " + std::string(to_string(changes.kind)),
                      "Write below it what is another in this profile, such as gate: hold");
    TRY(check_keys(changes, place));
    for (const auto& [changed, value] : changes.pairs) {
        if (changed.text == "name")
            return refuse(place, changed.line, profile + "has a name",
                          "A project has the same name in all its profiles; remove it");
        if (changed.text == "profiles")
            return refuse(place, changed.line, profile + "has profiles",
                          "Write them beside it; several are merged by --profile A --profile B");
    }
    return {};
}

using Path = std::vector<std::string>;

// The path of each key that stands in this line, a key before what is below it.
void find_line(const YamlNode& node, int line, Path& here, std::vector<Path>& found) {
    for (const auto& [key, value] : node.pairs) {
        here.push_back(key.text);
        if (key.line == line) found.push_back(here);
        find_line(value, line, here, found);
        here.pop_back();
    }
    for (const YamlNode& item : node.items) {
        if (item.kind != YamlKind::map && item.line == line) found.push_back(here);
        find_line(item, line, here, found);
    }
}

// Where the line is in a profile: what all keys of the line have in common, or the one that holds them all.
std::optional<Path> place_of(const Profile& profile, int line) {
    Path here{"profiles", profile.name};
    std::vector<Path> found;
    find_line(*profile.changes, line, here, found);
    if (found.empty()) return std::nullopt;
    // Of a chain (a key, then what is below it) the last tells most.
    std::vector<Path> leaves;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const bool leads_on = i + 1 < found.size() && found[i + 1].size() > found[i].size();
        if (!leads_on) leaves.push_back(found[i]);
    }
    Path common = leaves.front();
    for (const Path& leaf : leaves) {
        const auto differ = std::ranges::mismatch(common, leaf).in1;
        common.erase(differ, common.end());
    }
    return common;
}

std::string joined(const Path& path) {
    std::string text;
    for (const std::string& part : path) text += (text.empty() ? "" : " > ") + shown(part);
    return text;
}

Result<> check_removals_below(const YamlNode* base, const YamlNode& changes, const std::string& where,
                              const Place& place) {
    for (const auto& [key, value] : changes.pairs) {
        const YamlNode* there = nullptr;
        if (base != nullptr && base->kind == YamlKind::map) {
            const auto pair =
                std::ranges::find_if(base->pairs, [&](const YamlPair& p) { return is_named(p, key); });
            if (pair != base->pairs.end()) there = &pair->value;
        }
        const std::string here = where + " > " + shown(key.text);
        if (value.kind == YamlKind::null && there == nullptr)
            return refuse(place, key.line, here + ": is to be taken away, but is not in the file",
                          "Write {} for an empty map, or the key that is meant");
        if (value.kind == YamlKind::map) TRY(check_removals_below(there, value, here, place));
    }
    return {};
}

}  // namespace

Result<std::vector<Profile>> read_profiles(const ConfigValue& value, const Place& place) {
    TRY_ASSIGN(const YamlNode* map, value.map());
    if (map->pairs.size() > kMaxProfiles) return value.refuse(value.line(), "has more than 32 profiles");
    std::vector<Profile> profiles;
    for (const YamlPair& pair : map->pairs) {
        TRY(check_profile(pair, place));
        if (std::ranges::find(profiles, pair.key.text, &Profile::name) != profiles.end())
            return refuse(place, pair.key.line,
                          "profile \"" + shown(pair.key.text) + "\" stands here a second time",
                          "Keep one of the two");
        profiles.push_back({pair.key.text, &pair.value});
    }
    return profiles;
}

YamlNode merge(YamlNode base, const YamlNode& changes) {
    if (changes.kind != YamlKind::map) return changes;
    // A map over something that is none begins anew; merged all the same, so that no null is left in it.
    if (base.kind != YamlKind::map) base = YamlNode{YamlKind::map, changes.line, {}, {}, {}};
    for (const auto& [key, value] : changes.pairs) {
        const auto there =
            std::ranges::find_if(base.pairs, [&](const YamlPair& pair) { return is_named(pair, key); });
        if (value.kind == YamlKind::null) {
            if (there != base.pairs.end()) base.pairs.erase(there);
        } else if (there != base.pairs.end()) {
            *there = YamlPair{key, merge(std::move(there->value), value)};
        } else {
            base.pairs.push_back({key, merge({}, value)});
        }
    }
    return base;
}

Result<> check_removals(const YamlNode& base, const Profile& profile, const Place& place) {
    return check_removals_below(&base, *profile.changes, "profiles > " + profile.name, place);
}

Error in_profiles(Error error, std::string_view source, std::span<const Profile> profiles) {
    const std::size_t begin = source.size() + 1;
    const char* text = error.message.data();
    int line = 0;
    const auto number =
        std::from_chars(text + std::min(begin, error.message.size()), text + error.message.size(), line);
    const auto after = static_cast<std::size_t>(number.ptr - text);
    if (number.ec != std::errc() || !error.message.substr(after).starts_with(": ")) return error;
    std::string where;
    for (const Profile& profile : profiles | std::views::reverse) {
        const auto place = place_of(profile, line);
        if (!place) continue;
        where = joined(*place);
        break;
    }
    if (where.empty()) {  // the line is of the file itself, which is good without profiles
        where = "profiles > ";
        for (const Profile& profile : profiles)
            where += (&profile == &profiles.front() ? "" : ", ") + profile.name;
    }
    error.message.insert(after + 2, where + ": ");
    return error;
}

}  // namespace synchost::host::detail
