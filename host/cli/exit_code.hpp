// What the program ends with; documented in README.md.
#pragma once

#include "base/error.hpp"

namespace synchost::host {

enum class ExitCode : int {
    ok = 0,
    failed = 1,        // the operation failed
    usage = 2,         // the command line is wrong
    unreachable = 3,   // the cluster (or podman) or the registry could not be reached, or refused
    interrupted = 130  // Ctrl-C or TERM
};

// invalid_input and the like are `failed`; registry, cluster and what stands between us and them are
// `unreachable`.
[[nodiscard]] ExitCode exit_code_of(const Error& error);

}  // namespace synchost::host
