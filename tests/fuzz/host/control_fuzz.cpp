// What the two ends of the control socket read of each other: a request line, and a status, which is the same
// when it is written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/control/request.hpp"
#include "host/control/status.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::host;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto request = parse_request(text); request && to_line(*request) != std::string(text) + '\n')
        std::abort();
    const auto status = parse_status(text);
    if (!status) return 0;
    (void)to_text(*status);
    const auto again = parse_status(to_json(*status));
    if (!again || *again != *status) std::abort();
    return 0;
}
