// The commands of `synchost` as plain data, read from CLI11's own tables: what completes a command line, and
// what a wrong one is compared with, can never differ from what is parsed. Hidden ones are not in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace synchost::host {

struct OptionSpec {
    std::vector<std::string> names;  // "-n", "--namespace"; of a positional one its name
    bool takes_value = false;
    bool repeats = false;
    std::string kind;  // of the value: FILE, FOLDER, CONTEXT, IMAGE, PROFILE, "auto|kubernetes|podman", or TEXT
    std::string summary;
};

struct CommandSpec {
    std::string name;
    std::string summary;  // its first line
    std::vector<OptionSpec> options;
    std::vector<OptionSpec> positionals;
    std::vector<CommandSpec> commands;
};

CommandSpec command_table(const CLI::App& app);

// What a value of the option is, for help and for completion: OptionSpec::kind.
std::string value_kind(const CLI::Option& option);

// The words of "auto|kubernetes|podman"; none for any other kind.
std::vector<std::string_view> choices_of(std::string_view kind);

}  // namespace synchost::host
