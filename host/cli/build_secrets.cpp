// --secret and --ssh of `synchost build`.
#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/rel_path.hpp"
#include "host/cli/commands.hpp"
#include "host/plan/secrets.hpp"

namespace synchost::host {

Result<std::map<std::string, images::Secret>> parse_secrets(const std::vector<std::string>& texts) {
    std::map<std::string, images::Secret> out;
    for (const std::string& text : texts) {
        auto parsed = parse_secret(text);
        if (!parsed) return std::unexpected(std::move(parsed.error()).context("--secret " + printable(text)));
        out[parsed->id] = std::move(parsed->secret);
    }
    return out;
}

Result<std::map<std::string, std::filesystem::path>> parse_ssh(const std::vector<std::string>& texts) {
    std::map<std::string, std::filesystem::path> out;
    for (const std::string& text : texts) {
        const std::size_t equals = std::min(text.find('='), text.size());
        const std::string id = text.substr(0, equals);
        std::filesystem::path socket = text.substr(std::min(equals + 1, text.size()));
        if (socket.empty()) {
            const char* own = std::getenv("SSH_AUTH_SOCK");
            if (own == nullptr || *own == '\0') {
                return fail(Errc::invalid_input, "--ssh " + printable(text) + ": SSH_AUTH_SOCK is not set",
                            "Start an ssh agent, or name its socket: --ssh " + printable(id) + "=SOCKET.");
            }
            socket = own;
        }
        std::error_code ignored;
        if (id.empty() || !std::filesystem::is_socket(socket, ignored)) {
            return fail(Errc::invalid_input, "--ssh " + printable(text) + ": not ID=SOCKET",
                        "Keys are taken from an agent alone: ssh-add FILE.");
        }
        out[id] = std::filesystem::absolute(socket);
    }
    return out;
}

}  // namespace synchost::host
