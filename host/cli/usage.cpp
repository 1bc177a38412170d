#include "host/cli/usage.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "host/cli/command_table.hpp"

namespace synchost::host {
namespace {

class PlainFormatter : public CLI::Formatter {
  public:
    std::string make_option_opts(const CLI::Option* option) const override {
        std::string text;
        if (option->get_items_expected_max() > 0) text = " " + value_kind(*option);
        const std::string standard = option->get_default_str();
        if (!standard.empty()) text += " [" + standard + "]";
        if (option->get_items_expected_max() > 1) text += " ...";
        if (option->get_required()) text += " REQUIRED";
        for (const CLI::Option* other : option->get_needs()) text += " (with " + other->get_name() + ")";
        for (const CLI::Option* other : option->get_excludes())
            text += " (not with " + other->get_name() + ")";
        return text;
    }
};

// The command that the user meant: the last one that was named.
const CLI::App& innermost(const CLI::App& app) {
    const CLI::App* at = &app;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
    return *at;
}

std::string in_quotes(std::string_view word) {
    constexpr std::size_t kMost = 100;
    return '"' + printable(word.substr(0, kMost)) + (word.size() > kMost ? "...\"" : "\"");
}

// "synchost config schema"
std::string path_of(const CLI::App& command) {
    const CLI::App* parent = command.get_parent();
    return (parent == nullptr ? "" : path_of(*parent) + " ") + command.get_name();
}

Error unknown_option(const std::string& word, const CommandSpec& table, std::string help) {
    const std::string name = word.substr(0, word.find('='));
    std::vector<std::string_view> names;
    for (const OptionSpec& option : table.options)
        names.insert(names.end(), option.names.begin(), option.names.end());
    const std::string near = did_you_mean(name, names);
    return {Errc::invalid_input, "unknown option " + in_quotes(name), 0,
            near.empty() ? std::move(help) : near};
}

std::string commands_of(const CommandSpec& table) {
    std::string all;
    for (const CommandSpec& command : table.commands) all += (all.empty() ? "" : ", ") + command.name;
    return all;
}

Error unknown_word(const std::string& word, const CommandSpec& table, std::string help) {
    if (table.commands.empty())
        return {Errc::invalid_input, "unexpected argument " + in_quotes(word), 0, std::move(help)};
    std::vector<std::string_view> names;
    for (const CommandSpec& command : table.commands) names.emplace_back(command.name);
    const std::string near = did_you_mean(word, names);
    return {Errc::invalid_input, "unknown command " + in_quotes(word), 0,
            near.empty() ? "The commands are: " + commands_of(table) : near};
}

// CLI11 begins the message of a value that is wrong with "--runtime: ".
std::string plain_words(const CommandSpec& table, const std::string& message) {
    const std::string name = message.substr(0, message.find(':'));
    for (const auto* group : {&table.options, &table.positionals}) {
        for (const OptionSpec& option : *group) {
            const auto words = choices_of(option.kind);
            if (words.empty() || std::ranges::find(option.names, name) == option.names.end()) continue;
            std::string all;
            for (const std::string_view word : words) all += (all.empty() ? "" : ", ") + std::string(word);
            return name + ": must be one of " + all;
        }
    }
    return message;
}

}  // namespace

void use_plain_help(CLI::App& app) {
    app.formatter(std::make_shared<PlainFormatter>());
}

Error describe_usage_error(const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App& command = innermost(app);
    const CommandSpec table = command_table(command);
    const std::string help = "See: " + path_of(command) + " --help";
    const auto described = [&]() -> Error {
        // A required option that "is missing" is most often one that was mistyped.
        const auto unread = command.remaining();
        for (const std::string& word : unread) {
            if (word == "--") continue;
            if (word.size() > 1 && word.starts_with('-')) return unknown_option(word, table, help);
            return unknown_word(word, table, help);
        }
        if (!table.commands.empty() && command.get_subcommands().empty())
            return {Errc::invalid_input, "a command is missing", 0,
                    "The commands are: " + commands_of(table)};
        return {Errc::invalid_input, plain_words(table, error.what()), 0, help};
    };
    Error out = described();
    if (&command == &app) return out;
    return std::move(out).context(path_of(command).substr(app.get_name().size() + 1));
}

}  // namespace synchost::host
