// What several commands take, and commands whose arguments stand in files of their own. `flags` and `run` are
// borrowed until the command line has been parsed; `run` is set to what the command does.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/cli/commands.hpp"

namespace synchost::host {

using Run = std::function<Result<>()>;

inline constexpr const char* kCacheLimitHelp =
    "What the store of layers may grow to: 20 GB, 512MiB, none (default: SYNCHOST_CACHE_LIMIT, else 20 GB or "
    "a tenth of the disk)";

void add_registry_flags(CLI::App& command, RegistryFlags& flags);
void add_runtime_flags(CLI::App& command, RuntimeFlags& flags);
void add_profiles(CLI::App& command, std::vector<std::string>& profiles);

void add_watch(CLI::App& app, WatchFlags& flags, Run& run);
void add_run(CLI::App& app, WatchFlags& flags, Run& run);
void add_status(CLI::App& app, StatusFlags& flags, Run& run);
void add_logs(CLI::App& app, LogFlags& flags, Run& run);
void add_snapshot(CLI::App& app, SnapshotFlags& flags, Run& run);
void add_restart(CLI::App& app, ServiceFlags& flags, Run& run);
void add_trigger(CLI::App& app, ServiceFlags& flags, Run& run);
void add_pause(CLI::App& app, ServiceFlags& flags, Run& run);
void add_resume(CLI::App& app, ServiceFlags& flags, Run& run);
void add_stop(CLI::App& app, ServiceFlags& flags, Run& run);
void add_start(CLI::App& app, ServiceFlags& flags, Run& run);

}  // namespace synchost::host
