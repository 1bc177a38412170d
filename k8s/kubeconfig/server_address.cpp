#include "k8s/kubeconfig/server_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/redact.hpp"
#include "base/rel_path.hpp"

namespace synchost::k8s {
namespace {

constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxHost = 253;

// What the tools of local clusters call the machine that they run on, from inside a container or a virtual
// machine or from the machine itself.
constexpr std::array<std::string_view, 10> kMachineNames = {
    "host.docker.internal",       "gateway.docker.internal",
    "kubernetes.docker.internal", "host.k3d.internal",
    "host.minikube.internal",     "control-plane.minikube.internal",
    "host.containers.internal",   "host.rancher-desktop.internal",
    "host.lima.internal",         "k8s.orb.local"};

using Ipv4 = std::array<unsigned char, 4>;
using Ipv6 = std::array<unsigned char, 16>;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter_or_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

// Four decimal numbers and nothing else: inet_pton takes no octal, no hexadecimal, no fewer parts.
std::optional<Ipv4> parse_ipv4(const std::string& text) {
    Ipv4 out{};
    if (text.contains('\0') || ::inet_pton(AF_INET, text.c_str(), out.data()) != 1) return std::nullopt;
    return out;
}

// A zone ("%eth0") may follow.
std::optional<Ipv6> parse_ipv6(std::string_view text) {
    const std::size_t percent = text.find('%');
    if (percent != std::string_view::npos) {
        const std::string_view zone = text.substr(percent + 1);
        const bool plain = !zone.empty() && zone.size() <= 32 && std::ranges::all_of(zone, [](char c) {
            return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
        });
        if (!plain) return std::nullopt;
        text = text.substr(0, percent);
    }
    Ipv6 out{};
    const std::string address(text);
    if (address.contains('\0') || ::inet_pton(AF_INET6, address.c_str(), out.data()) != 1)
        return std::nullopt;
    return out;
}

bool is_local_ipv4(const Ipv4& ip) {
    const bool unspecified = ip == Ipv4{0, 0, 0, 0};
    const bool loopback = ip[0] == 127;
    const bool rfc_1918 =
        ip[0] == 10 || (ip[0] == 172 && ip[1] >= 16 && ip[1] < 32) || (ip[0] == 192 && ip[1] == 168);
    const bool link_local = ip[0] == 169 && ip[1] == 254;
    return unspecified || loopback || rfc_1918 || link_local;
}

bool is_local_ipv6(const Ipv6& ip) {
    constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (std::equal(kMapped.begin(), kMapped.end(), ip.begin()))
        return is_local_ipv4({ip[12], ip[13], ip[14], ip[15]});
    const bool zero_but_last = std::all_of(ip.begin(), ip.end() - 1, [](unsigned char b) { return b == 0; });
    const bool unspecified_or_loopback = zero_but_last && ip[15] <= 1;
    const bool unique_local = (ip[0] & 0xFE) == 0xFC;
    const bool link_local = ip[0] == 0xFE && (ip[1] & 0xC0) == 0x80;
    return unspecified_or_loopback || unique_local || link_local;
}

// A last label that is a number makes a name an address to some resolvers: 2130706433, 127.1, 0x7f.0.0.1.
// (https://url.spec.whatwg.org/#ends-in-a-number-checker)
bool ends_in_number(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    const std::string last = lower(host.substr(host.rfind('.') + 1));
    const bool digits = !last.empty() && std::ranges::all_of(last, is_digit);
    return digits || last.starts_with("0x");
}

bool is_host_name(std::string_view host) {
    std::size_t label = 0;
    for (const char c : host) {
        if (c == '.') {
            if (label == 0) return false;
            label = 0;
            continue;
        }
        if (!is_letter_or_digit(c) && c != '-' && c != '_') return false;
        if (++label > 63) return false;
    }
    return !host.empty() && host.size() <= kMaxHost && host != ".";
}

std::unexpected<Error> refuse(std::string_view url, std::string_view why) {
    // A password may hold a slash or a question mark: nothing in front of the last @ is shown.
    const std::size_t at = url.rfind('@');
    const std::string shown = at == std::string_view::npos
                                  ? printable(redact_url(url).substr(0, 200))
                                  : "***" + printable(redact_url(url.substr(at)).substr(0, 200));
    return fail(Errc::invalid_input, "server \"" + shown + "\": " + std::string(why),
                "Correct `server` of the cluster in the kubeconfig: it is https://HOST:PORT.");
}

struct Authority {
    std::string host;
    std::string_view port;
};

std::expected<Authority, std::string_view> split_authority(std::string_view authority) {
    if (authority.contains('@')) return std::unexpected("user info has no place in it");
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) return std::unexpected("a [ without ]");
        std::string host = lower(authority.substr(1, close - 1));
        if (const std::size_t zone = host.find('%'); zone != std::string::npos) {  // RFC 6874: "%25eth0"
            if (host.substr(zone, 3) != "%25") return std::unexpected("not an IPv6 address");
            host.erase(zone + 1, 2);
        }
        if (!parse_ipv6(host)) return std::unexpected("not an IPv6 address");
        std::string_view rest = authority.substr(close + 1);
        if (!rest.empty() && !rest.starts_with(':'))
            return std::unexpected("something behind the IPv6 address");
        return Authority{std::move(host), rest};
    }
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    std::string host = lower(authority.substr(0, colon));
    if (!is_host_name(host)) return std::unexpected("not a host name");
    if (ends_in_number(host) && !parse_ipv4(host))
        return std::unexpected("an IPv4 address is four decimal numbers");
    return Authority{std::move(host), authority.substr(colon)};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && port != 0 ? std::optional(port) : std::nullopt;
}

