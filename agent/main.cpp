// synchost-agent: one static binary, the two roles of an injected pod and the checks that go with them.
#include <malloc.h>
#include <cstdio>
#include <exception>
#include <string_view>

#include "agent/cli/arguments.hpp"

namespace synchost::agent {
namespace {

constexpr char kHelp[] =
    R"(synchost-agent: keeps a pod equal to your files. The host program, synchost, starts it in each pod.

In an app container, in front of its command:
  synchost-agent run --name NAME --socket-dir DIR --root PATH... [options] -- CMD...
      --root PATH      a managed path: a folder with all below it where PATH ends in '/', else one file
      --gate TIME      how long CMD waits for the host: 5000ms (the default), 0, or hold
      --grace TIME     between TERM and KILL of a restart (2000ms)
      --no-hold        exit when CMD does, instead of keeping the container for the next change

In the sidecar:
  synchost-agent serve [--install DIR] --listen unix:PATH|tcp:127.0.0.1:PORT --key-file FILE
                       --containers-dir DIR --container NAME[=UID]... [options]
      --install DIR    first copy this binary to DIR/synchost-agent
      --exit-when-done exit 0 once each container has reported its last exit

Checks, which say why in one line:
  synchost-agent check started|ready --containers-dir DIR
  synchost-agent probe --socket-dir DIR http --port N [--path /x] [--scheme http|https] [--header 'K: V']...
  synchost-agent probe --socket-dir DIR tcp --port N
  synchost-agent probe --socket-dir DIR grpc --port N [--service NAME]
  synchost-agent probe --socket-dir DIR exec -- CMD...
      passes while the container is gated, held or restarting; else makes the check itself
      --timeout TIME   of the check (1000ms)
      --boot TIME      a failed check passes for so long after each start of the process, until one was good (0)

Before the app's container starts:
  synchost-agent install --to DIR
      copies this binary to DIR/synchost-agent
  synchost-agent seed --to VOLUME --folder PATH...
      copies folders of the image to VOLUME/0, VOLUME/1 and so on; what is complete there already stays as it is

  synchost-agent --version | --help

Exit codes: 0 ok, 1 failed, 2 usage. `run` exits as CMD does: its code, 128 + n for signal n, 127 and 126 where CMD
cannot be started, 128 + n where signal n came before CMD was started or while it was held.
)";

using Command = Result<int> (*)(Arguments);

Command command_of(std::string_view name) {
    if (name == "run") return run_command_line;
    if (name == "serve") return serve_command_line;
    if (name == "check") return check_command_line;
    if (name == "probe") return probe_command_line;
    if (name == "install") return install_command_line;
    if (name == "seed") return seed_command_line;
    return nullptr;
}

int main_of(std::span<char*> words) {
    const std::string_view name = words.size() > 1 ? std::string_view(words[1]) : std::string_view();
    if (name == "--version") {
        std::puts("synchost-agent " SYNCHOST_VERSION);
        return 0;
    }
    if (name == "--help" || name == "help") {
        std::fputs(kHelp, stdout);
        return 0;
    }
    const Command command = command_of(name);
    if (command == nullptr) {
        std::fputs(kHelp, stderr);
        return static_cast<int>(ExitCode::usage);
    }
    const Result<int> exit_code = command(Arguments(words.subspan(2)));
    if (exit_code) return *exit_code;
    const Error& error = exit_code.error();
    std::fprintf(stderr, "synchost-agent %s: %s\n", words[1], error.message.c_str());
    if (!error.next_step.empty()) std::fprintf(stderr, "%s\n", error.next_step.c_str());
    return static_cast<int>(error.code == Errc::invalid_input ? ExitCode::usage : ExitCode::failed);
}

}  // namespace
}  // namespace synchost::agent

int main(int argc, char** argv) {
    // One heap for all threads, because only its top is ever given back (mallopt(3), malloc_trim(3)), and
    // fixed thresholds: by itself glibc raises them with the largest block that was freed.
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 18);
    try {
        return synchost::agent::main_of({argv, static_cast<std::size_t>(argc)});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "synchost-agent: %s\n", error.what());
        return static_cast<int>(synchost::agent::ExitCode::failed);
    }
}
