// Options that several commands take, with the same words in each one's help.
#pragma once

#include <string>
#include <vector>

#include "host/cli/commands.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace synchost::host {

void add_registry_flags(CLI::App& command, RegistryFlags& flags);
void add_runtime_flags(CLI::App& command, RuntimeFlags& flags);
void add_profiles(CLI::App& command, std::vector<std::string>& profiles);

}  // namespace synchost::host
