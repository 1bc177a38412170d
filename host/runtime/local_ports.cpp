#include "host/runtime/local_ports.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "host/runtime/host_ports.hpp"

namespace synchost::host {
namespace {

constexpr std::uint16_t kFirstOrdinaryPort = 1024;

}  // namespace

Result<std::uint16_t> LocalPorts::choose(const std::string& key, const std::string& subject,
                                         std::uint16_t wanted) {
    if (const auto known = chosen_.find(key); known != chosen_.end()) return known->second;
    const auto ours = [&](std::uint16_t port) {
        return std::ranges::any_of(chosen_, [&](const auto& entry) { return entry.second == port; });
    };
    std::uint16_t port = wanted;
    if (wanted < kFirstOrdinaryPort || ours(wanted) || !is_free(wanted)) {
        do {
            TRY_ASSIGN(port, free_port());
        } while (ours(port));
        if (wanted >= kFirstOrdinaryPort) {
            log(LogLevel::warn, "runtime", "port_taken",
                {{"service", subject},
                 {"port", wanted},
                 {"by", ours(wanted) ? "another Service" : holder_of(wanted)},
                 {"instead", port}});
        }
    }
    chosen_[key] = port;
    return port;
}

}  // namespace synchost::host
