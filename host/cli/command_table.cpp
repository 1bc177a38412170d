#include "host/cli/command_table.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "base/lines.hpp"

namespace synchost::host {
namespace {

// CLI11 describes a map of choices as "value in {auto->0,podman->2} OR {0,2}".
std::string choices_in(std::string_view description) {
    std::string words;
    const std::size_t open = description.find("value in {");
    if (open == std::string_view::npos) return words;
    std::string_view rest = description.substr(open + 10);
    rest = rest.substr(0, rest.find('}'));
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        words += (words.empty() ? "" : "|") + std::string(pair.substr(0, pair.find("->")));
    }
    return words;
}

OptionSpec option_spec(const CLI::Option& option) {
    OptionSpec spec;
    for (const std::string& name : option.get_snames()) spec.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) spec.names.push_back("--" + name);
    if (option.get_positional()) spec.names.push_back(option.get_name(true, false));
    spec.takes_value = option.get_items_expected_max() > 0;
    spec.repeats = option.get_items_expected_max() > 1;
    if (spec.takes_value) spec.kind = value_kind(option);
    spec.summary = option.get_description();
    return spec;
}

}  // namespace

std::string value_kind(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    if (std::string words = choices_in(type); !words.empty()) return words;
    const std::size_t colon = type.rfind(':');
    std::string kind = colon == std::string::npos ? type : type.substr(colon + 1);
    return kind == "DIR" ? "FOLDER" : kind;
}

std::vector<std::string_view> choices_of(std::string_view kind) {
    std::vector<std::string_view> words;
    if (!kind.contains('|')) return words;
    while (true) {
        const std::size_t bar = kind.find('|');
        words.push_back(kind.substr(0, bar));
        if (bar == std::string_view::npos) return words;
        kind.remove_prefix(bar + 1);
    }
}

CommandSpec command_table(const CLI::App& app) {
    CommandSpec spec;
    spec.name = app.get_name();
    for (const std::string_view line : lines_of(app.get_description())) {
        spec.summary = line;
        break;
    }
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_group().empty()) continue;
        (option->get_positional() ? spec.positionals : spec.options).push_back(option_spec(*option));
    }
    const auto every = [](const CLI::App*) { return true; };
    for (const CLI::App* command : app.get_subcommands(every)) {
        if (!command->get_group().empty()) spec.commands.push_back(command_table(*command));
    }
    return spec;
}

}  // namespace synchost::host
