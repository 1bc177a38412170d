// Times as RFC 3339 writes them: "2024-05-01T10:00:00Z", with a fraction or an offset where its writer likes
// one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synchost {

// To the microsecond; nullopt for what is no time, or is none of the years 1970 to 9999 in UTC. A leap second
// is the next one's beginning.
std::optional<std::chrono::sys_time<std::chrono::microseconds>> parse_timestamp(std::string_view text);

// The same in nanoseconds since the epoch, whose last year is 2261.
std::optional<std::int64_t> parse_timestamp_ns(std::string_view text);
// In UTC and with all nine digits, so that the order of texts is that of times; negative times are the epoch.
std::string format_timestamp_ns(std::int64_t ns);
// This machine's clock.
std::int64_t now_ns();

}  // namespace synchost
