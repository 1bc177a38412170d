// What the host takes from a sidecar: reports, answers, inventories. A request is always pending once a
// container is there, so that answers are parsed too. The first byte says how large the pieces are.
#include "protocol/host_session.hpp"

using namespace synchost;
using namespace synchost::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = std::size_t{data[0] & 0x3Fu} + 1;
    const auto kind = (data[0] & 0x80) != 0   ? SimpleRequest::inventory
                      : (data[0] & 0x40) != 0 ? SimpleRequest::digest
                                              : SimpleRequest::release;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    HostSession session{TimePoint{}};
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        session.receive(bytes.substr(at, piece), TimePoint{});
        for (;;) {
            const auto event = session.next();
            if (!event) return 0;
            if (!*event) break;
            if (const auto* reported = std::get_if<ContainerReported>(&**event)) {
                (void)session.submit(reported->report.container, kind);
                session.take_output(out, 1 << 16);
                out.clear();
            }
        }
    }
    return 0;
}
