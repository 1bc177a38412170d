// The colour by which a terminal tells one service's lines from another's.
#pragma once

#include <array>
#include <string_view>

namespace synchost::host {

// An escape sequence (ECMA-48, SGR), the same for a workload ("Deployment/api") in every run. "\x1b[0m" ends
// it.
inline std::string_view colour_of_service(std::string_view workload) {
    constexpr std::array<std::string_view, 6> kColours = {"\x1b[36m", "\x1b[33m", "\x1b[35m",
                                                          "\x1b[32m", "\x1b[34m", "\x1b[31m"};
    std::size_t sum = 0;
    for (const char c : workload) sum = sum * 31 + static_cast<unsigned char>(c);
    return kColours[sum % kColours.size()];
}

}  // namespace synchost::host