// Nothing that a server could read as the way to another folder than the one that is shown.
bool is_plain_path(std::string_view path) {
    for (const char c : path) {
        if (!is_letter_or_digit(c) && !std::strchr("/-._~%!$&'()*+,;=:@", c)) return false;
    }
    const std::string text = lower(path) + "/";
    for (const std::string_view step : {"//", "/./", "/../", "/%2e"}) {
        if (text.contains(step)) return false;
    }
    return true;
}

}  // namespace

std::string ServerAddress::authority() const {
    const std::string name = host.contains(':') ? "[" + host + "]" : host;
    return name + ":" + std::to_string(port);
}

Result<ServerAddress> parse_server_address(std::string_view url) {
    if (url.empty()) return refuse(url, "it is empty");
    if (url.size() > kMaxUrl) return refuse(url, "longer than 2,048 characters");
    const bool printable_ascii = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7F; });
    if (!printable_ascii || url.contains('\\')) return refuse(url, "a character that no URL has");
    ServerAddress out;
    const std::size_t scheme_end = url.find("://");
    const std::string scheme = scheme_end == std::string_view::npos ? "" : lower(url.substr(0, scheme_end));
    if (scheme != "https" && scheme != "http") return refuse(url, "https:// belongs in front of it");
    out.tls = scheme == "https";
    out.port = out.tls ? 443 : 80;
    const std::string_view rest = url.substr(scheme_end + 3);
    if (rest.find_first_of("?#") != std::string_view::npos) return refuse(url, "a ? or # has no place in it");
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const auto authority = split_authority(rest.substr(0, slash));
    if (!authority) return refuse(url, authority.error());
    out.host = authority->host;
    if (!authority->port.empty()) {
        const auto port = parse_port(authority->port.substr(1));
        if (!port) return refuse(url, "the port is a number from 1 to 65535");
        out.port = *port;
    }
    std::string_view path = rest.substr(slash);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (!is_plain_path(path)) return refuse(url, "not a plain path");
    out.base_path = path;
    return out;
}

bool is_local_ip(std::string_view ip) {
    if (const auto v4 = parse_ipv4(std::string(ip))) return is_local_ipv4(*v4);
    const auto v6 = parse_ipv6(ip);
    return v6 && is_local_ipv6(*v6);
}

bool is_local_host(std::string_view host) {
    if (is_local_ip(host)) return true;
    std::string name = lower(host);
    if (name.ends_with('.')) name.pop_back();  // the same name, written absolute
    if (!is_host_name(name) || ends_in_number(name)) return false;
    return name == "localhost" || name.ends_with(".localhost") ||
           std::ranges::find(kMachineNames, name) != kMachineNames.end();
}

}  // namespace synchost::k8s
