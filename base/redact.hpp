// The one place that decides what of a URL, a header or an environment variable may be shown.
// By allow-list: what is not known to be harmless is replaced by "***".
#pragma once

#include <string>
#include <string_view>

namespace synchost {

// Scheme, host, port and path stay; user info and the values of query parameters go, but for those of the
// distribution API that carry no secret (digest, from, mount, n, last, scope, service).
[[nodiscard]] std::string redact_url(std::string_view url);
// "name: value" with the value masked unless the header is one of the harmless ones.
[[nodiscard]] std::string redact_header(std::string_view name, std::string_view value);

}  // namespace synchost
