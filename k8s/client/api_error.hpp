// The API server's refusals as errors: a Status object says what happened, to what, and why
// (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::k8s {

struct StatusCause {
    std::string reason;  // "FieldManagerConflict", "FieldValueInvalid"
    std::string message;
    std::string field;  // ".spec.replicas"
};

struct StatusInfo {
    int http_code = 0;
    std::string reason;   // "AlreadyExists"; empty where the body is no Status object
    std::string message;  // one line, printable; of a body that is no Status object, its beginning
    std::string kind;     // of details: the resource, "deployments"
    std::string name;
    std::vector<StatusCause> causes;
    std::optional<std::chrono::seconds> retry_after;
};

// Never fails: what is no Status object, or is wrong in parts, gives what can be read of it.
StatusInfo parse_status(int http_code, std::string_view body);

// "what: message (Reason, HTTP 409)". auth (401, 403), not_found (404), conflict (409), invalid_input (400,
// 413, 415, 422), unsupported (405, 406, 501), timeout (408), cluster for everything else. is_retryable() for
// 408, 429, 5xx but 501, and a namespace that is being deleted. Conflicts of server-side apply list each
// field with its owner, refused objects each field with its fault, on lines of their own.
Error error_of_status(int http_code, std::string_view body, std::string_view what);
Error error_of_status(const StatusInfo& status, std::string_view what);
// The same of a Status object in a watch's ERROR event, whose code is in the object.
Error error_of_status_object(std::string_view body, std::string_view what);

// 410 Gone, reasons Gone and Expired: the version or the continue token is too old. List again.
[[nodiscard]] bool is_gone(const Error& error);

}  // namespace synchost::k8s
