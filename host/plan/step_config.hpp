// A step of this machine (`steps:` of synchost.yaml): a program that makes files for the images before they
// are built or synced (a bundler, a code generator), or a process that stays beside the pods. host/steps runs
// them.
//
//     steps:
//       bundle:
//         command: [npm, run, build]
//         folder: ui
//         inputs: ["ui/src/**", ui/package.json]
//         outputs: [ui/dist]
//
// Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/rel_path.hpp"
#include "host/plan/patterns.hpp"

namespace synchost::host {

inline constexpr std::size_t kMaxSteps = 64;

enum class StepKind : std::uint8_t {
    command,  // runs, and ends
    serve,    // stays
};

// When a process that stays counts as up.
struct StepReady {
    enum class Kind : std::uint8_t {
        started,  // it runs
        http,     // GET of `text` is answered with a status below 500
        port,     // a connection is taken
        output,   // a line of its output has `text` in it
    };
    Kind kind = Kind::started;
    std::string host = "localhost";  // 127.0.0.1, ::1, or localhost, which is either of them
    std::uint16_t port = 0;
    std::string text;
    bool operator==(const StepReady&) const = default;
};

struct StepConfig {
    std::string name;  // a DNS label
    StepKind kind = StepKind::command;
    std::vector<std::string> argv;           // no shell; a name with '/' is relative to `folder`
    std::filesystem::path folder;            // where it runs: absolute, normal
    PathPatterns inputs;                     // of paths relative to the folder of synchost.yaml
    std::vector<RelPath> outputs;            // files or folders, relative to the same; of a command
    std::map<std::string, std::string> env;  // added to ours
    std::vector<std::string> depends_on;     // names of steps; there is no circle
    std::chrono::milliseconds timeout{std::chrono::minutes(10)};  // of a command
    StepReady ready;                                              // of a process that stays
    bool operator==(const StepConfig&) const = default;
};

}  // namespace synchost::host
