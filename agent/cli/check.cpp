#include <cstdio>
#include <string>

#include "agent/cli/arguments.hpp"
#include "agent/server/listen.hpp"
#include "agent/server/sidecar.hpp"
#include "base/file.hpp"

namespace synchost::agent {
namespace {

constexpr int kTimeoutMs = 1000;

}  // namespace

// `started` passes once the sidecar listens, `ready` once each container runs: exit code 0 or 1, one line
// why.
Result<int> check_command_line(Arguments words) {
    const auto what = words.next();
    if (!what || (*what != "started" && *what != "ready")) {
        return fail(Errc::invalid_input, "check what?",
                    "Write synchost-agent check started|ready --containers-dir DIR.");
    }
    std::string dir;
    while (const auto word = words.next()) {
        if (*word != "--containers-dir") return unknown_option(*word);
        TRY_ASSIGN(dir, words.value_of(*word));
    }
    if (dir.empty()) return fail(Errc::invalid_input, "check needs --containers-dir");
    TRY_ASSIGN(const Fd stream, connect_unix(control_socket(dir), kTimeoutMs));
    TRY_ASSIGN(const std::string line, read_all(stream.get(), std::size_t{64} << 10));
    std::fputs(line.c_str(), stdout);
    const bool passes = *what == "started" ? line.ends_with('\n') : line.starts_with("ready");
    return passes ? 0 : 1;
}

}  // namespace synchost::agent
