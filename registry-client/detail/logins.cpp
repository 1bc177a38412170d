#include "registry-client/detail/logins.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/rel_path.hpp"

namespace synchost::registry::detail {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
// Docker Hub's logins are kept under its first API's address.
constexpr std::string_view kDockerHubKey = "https://index.docker.io/v1/";

std::filesystem::path default_config() {
    if (const char* folder = std::getenv("DOCKER_CONFIG"); folder != nullptr && *folder != '\0') {
        return std::filesystem::path(folder) / "config.json";
    }
    const char* home = std::getenv("HOME");
    return home == nullptr ? std::filesystem::path() : std::filesystem::path(home) / ".docker/config.json";
}

bool is_header_safe(std::string_view text) {
    return std::ranges::all_of(
        text, [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/' || c == '='; });
}

}  // namespace

Result<std::string> parse_login(std::string_view config_json, std::string_view host) {
    const auto json = nlohmann::json::parse(config_json, nullptr, false);
    if (!json.is_object()) return fail(Errc::invalid_input, "not a JSON object");
    const auto auths = json.find("auths");
    if (auths == json.end()) return std::string();
    if (!auths->is_object()) return fail(Errc::invalid_input, "\"auths\" is not an object");
    const std::string name(host);
    for (const std::string& key :
         std::array{name, "https://" + name, "http://" + name,
                    std::string(host == "docker.io" ? kDockerHubKey : std::string_view())}) {
        const auto login = auths->find(key);
        if (key.empty() || login == auths->end() || !login->is_object()) continue;
        const auto auth = login->find("auth");
        if (auth == login->end() || !auth->is_string()) continue;
        const auto& value = auth->get_ref<const std::string&>();
        if (value.empty()) continue;
        if (!is_header_safe(value))
            return fail(Errc::invalid_input, "the login of " + printable(name) + " is not base64");
        return "Basic " + value;
    }
    return std::string();
}

Result<std::string> find_login(const std::filesystem::path& config, std::string_view host) {
    const std::filesystem::path path = config.empty() ? default_config() : config;
    if (path.empty()) return std::string();
    const auto bytes = read_file(path, kMaxConfigBytes);
    if (!bytes && bytes.error().code == Errc::not_found) return std::string();
    if (!bytes) return std::unexpected(bytes.error());
    auto login = parse_login(*bytes, host);
    if (!login) return std::unexpected(std::move(login.error()).context(printable(path.native())));
    return login;
}

}  // namespace synchost::registry::detail
