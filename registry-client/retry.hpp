// When a request is sent again, and after which pause: exponential, with full jitter, so that many clients of
// a registry that fell over do not come back at the same moment; or what the registry itself asks for
// (Retry-After, RFC 9110 section 10.2.3). Pure: clock, chance and sleep are parameters.
//
//     attempt 1 ── 503 ──▶ pause 0 … first ──▶ attempt 2 ── reset ──▶ pause 0 … 2 × first ──▶ … ──▶ the last
//     error
//
// Whether an error is worth another attempt says is_retryable() of base/error.hpp: 408, 429, 500, 502, 503,
// 504, broken connections and silence are; all other answers, certificates and logins are not.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/error.hpp"

namespace synchost::registry {

// All of it counts from the last progress on.
struct RetryPolicy {
    int attempts = 6;                      // in all; 1: nothing is retried
    std::chrono::milliseconds first{250};  // the first pause is at most this, each next up to twice as long
    std::chrono::milliseconds longest{10'000};        // of the pauses that we choose
    std::chrono::milliseconds longest_asked{60'000};  // a registry that asks for more is not waited for
    std::chrono::milliseconds patience{120'000};  // from the first failure on; then no further attempt begins
};

// What a retry needs of the world.
struct RetryWorld {
    std::function<std::chrono::steady_clock::time_point()> now;
    std::function<double()> random;  // 0 to 1, without 1
    std::function<bool(std::chrono::milliseconds)>
        sleep;  // false where it was woken because the caller asks to stop
};
// The real one; its sleep ends at once when `stop` is requested.
RetryWorld real_world(std::stop_token stop);

// Retry-After, in seconds or as a date ("Sun, 06 Nov 1994 08:49:37 GMT", the one form that RFC 9110 lets
// servers send): how long to wait from `now`, 0 for a date that has passed. Nothing where it is neither, or
// absent.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text,
                                                           std::chrono::system_clock::time_point now);

// The attempts of one operation.
class Attempts {
  public:
    Attempts(const RetryPolicy& policy, const RetryWorld& world) : policy_(policy), world_(world) {}

    // After a failure: sleeps, and then the operation may be tried again; or the error to give up with, which
    // says how many attempts there were, or that the caller asks to stop.
    Result<> failed(Error error, std::optional<std::chrono::milliseconds> asked = {});
    // Bytes have moved: the count of fruitless attempts begins anew.
    void moved() { fruitless_ = 0; }

  private:
    const RetryPolicy& policy_;
    const RetryWorld& world_;
    int made_ = 0;
    int fruitless_ = 0;
    std::chrono::steady_clock::time_point since_;  // the first fruitless one
};

}  // namespace synchost::registry
