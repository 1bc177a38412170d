// Ranges, Retry-After and proxies: what is accepted prints to what was read, and is within its bounds.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "registry-client/detail/proxy.hpp"
#include "registry-client/detail/range.hpp"
#include "registry-client/retry.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::registry;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto has = detail::parse_upload_range(text); has && *has > 0) {
        if (detail::parse_upload_range("0-" + std::to_string(*has - 1)) != (*has == 1 ? 0 : *has))
            std::abort();
    }
    if (const auto range = detail::parse_content_range(text)) {
        if (range->last < range->first || (range->total && *range->total <= range->last)) std::abort();
    }
    const std::chrono::system_clock::time_point now(std::chrono::seconds(1'700'000'000));
    if (const auto pause = parse_retry_after(text, now); pause && pause->count() < 0) std::abort();
    if (const auto proxy = detail::parse_proxy(text)) {
        if (proxy->host.empty() || proxy->port < 1 || proxy->port > 65'535) std::abort();
        if (proxy->authorization.find_first_of("\r\n") != std::string::npos) std::abort();
    }
    if (!detail::is_direct(text, {true, "localhost", 443})) std::abort();
    (void)detail::is_direct(text, {true, "10.0.0.1", 443});
    (void)detail::is_direct(text, {true, "a.corp.io", 443});
    return 0;
}
