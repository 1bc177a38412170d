#include "base/error.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

namespace synchost {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::io:
            return "io";
        case Errc::not_found:
            return "not_found";
        case Errc::conflict:
            return "conflict";
        case Errc::protocol:
            return "protocol";
        case Errc::auth:
            return "auth";
        case Errc::timeout:
            return "timeout";
        case Errc::cancelled:
            return "cancelled";
        case Errc::registry:
            return "registry";
        case Errc::cluster:
            return "cluster";
        case Errc::invalid_input:
            return "invalid_input";
        case Errc::unsupported:
            return "unsupported";
    }
    return "unknown";
}

Error Error::context(std::string_view what) && {
    message.insert(0, std::string(what) + ": ");
    return std::move(*this);
}

Error Error::hint(std::string_view step) && {
    if (next_step.empty()) next_step = step;
    return std::move(*this);
}

bool is_retryable(const Error& error) {
    switch (error.code) {
        case Errc::timeout:
            return true;
        case Errc::cluster:  // EAGAIN: it asked to be asked again (429, 5xx)
        case Errc::registry:
        case Errc::io:
            return error.sys_errno == ECONNRESET || error.sys_errno == ECONNREFUSED ||
                   error.sys_errno == EPIPE || error.sys_errno == EAGAIN || error.sys_errno == EINTR ||
                   error.sys_errno == ENETUNREACH || error.sys_errno == EHOSTUNREACH;
        default:
            return false;
    }
}

std::unexpected<Error> fail(Errc code, std::string message, std::string next_step) {
    return std::unexpected(Error{code, std::move(message), 0, std::move(next_step)});
}

std::unexpected<Error> fail_errno(std::string_view what, int error_number) {
    Errc code = Errc::io;
    if (error_number == ENOENT) code = Errc::not_found;
    if (error_number == ETIMEDOUT) code = Errc::timeout;
    if (error_number == EEXIST || error_number == EADDRINUSE) code = Errc::conflict;
    char buffer[128];
    const char* text = strerror_r(error_number, buffer, sizeof buffer);
    return std::unexpected(Error{code, std::string(what) + ": " + text, error_number, {}});
}

std::unexpected<Error> fail_errno(std::string_view what) {
    return fail_errno(what, errno);
}

}  // namespace synchost
