#include "registry-client/detail/proxy.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "base/base64.hpp"
#include "registry-client/detail/ascii.hpp"

namespace synchost::registry::detail {
namespace {

using Address = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d

std::optional<Address> parse_address(std::string_view text) {
    const std::string name(text);
    Address out{};
    if (::inet_pton(AF_INET6, name.c_str(), out.data()) == 1) return out;
    out = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (::inet_pton(AF_INET, name.c_str(), out.data() + 12) == 1) return out;
    return {};
}

bool is_v4(const Address& address) {
    constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::ranges::equal(std::span(address).first<12>(), kMapped);
}

bool is_loopback(const Address& address) {
    constexpr Address kOne = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return is_v4(address) ? address[12] == 127 : address == kOne;
}

bool same_bits(const Address& a, const Address& b, unsigned bits) {
    const std::size_t whole = bits / 8;
    if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) return false;
    const unsigned rest = bits % 8;
    return rest == 0 || (a[whole] >> (8 - rest)) == (b[whole] >> (8 - rest));
}

struct Network {
    Address address;
    unsigned bits;
};

std::optional<Network> parse_network(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return {};
    const auto address = parse_address(text.substr(0, slash));
    const std::string_view number = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (!address || error != std::errc{} || end != number.data() + number.size()) return {};
    const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    if (bits > (v4 ? 32u : 128u)) return {};
    return Network{*address, v4 ? bits + 96 : bits};
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct Named {
    std::string_view host;  // without brackets
    std::string_view port;  // "" for every port
};

// "host", "host:port", "::1", "[::1]:port"
Named split(std::string_view item) {
    if (item.starts_with('[')) {
        const std::size_t end = item.find(']');
        if (end == std::string_view::npos) return {item, {}};
        const std::string_view rest = item.substr(end + 1);
        return {item.substr(1, end - 1), rest.starts_with(':') ? rest.substr(1) : std::string_view()};
    }
    const std::size_t colon = item.find(':');
    if (colon == std::string_view::npos || item.rfind(':') != colon) return {item, {}};
    return {item.substr(0, colon), item.substr(colon + 1)};
}

bool names(std::string_view item, const std::string& host, const std::optional<Address>& address,
           const std::string& port) {
    if (const auto network = parse_network(item))
        return address && is_v4(*address) == is_v4(network->address) &&
               same_bits(*address, network->address, network->bits);
    Named named = split(item);
    if (named.host.empty() || (!named.port.empty() && named.port != port)) return false;
    if (const auto listed = parse_address(named.host)) return address == listed;
    if (named.host.starts_with("*.")) named.host.remove_prefix(1);
    if (named.host.starts_with('.')) return host.ends_with(named.host);
    return host == named.host || host.ends_with("." + std::string(named.host));
}

Result<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        unsigned value = 0;
        const std::string_view hex = text.substr(i + 1, 2);
        if (hex.size() != 2 || std::from_chars(hex.data(), hex.data() + 2, value, 16).ptr != hex.data() + 2) {
            return fail(Errc::invalid_input, "the login of the proxy is not percent-encoded as in a URL");
        }
        out += static_cast<char>(value);
        i += 2;
    }
    return out;
}

}  // namespace

ProxyEnvironment proxy_environment(const std::function<const char*(const char*)>& get) {
    const auto first_of = [&](std::initializer_list<const char*> names) {
        for (const char* name : names) {
            const char* value = get(name);
            if (value != nullptr && *value != '\0') return std::string(value);
        }
        return std::string();
    };
    const char* method = get("REQUEST_METHOD");
    const bool cgi = method != nullptr && *method != '\0';
    return {.http = cgi ? first_of({"http_proxy"}) : first_of({"HTTP_PROXY", "http_proxy"}),
            .https = first_of({"HTTPS_PROXY", "https_proxy"}),
            .all = first_of({"ALL_PROXY", "all_proxy"}),
            .none = first_of({"NO_PROXY", "no_proxy"})};
}

Result<Proxy> parse_proxy(std::string_view text) {
    const std::string next_step = "Set HTTP_PROXY, HTTPS_PROXY and ALL_PROXY to http://host:port.";
    text = trimmed(text);
    if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
        if (ascii_lower(text.substr(0, scheme)) != "http")
            return fail(Errc::unsupported, "a proxy that is not spoken to by plain http", next_step);
        text.remove_prefix(scheme + 3);
    }
    text = text.substr(0, text.find_first_of("/?#"));
    Proxy out;
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        const std::string_view login = text.substr(0, at);
        const std::size_t colon = std::min(login.find(':'), login.size());
        TRY_ASSIGN(const std::string user, percent_decoded(login.substr(0, colon)));
        TRY_ASSIGN(const std::string password,
                   percent_decoded(login.substr(std::min(colon + 1, login.size()))));
        out.authorization = "Basic " + to_base64(user + ":" + password);
        text.remove_prefix(at + 1);
    }
    const Named named = split(text);
    out.host = named.host;
    const bool host_is_good = !out.host.empty() && std::ranges::all_of(out.host, [](unsigned char c) {
        return c > ' ' && c < 0x7f && c != '[' && c != ']' && c != '@';
    });
    if (!host_is_good) return fail(Errc::invalid_input, "the proxy has no usable address", next_step);
    if (!named.port.empty()) {
        const auto [end, error] =
            std::from_chars(named.port.data(), named.port.data() + named.port.size(), out.port);
        if (error != std::errc{} || end != named.port.data() + named.port.size() || out.port < 1 ||
            out.port > 65535)
            return fail(Errc::invalid_input, "the proxy has no usable port", next_step);
    }
    return out;
}

bool is_direct(std::string_view no_proxy, const HttpServer& server) {
    const std::string host = ascii_lower(server.host);
    const auto address = parse_address(host);
    if (host == "localhost" || host.ends_with(".localhost") || (address && is_loopback(*address)))
        return true;
    const std::string port = std::to_string(server.port);
    const std::string list = ascii_lower(no_proxy);
    for (std::string_view rest = list; !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view item = trimmed(rest.substr(0, comma));
        if (item == "*" || (!item.empty() && names(item, host, address, port))) return true;
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return false;
}

Result<std::shared_ptr<const Proxy>> proxy_for(const ProxyEnvironment& environment,
                                               const HttpServer& server) {
    const std::string& own = server.tls ? environment.https : environment.http;
    const std::string& text = own.empty() ? environment.all : own;
    if (text.empty() || is_direct(environment.none, server)) return nullptr;
    TRY_ASSIGN(Proxy proxy, parse_proxy(text));
    return std::make_shared<const Proxy>(std::move(proxy));
}

}  // namespace synchost::registry::detail
