// What the command line says of the commands that ask the watch that runs: their options and help pages.
#pragma once

#include <functional>

#include "base/error.hpp"
#include "host/cli/commands.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace synchost::host {

// Each adds its command to `app`, which fills `flags` and sets `run` where the command was given.
void add_status(CLI::App& app, StatusFlags& flags, std::function<Result<>()>& run);
void add_logs(CLI::App& app, LogFlags& flags, std::function<Result<>()>& run);
void add_restart(CLI::App& app, ServiceFlags& flags, std::function<Result<>()>& run);
void add_trigger(CLI::App& app, ServiceFlags& flags, std::function<Result<>()>& run);

}  // namespace synchost::host
