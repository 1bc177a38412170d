#include "registry-client/detail/credentials.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/subprocess.hpp"

namespace synchost::registry::detail {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 10;
constexpr std::chrono::seconds kHelperTimeout{30};
// Docker Hub's logins are kept under its first API's address.
constexpr std::string_view kDockerHubKey = "https://index.docker.io/v1/";
// What a helper gives as the user of an identity token (docker-credential-helpers).
constexpr std::string_view kTokenUser = "<token>";
constexpr std::string_view kNotFound = "credentials not found";

std::filesystem::path in_folder(const char* variable, const char* below) {
    const char* folder = std::getenv(variable);
    return folder == nullptr || *folder == '\0' ? std::filesystem::path()
                                                : std::filesystem::path(folder) / below;
}

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Nothing where the key is missing; an error where it is no object.
Result<const Json*> section(const Json& config, const char* key) {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null()) return nullptr;
    if (!found->is_object()) return fail(Errc::invalid_input, '"' + std::string(key) + "\" is not an object");
    return &*found;
}

// How a file may name the host, and the folders of it that hold the repository: the most exact name first.
std::vector<std::string> keys_of(std::string_view host, std::string_view repository) {
    std::vector<std::string> keys;
    for (std::string path(repository); !path.empty();
         path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'))) {
        keys.push_back(std::string(host) + "/" + path);
    }
    const std::string name(host);
    if (host == "docker.io") keys.emplace_back(kDockerHubKey);
    for (const char* scheme : {"", "https://", "http://"}) {
        for (const char* end : {"", "/", "/v1/", "/v2/"}) keys.push_back(scheme + name + end);
    }
    return keys;
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

Result<Credentials> login_of(const Json& entry, const std::string& shown) {
    Credentials out;
    out.identity_token = text_of(entry, "identitytoken");
    if (const std::string packed = text_of(entry, "auth"); !packed.empty()) {
        auto plain = parse_base64(packed);
        const std::size_t colon = plain ? plain->find(':') : std::string::npos;
        if (colon == std::string::npos)
            return fail(Errc::invalid_input, "the login of " + shown + " is not base64 of user:password");
        out.user = plain->substr(0, colon);
        out.secret = plain->substr(colon + 1);
    } else {
        out.user = text_of(entry, "username");
        out.secret = text_of(entry, "password");
    }
    if (has_control_character(out.user) || has_control_character(out.identity_token))
        return fail(Errc::invalid_input, "the login of " + shown + " has control characters");
    return out;
}

// A helper's name becomes a program's: no path, nothing that a shell or an option would be.
bool is_helper_name(std::string_view name) {
    return !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
    });
}

Result<std::string> helper_name(std::string name) {
    if (!is_helper_name(name)) return fail(Errc::invalid_input, "a credential helper has an impossible name");
    return "docker-credential-" + std::move(name);
}

Result<Credentials> ask_helper(const std::string& program, std::string_view host) {
    const std::string key(host == "docker.io" ? kDockerHubKey : host);
    const auto done = run_command({.argv = {program, "get"},
                                   .env = {},
                                   .cwd = {},
                                   .input = key,
                                   .timeout = kHelperTimeout,
                                   .max_output_bytes = kMaxAnswerBytes});
    if (!done) {
        Error error = done.error();
        if (error.code == Errc::not_found)
            error.next_step = "Install it, or take it out of the file of logins.";
        return std::unexpected(std::move(error).context(program));
    }
    if (done->exit_code == 0) {
        auto answer = parse_helper_answer(done->out);
        if (!answer) return std::unexpected(std::move(answer.error()).context(program));
        return answer;
    }
    // Helpers say so on standard output; anonymous access is tried then.
    if (done->out.starts_with(kNotFound) || done->err.starts_with(kNotFound)) return Credentials{};
    return fail(Errc::io, program + ": exit code " + std::to_string(done->exit_code),
                "Run `echo HOST | " + program + " get` by hand, or log in anew.");
}

}  // namespace

std::string Credentials::basic() const {
    if (user.empty() && secret.empty()) return {};
    return "Basic " + to_base64(user + ":" + secret);
}

Result<FoundLogin> parse_logins(std::string_view config_json, std::string_view host,
                                std::string_view repository) {
    const Json config = Json::parse(config_json, nullptr, false);
    if (!config.is_object()) return fail(Errc::invalid_input, "not a JSON object");
    FoundLogin out;
    const auto keys = keys_of(host, repository);
    TRY_ASSIGN(const Json* helpers, section(config, "credHelpers"));
    for (const std::string& key : keys) {
        const std::string name = helpers == nullptr ? std::string() : text_of(*helpers, key.c_str());
        if (name.empty()) continue;
        TRY_ASSIGN(out.helper, helper_name(name));
        return out;
    }
    TRY_ASSIGN(const Json* auths, section(config, "auths"));
    for (const std::string& key : keys) {
        const auto entry = auths == nullptr ? Json::const_iterator() : auths->find(key);
        if (auths == nullptr || entry == auths->end() || !entry->is_object()) continue;
        TRY_ASSIGN(out.credentials, login_of(*entry, printable(key)));
        if (!out.credentials.empty()) return out;  // with a store, an entry without a login stands here
    }
    if (const std::string store = text_of(config, "credsStore"); !store.empty()) {
        TRY_ASSIGN(out.helper, helper_name(store));
    }
    return out;
}

Result<Credentials> parse_helper_answer(std::string_view json) {
    const Json answer = Json::parse(json, nullptr, false);
    if (!answer.is_object()) return fail(Errc::protocol, "its answer is not a JSON object");
    Credentials out{text_of(answer, "Username"), text_of(answer, "Secret"), {}};
    if (has_control_character(out.user)) return fail(Errc::protocol, "its answer has control characters");
    if (out.user != kTokenUser) return out;
    return Credentials{{}, {}, std::move(out.secret)};
}

std::vector<std::filesystem::path> login_files() {
    std::vector<std::filesystem::path> files;
    if (const char* named = std::getenv("REGISTRY_AUTH_FILE"); named != nullptr && *named != '\0')
        files.emplace_back(named);
    for (auto path : {in_folder("XDG_RUNTIME_DIR", "containers/auth.json"),
                      in_folder("HOME", ".config/containers/auth.json"),
                      in_folder("DOCKER_CONFIG", "config.json"), in_folder("HOME", ".docker/config.json")}) {
        if (!path.empty()) files.push_back(std::move(path));
    }
    return files;
}

Result<Credentials> find_credentials(const std::vector<std::filesystem::path>& files, std::string_view host,
                                     std::string_view repository) {
    for (const std::filesystem::path& file : files) {
        const auto bytes = read_file(file, kMaxConfigBytes);
        if (!bytes && bytes.error().code == Errc::not_found) continue;
        if (!bytes) return std::unexpected(bytes.error());
        const auto named = [&](Error error) {
            return std::unexpected(std::move(error).context(printable(file.native())));
        };
        auto found = parse_logins(*bytes, host, repository);
        if (!found) return named(std::move(found.error()));
        if (!found->credentials.empty()) return std::move(found->credentials);
        if (found->helper.empty()) continue;
        auto asked = ask_helper(found->helper, host);
        if (!asked) return named(std::move(asked.error()));
        if (!asked->empty()) return asked;
    }
    return Credentials{};
}

}  // namespace synchost::registry::detail
