// Errors as data. Every function that can fail returns Result<T>; an Error holds a small closed code that
// callers may match, a message for people, the errno where a system call failed, and the next step where we
// know one. Each layer adds its context once, in front: "apply web/app.js: rename: Permission denied". Never
// throw by our own hand; wrappers of throwing libraries catch and convert at their edge.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace synchost {

enum class Errc : std::uint8_t {
    io,             // the operating system refused a file or a socket operation
    not_found,      // the thing that was named does not exist
    conflict,       // somebody else holds it (a port, a lock, a field), or its state changed meanwhile
    protocol,       // the other end sent something that its specification does not allow
    auth,           // wrong or missing key, login or permission at a remote end
    timeout,        // a deadline passed
    cancelled,      // the caller or the user stopped it
    registry,       // an OCI registry answered with an error, or not at all
    cluster,        // Kubernetes or podman answered with an error, or not at all
    invalid_input,  // a file or an argument of the user is wrong
    unsupported,    // a valid request for something that synchost does not do
};

std::string_view to_string(Errc code);

struct Error {
    Errc code = Errc::io;
    std::string message;
    int sys_errno = 0;      // 0 where no system call failed
    std::string next_step;  // an imperative sentence for the user; empty where none is known

    // The same error with "what: " in front of its message.
    [[nodiscard]] Error context(std::string_view what) &&;
    // The same error with a next step, unless it has one already.
    [[nodiscard]] Error hint(std::string_view step) &&;
};

// True where the same operation may succeed when tried again unchanged (time-outs, broken connections, 5xx).
bool is_retryable(const Error& error);

template <typename T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] std::unexpected<Error> fail(Errc code, std::string message, std::string next_step = {});
// "what: <strerror(errno)>"; ENOENT becomes not_found, ETIMEDOUT timeout, EEXIST and EADDRINUSE conflict,
// else io.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what, int error_number);
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what);  // takes errno

}  // namespace synchost

// TRY(expr): return the error of a Result<void>.  TRY_ASSIGN(auto x, expr): the value or return the error.
// CO_TRY and CO_TRY_ASSIGN are the same inside coroutines.
#define SYNCHOST_CONCAT_(a, b) a##b
#define SYNCHOST_CONCAT(a, b) SYNCHOST_CONCAT_(a, b)
#define SYNCHOST_TRY_(tmp, expr, ret) \
    if (auto tmp = (expr); !tmp) ret std::unexpected(std::move(tmp).error())
#define SYNCHOST_TRY_ASSIGN_(tmp, decl, expr, ret)         \
    auto tmp = (expr);                                     \
    if (!tmp) ret std::unexpected(std::move(tmp).error()); \
    decl = *std::move(tmp)
#define TRY(expr) SYNCHOST_TRY_(SYNCHOST_CONCAT(try_, __LINE__), expr, return)
#define TRY_ASSIGN(decl, ...) \
    SYNCHOST_TRY_ASSIGN_(SYNCHOST_CONCAT(try_, __LINE__), decl, (__VA_ARGS__), return)
#define CO_TRY(expr) SYNCHOST_TRY_(SYNCHOST_CONCAT(try_, __LINE__), expr, co_return)
#define CO_TRY_ASSIGN(decl, ...) \
    SYNCHOST_TRY_ASSIGN_(SYNCHOST_CONCAT(try_, __LINE__), decl, (__VA_ARGS__), co_return)
