// What the two ends of the control socket read of each other: a request's target and parameters, and a status
// and an error, which are the same when they are written and read again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/control/query.hpp"
#include "host/control/status.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::host;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto target = parse_target(text)) {
        std::string again;
        for (const std::string& segment : target->segments) again += '/' + percent_encoded(segment);
        char before = '?';
        for (const auto& [name, value] : target->query) {
            again += before + percent_encoded(name) + '=' + percent_encoded(value);
            before = '&';
        }
        const auto read = parse_target(again);
        if (!read || read->segments != target->segments || read->query != target->query) std::abort();
    }
    constexpr std::int64_t kNow = 1'767'225'600'000'000'000;
    if (const auto since = parse_since(text, kNow); since && *since < 0) std::abort();
    if (const auto id = parse_event_id(text); id && parse_event_id(std::to_string(*id)) != id) std::abort();
    if (const auto count = parse_count(text, 1'000); count && *count > 1'000) std::abort();
    (void)parse_flag(text);
    if (const auto error = parse_error(text)) {
        const auto again = parse_error(to_json(*error));
        if (!again || again->message != error->message) std::abort();
    }
    const auto status = parse_status(text);
    if (!status) return 0;
    (void)to_text(*status);
    const auto again = parse_status(to_json(*status));
    if (!again || *again != *status) std::abort();
    return 0;
}
