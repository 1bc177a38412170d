#include "host/cli/exit_code.hpp"

namespace synchost::host {

ExitCode exit_code_of(const Error& error) {
    switch (error.code) {
        case Errc::registry:
        case Errc::cluster:
            return ExitCode::unreachable;
        case Errc::cancelled:
            return ExitCode::interrupted;
        default:
            return ExitCode::failed;
    }
}

}  // namespace synchost::host
