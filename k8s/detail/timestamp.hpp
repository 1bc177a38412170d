// Times as Kubernetes writes them: RFC 3339, "2024-05-01T10:00:00Z", with a fraction or an offset where its
// writer likes one.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace synchost::k8s {

// To the microsecond; nullopt for what is no time, or is none of the years 1970 to 9999 in UTC. A leap second
// is the next one's beginning.
std::optional<std::chrono::sys_time<std::chrono::microseconds>> parse_timestamp(std::string_view text);

}  // namespace synchost::k8s
