#include "host/cli/complete.hpp"

#include <algorithm>

#include "base/lines.hpp"
#include "base/rel_path.hpp"

namespace synchost::host {
namespace {

// The command line up to the word at the cursor.
struct Position {
    const CommandSpec* command;
    const OptionSpec* option = nullptr;  // that waits for its value
    std::size_t positionals = 0;
    bool options_ended = false;  // "--" was read
    std::vector<std::string> given = {};
};

const OptionSpec* find_option(const CommandSpec& command, std::string_view name) {
    const auto named = [&](const OptionSpec& option) {
        return std::ranges::find(option.names, name) != option.names.end();
    };
    const auto found = std::ranges::find_if(command.options, named);
    return found == command.options.end() ? nullptr : &*found;
}

void pass(Position& at, const std::string& word) {
    if (at.option != nullptr) {
        at.option = nullptr;
        return;
    }
    if (!at.options_ended && word == "--") {
        at.options_ended = true;
        return;
    }
    if (!at.options_ended && word.size() > 1 && word.starts_with('-')) {
        at.given.push_back(word.substr(0, word.find('=')));
        const OptionSpec* option = find_option(*at.command, word);
        if (option != nullptr && option->takes_value) at.option = option;
        return;
    }
    const auto command = std::ranges::find(at.command->commands, word, &CommandSpec::name);
    if (command != at.command->commands.end())
        at = Position{&*command};
    else
        ++at.positionals;
}

void add_if(Candidates& out, std::string_view begin, std::string word, std::string_view summary) {
    if (!word.starts_with(begin)) return;
    std::string first;
    for (const std::string_view line : lines_of(summary)) {
        first = line;
        break;
    }
    out.words.push_back({std::move(word), std::move(first)});
}

// `before` stands in front of the value in the same word: "--context=".
Candidates values(const OptionSpec& option, const std::string& before, std::string_view begin,
                  const WordSource& source) {
    Candidates out;
    if (option.kind == "FILE") out.paths = PathKind::files;
    if (option.kind == "FOLDER") out.paths = PathKind::folders;
    for (const std::string_view word : choices_of(option.kind))
        add_if(out, before + std::string(begin), before + std::string(word), {});
    if (option.kind == "CONTEXT" || option.kind == "IMAGE" || option.kind == "PROFILE") {
        for (const std::string& word : source(option.kind))
            add_if(out, before + std::string(begin), before + word, {});
    }
    return out;
}

bool was_given(const Position& at, const OptionSpec& option) {
    const auto given = [&](const std::string& name) {
        return std::ranges::find(at.given, name) != at.given.end();
    };
    return !option.repeats && std::ranges::any_of(option.names, given);
}

}  // namespace

Candidates complete(const CommandSpec& root, std::span<const std::string> words, const WordSource& source) {
    Position at{&root};
    if (words.empty()) return {};
    for (const std::string& word : words.first(words.size() - 1)) pass(at, word);
    const std::string& current = words.back();
    if (at.option != nullptr) return values(*at.option, {}, current, source);
    if (!at.options_ended && current.starts_with('-')) {
        const std::size_t equals = current.find('=');
        if (equals != std::string::npos) {
            const OptionSpec* option = find_option(*at.command, current.substr(0, equals));
            if (option == nullptr || !option->takes_value) return {};
            return values(*option, current.substr(0, equals + 1), current.substr(equals + 1), source);
        }
        Candidates out;
        for (const OptionSpec& option : at.command->options) {
            if (was_given(at, option)) continue;
            for (const std::string& name : option.names)
                if (name.starts_with("--") || current == name) add_if(out, current, name, option.summary);
        }
        return out;
    }
    Candidates out;
    const auto& positionals = at.command->positionals;
    if (!positionals.empty()) {
        const std::size_t place = std::min(at.positionals, positionals.size() - 1);
        if (at.positionals < positionals.size() || positionals[place].repeats)
            out = values(positionals[place], {}, current, source);
    }
    for (const CommandSpec& command : at.command->commands)
        add_if(out, current, command.name, command.summary);
    return out;
}

std::string format_candidates(const Candidates& candidates) {
    std::string text = candidates.paths == PathKind::files     ? ":files\n"
                       : candidates.paths == PathKind::folders ? ":folders\n"
                                                               : ":none\n";
    for (const auto& [word, summary] : candidates.words)
        text += printable(word) + '\t' + printable(summary) + '\n';
    return text;
}

}  // namespace synchost::host
