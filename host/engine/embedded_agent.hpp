// The static agent for this machine's architecture, as this program carries it.
#pragma once

#include <string_view>

namespace synchost::host {

std::string_view embedded_agent();

}  // namespace synchost::host
