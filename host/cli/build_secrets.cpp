// --secret and --ssh of `synchost build`.
#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/rel_path.hpp"
#include "host/cli/commands.hpp"

namespace synchost::host {

Result<std::map<std::string, images::Secret>> parse_secrets(const std::vector<std::string>& texts) {
    std::map<std::string, images::Secret> out;
    for (const std::string& text : texts) {
        const auto refuse = [&](std::string_view what) {
            return fail(Errc::invalid_input, "--secret " + printable(text) + ": " + std::string(what),
                        "Write id=NAME,src=FILE, or id=NAME,env=VARIABLE.");
        };
        std::string id;
        std::string type;
        images::Secret secret;
        for (std::string_view rest = text; !rest.empty();) {
            const std::string_view field = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(field.size() + 1, rest.size()));
            const std::size_t equals = std::min(field.find('='), field.size());
            const std::string_view key = field.substr(0, equals);
            const std::string_view value = field.substr(std::min(equals + 1, field.size()));
            if (value.empty()) return refuse("a key without a value");
            if (key == "id") {
                id = value;
            } else if (key == "src" || key == "source") {
                secret.file = value;
            } else if (key == "env") {
                secret.variable = value;
            } else if (key == "type" && (value == "file" || value == "env")) {
                type = value;
            } else {
                return refuse("it has no " + printable(field));
            }
        }
        if (id.empty()) return refuse("it has no id");
        // As docker: type=env takes src as the variable; and an id alone names a variable, or a file.
        if (type == "env" && secret.variable.empty())
            secret.variable = std::exchange(secret.file, {}).native();
        if (secret.file.empty() && secret.variable.empty()) {
            if (type != "file" && std::getenv(id.c_str()) != nullptr) {
                secret.variable = id;
            } else {
                secret.file = id;
            }
        }
        out[id] = std::move(secret);
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
