// Addresses of the pods: a /24 that nobody on this machine uses, and one address per seat that stays with the
// seat when its pod is replaced, so the other pods' Service rules go on to be right. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::host::podman {

struct Subnet {
    std::uint32_t address = 0;  // host byte order
    unsigned bits = 0;
};

std::optional<Subnet> parse_subnet(std::string_view cidr);  // IPv4 only
// The destinations of the kernel's routing table (/proc/net/route), but for the default route.
std::vector<Subnet> parse_routes(std::string_view table);

// "10.89.7": a free one of 10.89.1.0/24 to 10.89.254.0/24; conflict where none is. The search begins at a
// place that `seed` decides, so that projects which start at the same moment do not all want the same one.
Result<std::string> choose_subnet(const std::vector<Subnet>& used, std::uint64_t seed);

class AddressBook {
  public:
    explicit AddressBook(std::string prefix = {}) : prefix_(std::move(prefix)) {}
    // The address that `seat` has already, or the lowest free one. unsupported from the 254th pod on.
    Result<std::string> address(const std::string& seat);
    void forget(const std::string& seat) { taken_.erase(seat); }
    [[nodiscard]] const std::string& prefix() const { return prefix_; }

  private:
    std::string prefix_;
    std::map<std::string, int> taken_;  // last number of the address
};

}  // namespace synchost::host::podman
