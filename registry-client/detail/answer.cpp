#include "registry-client/detail/answer.hpp"

#include <cctype>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"

namespace synchost::registry::detail {
namespace {

constexpr std::size_t kMaxShown = 300;

struct Described {
    std::string code;
    std::string message;
};

Described describe(std::string_view body) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (!json.is_object()) return {};
    const auto errors = json.find("errors");
    if (errors == json.end() || !errors->is_array() || errors->empty() || !errors->front().is_object())
        return {};
    const auto text = [&](const char* key) {
        const auto found = errors->front().find(key);
        return found != errors->front().end() && found->is_string()
                   ? printable(found->get_ref<const std::string&>().substr(0, kMaxShown))
                   : std::string();
    };
    return {text("code"), text("message")};
}

Errc code_of(int status) {
    if (status == 401 || status == 403) return Errc::auth;
    if (status == 404) return Errc::not_found;
    if (status == 408 || status == 429 || status == 503 || status == 504) return Errc::timeout;
    return Errc::registry;
}

}  // namespace

std::string code_of_answer(std::string_view body) {
    return describe(body).code;
}

Error error_of_answer(int status, std::string_view body) {
    const Described described = describe(body);
    std::string message = described.message.empty() ? "refused" : described.message;
    message += described.code.empty() ? " (HTTP " : " (" + described.code + ", HTTP ";
    Error out{code_of(status), message + std::to_string(status) + ")", 0, {}};
    if (status == 500 || status == 502) out.sys_errno = EAGAIN;  // as is_retryable() reads it
    if (status == 401)
        out.next_step = "Log in with `docker login` or `podman login --authfile ~/.docker/config.json`.";
    return out;
}

}  // namespace synchost::registry::detail
