#include "agent/apply/folders.hpp"
#include "agent/cli/arguments.hpp"
#include "agent/process/supervisor.hpp"
#include "protocol/messages.hpp"

namespace synchost::agent {
namespace {

Result<> check(const SupervisorOptions& options) {
    if (options.container.empty() || options.container.size() > 253) {
        return fail(Errc::invalid_input, "run needs --name with 1 to 253 bytes");
    }
    if (options.socket_dir.empty()) return fail(Errc::invalid_input, "run needs --socket-dir");
    if (options.app.argv.empty()) return fail(Errc::invalid_input, "run needs a command after --");
    std::size_t total = 0;
    for (const std::string& root : options.roots) {
        TRY(check_root(root));
        total += root.size();
    }
    if (options.roots.size() > protocol::kMaxRoots || total > protocol::kMaxRootsTotalBytes) {
        return fail(Errc::invalid_input, "too many or too long managed paths",
                    "Copy whole folders instead of single files in the Dockerfile.");
    }
    return {};
}

}  // namespace

Result<int> run_command_line(Arguments words) {
    SupervisorOptions options;
    while (const auto word = words.next()) {
        if (*word == "--name") {
            TRY_ASSIGN(options.container, words.value_of(*word));
        } else if (*word == "--socket-dir") {
            TRY_ASSIGN(options.socket_dir, words.value_of(*word));
        } else if (*word == "--root") {
            TRY_ASSIGN(std::string root, words.value_of(*word));
            options.roots.push_back(std::move(root));
        } else if (*word == "--gate") {
            TRY_ASSIGN(const std::string gate, words.value_of(*word));
            options.gate.reset();
            if (gate != "hold") {
                TRY_ASSIGN(options.gate, parse_duration(gate));
            }
        } else if (*word == "--grace") {
            TRY_ASSIGN(const std::string grace, words.value_of(*word));
            TRY_ASSIGN(options.app.grace, parse_duration(grace));
        } else if (*word == "--no-hold") {
            options.app.when_it_dies = WhenItDies::exit;
        } else {
            return unknown_option(*word);
        }
    }
    options.app.argv = words.rest();
    TRY(check(options));
    return run_supervisor(std::move(options));
}

}  // namespace synchost::agent
