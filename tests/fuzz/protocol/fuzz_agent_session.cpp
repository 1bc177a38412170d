// What a supervisor takes from its sidecar, generations included. The first byte says how large the pieces
// are. Whatever comes, a change names a path below its root.
#include <cstdlib>

#include "protocol/agent_session.hpp"

using namespace synchost;
using namespace synchost::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = std::size_t{data[0]} + 1;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    AgentSession session({"/app/", "/etc/one"}, TimePoint{});
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        session.receive(bytes.substr(at, piece), TimePoint{});
        for (;;) {
            const auto event = session.next();
            if (!event) return 0;
            if (!*event) break;
            const auto* step = std::get_if<GenerationStep>(&**event);
            const auto* start = step != nullptr ? std::get_if<ChangeStart>(step) : nullptr;
            if (start != nullptr && (start->change.root > 1 || !RelPath::parse(start->change.path.str())))
                std::abort();
            if (start != nullptr && start->change.root == 1 && start->change.path.str() != "one")
                std::abort();
        }
    }
    return 0;
}
