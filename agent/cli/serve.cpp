#include "agent/cli/arguments.hpp"
#include "agent/server/install.hpp"
#include "agent/server/sidecar.hpp"
#include "base/rel_path.hpp"

namespace synchost::agent {
namespace {

Result<std::variant<std::filesystem::path, NumericAddress>> parse_listen(std::string_view text) {
    if (text.starts_with("unix:/")) return std::filesystem::path(text.substr(5));
    if (text.starts_with("tcp:")) {
        TRY_ASSIGN(NumericAddress address, parse_numeric_address(text.substr(4)));
        if (address.ip == "127.0.0.1" || address.ip == "::1") return address;
        return fail(Errc::invalid_input, "--listen " + printable(text) + " is not on loopback",
                    "Listen on tcp:127.0.0.1:PORT: nothing else in the cluster may dial the agent.");
    }
    return fail(Errc::invalid_input, "--listen " + printable(text),
                "Write it as unix:/PATH or tcp:127.0.0.1:PORT.");
}

// "NAME" or "NAME=UID"; the name becomes a folder's.
Result<ServedContainer> parse_container(std::string_view text) {
    const std::size_t equals = text.find('=');
    ServedContainer container{std::string(text.substr(0, equals)), std::nullopt};
    const auto path = RelPath::parse(container.name);
    if (!path || container.name.contains('/') || container.name.starts_with('.')) {
        return fail(Errc::invalid_input, "--container " + printable(text) + " is not a container's name");
    }
    if (equals != std::string_view::npos) {
        TRY_ASSIGN(container.uid, parse_number(text.substr(equals + 1)));
    }
    return container;
}

Result<> check(const SidecarOptions& options, bool listens) {
    if (!listens) return fail(Errc::invalid_input, "serve needs --listen");
    if (options.key_file.empty()) return fail(Errc::invalid_input, "serve needs --key-file");
    if (options.containers_dir.empty()) return fail(Errc::invalid_input, "serve needs --containers-dir");
    return {};
}

}  // namespace

Result<int> serve_command_line(Arguments words) {
    SidecarOptions options;
    bool listens = false;
    while (const auto word = words.next()) {
        if (*word == "--exit-when-done") {
            options.exit_when_done = true;
            continue;
        }
        TRY_ASSIGN(std::string value, words.value_of(*word));
        if (*word == "--install") {
            options.install_dir = value;
        } else if (*word == "--listen") {
            TRY_ASSIGN(options.listen, parse_listen(value));
            listens = true;
        } else if (*word == "--key-file") {
            options.key_file = value;
        } else if (*word == "--containers-dir") {
            options.containers_dir = value;
        } else if (*word == "--container") {
            TRY_ASSIGN(ServedContainer container, parse_container(value));
            options.containers.push_back(std::move(container));
        } else {
            return unknown_option(*word);
        }
    }
    TRY(check(options, listens));
    TRY(run_sidecar(options));
    return 0;
}

Result<int> install_command_line(Arguments words) {
    std::string dir;
    while (const auto word = words.next()) {
        if (*word != "--to") return unknown_option(*word);
        TRY_ASSIGN(dir, words.value_of(*word));
    }
    if (dir.empty()) return fail(Errc::invalid_input, "install needs --to DIR");
    TRY(install_self(dir));
    return 0;
}

}  // namespace synchost::agent
