// A server's URL of any bytes: what is taken has one reading. The C library's most lenient reader of IPv4
// addresses (octal, hexadecimal, fewer parts) must see the same address in it or none.
#include <arpa/inet.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "k8s/kubeconfig/server_address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost;
    const std::string text(reinterpret_cast<const char*>(data), size);
    in_addr lenient{};
    in_addr strict{};
    if (k8s::is_local_host(text) && ::inet_aton(text.c_str(), &lenient) != 0) {
        if (::inet_pton(AF_INET, text.c_str(), &strict) != 1 || lenient.s_addr != strict.s_addr) std::abort();
    }
    const auto address = k8s::parse_server_address(text);
    if (!address) return 0;
    if (address->host.empty() || address->port == 0) std::abort();
    if (address->host.find_first_of("@/\\?# []") != std::string::npos) std::abort();
    if (::inet_aton(address->host.c_str(), &lenient) != 0) {
        if (::inet_pton(AF_INET, address->host.c_str(), &strict) != 1 || lenient.s_addr != strict.s_addr)
            std::abort();
    }
    std::string name = address->authority();
    if (const std::size_t zone = name.find('%'); zone != std::string::npos) name.insert(zone + 1, "25");
    const auto again =
        k8s::parse_server_address((address->tls ? "https://" : "http://") + name + address->base_path);
    if (!again || again->host != address->host || again->port != address->port ||
        again->base_path != address->base_path || again->tls != address->tls)
        std::abort();
    return 0;
}
