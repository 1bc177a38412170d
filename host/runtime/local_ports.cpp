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
            const std::string holder = ours(wanted) ? "another Service" : holder_of(wanted);
            log(LogLevel::warn, "runtime", "port_taken",
                {{"service", subject}, {"port", wanted}, {"by", holder}, {"instead", port}});
            problems_[key] = "port " + std::to_string(wanted) + " is taken by " +
                             (holder.empty() ? "another program" : holder);
        }
    }
    chosen_[key] = port;
    return port;
}

std::string LocalPorts::problem_of(const std::string& key) const {
    const auto found = problems_.find(key);
    return found == problems_.end() ? std::string() : found->second;
}

}  // namespace synchost::host
