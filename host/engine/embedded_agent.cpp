#include "host/engine/embedded_agent.hpp"

extern "C" {
extern const char synchost_embedded_agent_begin[];
extern const char synchost_embedded_agent_end[];
}

namespace synchost::host {

std::string_view embedded_agent() {
    return {synchost_embedded_agent_begin, synchost_embedded_agent_end};
}

}  // namespace synchost::host
