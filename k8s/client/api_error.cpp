#include "k8s/client/api_error.hpp"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "k8s/detail/json_text.hpp"

namespace synchost::k8s {
namespace {

constexpr std::size_t kMaxMessage = 1000;
constexpr std::size_t kMaxBodyShown = 200;
constexpr std::size_t kMaxCauses = 100;
constexpr std::size_t kCausesShown = 10;
constexpr std::int64_t kMaxRetryAfter = 3600;

Errc code_of(int http_code) {
    switch (http_code) {
        case 401:
        case 403:
            return Errc::auth;
        case 404:
            return Errc::not_found;
        case 409:
            return Errc::conflict;
        case 400:
        case 413:
        case 415:
        case 422:
            return Errc::invalid_input;
        case 405:
        case 406:
        case 501:
            return Errc::unsupported;
        case 408:
            return Errc::timeout;
        default:
            return Errc::cluster;
    }
}

bool has_cause(const StatusInfo& status, std::string_view reason) {
    return std::ranges::any_of(status.causes,
                               [&](const StatusCause& cause) { return cause.reason == reason; });
}

// `conflict with "kubectl-scale" with subresource "scale" using apps/v1`
std::string owner_of(const StatusCause& cause) {
    const std::size_t open = cause.message.find('"');
    const std::size_t close = open == std::string::npos ? open : cause.message.find('"', open + 1);
    return close == std::string::npos ? cause.message : cause.message.substr(open + 1, close - open - 1);
}

std::string lines_of(const std::vector<std::string>& lines) {
    std::string out;
    for (std::size_t i = 0; i < std::min(lines.size(), kCausesShown); ++i) out += "\n  " + lines[i];
    if (lines.size() > kCausesShown)
        out += "\n  and " + std::to_string(lines.size() - kCausesShown) + " more";
    return out;
}

Error apply_conflict(const StatusInfo& status) {
    std::vector<std::string> lines;
    bool by_kubectl = false;
    for (const StatusCause& cause : status.causes) {
        if (cause.reason != "FieldManagerConflict") continue;
        const std::string owner = owner_of(cause);
        by_kubectl |= owner == "kubectl-client-side-apply";
        lines.push_back("field " + cause.field + " is owned by " + owner);
    }
    Error out{
        Errc::conflict,
        std::string(lines.size() == 1 ? "a field is" : "fields are") +
            " owned by somebody else:" + lines_of(lines),
        0,
        "Take what the other owner is to keep out of the manifest, or hand it over once with `kubectl apply "
        "--server-side --force-conflicts --field-manager=synchost -f FILE`."};
    if (by_kubectl) {
        out.next_step =
            "It was applied with `kubectl apply` before: delete it once with `kubectl delete -f FILE`, or "
            "hand it "
            "over with `kubectl apply --server-side --force-conflicts --field-manager=synchost -f FILE`.";
    }
    return out;
}

// `Deployment.apps "web" is invalid:` and a line for each field, where there are several.
std::string invalid_message(const StatusInfo& status) {
    const std::size_t end = status.message.find(" is invalid:");
    if (status.causes.size() < 2 || end == std::string::npos) return status.message;
    std::vector<std::string> lines;
    for (const StatusCause& cause : status.causes)
        lines.push_back((cause.field.empty() ? "" : cause.field + ": ") + cause.message);
    return status.message.substr(0, end) + " is invalid:" + lines_of(lines);
}

std::string next_step_of(const StatusInfo& status) {
    const auto says = [&](std::string_view part) { return status.message.contains(part); };
    if (status.http_code == 401)
        return "Log in to the cluster again: it does not accept the kubeconfig's credential.";
    if (has_cause(status, "NamespaceTerminating")) return "Wait until the namespace is gone, and try again.";
    if (status.http_code == 403 && says("violates PodSecurity"))
        return "Set in the securityContext what the message asks for, or use another namespace.";
    if (status.http_code == 403 && says("exceeded quota"))
        return "Ask for less, or have the namespace's ResourceQuota raised.";
    if (status.http_code == 403 && says("cannot ") && says(" in API group "))
        return "Have the right granted to this user, or use a context that has it.";
    if (status.http_code == 404 && says("could not find the requested resource"))
        return "Install what defines this kind (its CustomResourceDefinition), or correct its apiVersion.";
    if (says("failed calling webhook"))
        return "See whether the webhook's Service has a ready pod; its configuration refuses what it cannot "
               "check.";
    return {};
}

}  // namespace

StatusInfo parse_status(int http_code, std::string_view body) {
    StatusInfo out;
    out.http_code = http_code;
    const auto json = parse_json(body);
    if (!json || text_at(*json, {"kind"}) != "Status") {
        out.message = one_line(body.substr(0, 4 * kMaxBodyShown), kMaxBodyShown);
        return out;
    }
    out.reason = one_line(text_at(*json, {"reason"}), 100);
    out.message = one_line(text_at(*json, {"message"}), kMaxMessage);
    out.kind = one_line(text_at(*json, {"details", "kind"}), 300);
    out.name = one_line(text_at(*json, {"details", "name"}), 300);
    for (const Json* cause : items_at(*json, {"details", "causes"})) {
        if (out.causes.size() == kMaxCauses) break;
        out.causes.push_back({.reason = one_line(text_at(*cause, {"reason"}), 100),
                              .message = one_line(text_at(*cause, {"message"}), 300),
                              .field = one_line(text_at(*cause, {"field"}), 300)});
    }
    const std::int64_t wait = number_at(*json, {"details", "retryAfterSeconds"}, 0);
    if (wait > 0) out.retry_after = std::chrono::seconds(std::min(wait, kMaxRetryAfter));
    return out;
}

Error error_of_status(const StatusInfo& status, std::string_view what) {
    const int code = status.http_code;
    Error out{code_of(code), status.message, 0, next_step_of(status)};
    if (has_cause(status, "FieldManagerConflict")) {
        out = apply_conflict(status);
    } else {
        if (code == 422) out.message = invalid_message(status);
        const std::string number = "HTTP " + std::to_string(code);
        const std::string said = status.reason.empty() ? number : status.reason + ", " + number;
        if (out.message.empty())
            out.message = said;
        else if (!out.message.contains('\n'))
            out.message += " (" + said + ")";
    }
    if (has_cause(status, "NamespaceTerminating")) {
        out.code = Errc::cluster;
        out.sys_errno = EAGAIN;
    }
    if (out.code == Errc::cluster && (code == 429 || code >= 500)) out.sys_errno = EAGAIN;
    const bool gone = code == 410 || status.reason == "Expired" || status.reason == "Gone";
    if (gone) {
        out.code = Errc::cluster;
        out.sys_errno = ESTALE;
    }
    return std::move(out).context(what);
}

Error error_of_status(int http_code, std::string_view body, std::string_view what) {
    return error_of_status(parse_status(http_code, body), what);
}

Error error_of_status_object(std::string_view body, std::string_view what) {
    StatusInfo status = parse_status(500, body);
    const auto json = parse_json(body);
    if (json)
        status.http_code =
            static_cast<int>(std::clamp<std::int64_t>(number_at(*json, {"code"}, 500), 400, 599));
    return error_of_status(status, what);
}

bool is_gone(const Error& error) {
    return error.code == Errc::cluster && error.sys_errno == ESTALE;
}

}  // namespace synchost::k8s
