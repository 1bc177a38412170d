#include "host/plan/detail/after_value.hpp"

#include "base/rel_path.hpp"
#include "base/suggest.hpp"

namespace synchost::host::detail {
namespace {

constexpr std::array<std::string_view, 2> kActions{"restart", "nothing"};

Result<> read_action(const ConfigValue& value, AfterRule& rule, const Place& place);

constexpr std::array kRuleFields{
    Field<AfterRule>{{"paths", Shape::patterns, Need::required, "", "[\"templates/**\"]",
                      "Files of the context, as patterns in the language of .dockerignore."},
                     store<&AfterRule::paths, &ConfigValue::patterns, AfterRule>},
    Field<AfterRule>{{"do", Shape::action, Need::required, "", "{signal: HUP}",
                      "restart, nothing, or a map with a signal or a command."},
                     read_action},
};
constexpr std::array kActionFields{
    Field<AfterApply>{{"signal", Shape::signal, Need::optional, "", "HUP",
                       "Sent to the process of the container, which goes on."},
                      store<&AfterApply::number, &ConfigValue::signal, AfterApply>},
    Field<AfterApply>{{"command", Shape::command, Need::optional, "", "[/app/bin/compile, --all]",
                       "Run in the container beside the process; it has a minute."},
                      store<&AfterApply::command, &ConfigValue::command, AfterApply>},
};
constexpr auto kRuleKeys = keys_of(kRuleFields);
constexpr auto kActionKeys = keys_of(kActionFields);

Result<> read_word(const ConfigValue& value, AfterRule& rule) {
    TRY_ASSIGN(const std::string word, value.text());
    if (word == "nothing") return {};
    if (word == "restart") {
        rule.does = AfterApply{};
        return {};
    }
    std::string step = did_you_mean(word, kActions);
    if (step.empty()) step = "Write restart, nothing, {signal: HUP} or {command: [/app/bin/compile]}";
    return value.refuse(value.line(),
                        "is neither restart nor nothing: \"" + printable(word.substr(0, 100)) + '"',
                        std::move(step));
}

Result<> read_action(const ConfigValue& value, AfterRule& rule, const Place& place) {
    if (value.node().kind != YamlKind::map) return read_word(value, rule);
    TRY_ASSIGN(const YamlNode* map, value.map());
    AfterApply does;
    const Place below{place.source, place.prefix + "do > ", place.lines};
    TRY(read_fields(*map, kActionFields, kActionKeys, does, below));
    if (map->pairs.size() > 1)
        return value.refuse(value.line(), "has a signal and a command", "Keep one of the two");
    does.kind = does.command.empty() ? AfterKind::signal : AfterKind::command;
    rule.does = std::move(does);
    return {};
}

}  // namespace

std::span<const KeySpec> after_keys() {
    return kRuleKeys;
}
std::span<const KeySpec> action_keys() {
    return kActionKeys;
}

Result<std::vector<AfterRule>> read_after(const ConfigValue& value, const Place& place) {
    TRY_ASSIGN(const YamlNode* list, value.list());
    if (list->items.size() > kMaxAfterRules) return value.refuse(value.line(), "has more than 15 entries");
    std::vector<AfterRule> rules;
    for (const YamlNode& item : list->items) {
        if (item.kind != YamlKind::map)
            return value.refuse(item.line,
                                "has an entry that is " + std::string(to_string(item.kind)) + ", not a map");
        const std::string number = std::to_string(rules.size() + 1);
        const Place below{place.source, place.prefix + "after > " + number + " > ", place.lines};
        AfterRule rule;
        TRY(read_fields(item, kRuleFields, kRuleKeys, rule, below));
        if (rule.paths.empty()) return value.refuse(item.line, "has an entry without paths");
        rules.push_back(std::move(rule));
    }
    return rules;
}

}  // namespace synchost::host::detail
