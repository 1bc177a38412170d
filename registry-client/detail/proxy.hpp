// Which requests go through a proxy, as Go's programs decide it (golang.org/x/net/http/httpproxy), because
// that is what users of docker have set up: HTTPS_PROXY and HTTP_PROXY by the scheme of the request,
// ALL_PROXY where that one is not set, and NO_PROXY for those who are spoken to directly. Upper case is asked
// first. Pure.
//
//     NO_PROXY=registry.lan,.corp.io,10.0.0.0/8,host:5000,*
//     registry.lan  it and what is below it           .corp.io, *.corp.io  what is below it
//     10.0.0.0/8    addresses of that network         host:5000            on that port alone       *
//     everybody
//
// Loopback, localhost and *.localhost are never spoken to through a proxy.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "registry-client/detail/dial.hpp"
#include "registry-client/detail/http.hpp"

namespace synchost::registry::detail {

// The values of the variables, "" where not set.
struct ProxyEnvironment {
    std::string http;
    std::string https;
    std::string all;
    std::string none;  // NO_PROXY
};
// `get` is getenv. HTTP_PROXY in upper case is not looked at in a CGI program (REQUEST_METHOD is set), where
// whoever sends a request with a "Proxy" field sets it.
ProxyEnvironment proxy_environment(const std::function<const char*(const char*)>& get);

// "[http://][user:password@]host[:port]"; percent-encoding in the login is undone. invalid_input where it is
// something else, unsupported for other kinds of proxies; no error shows the text, which may hold a login.
Result<Proxy> parse_proxy(std::string_view text);

// The proxy for requests to `server`; null where it is spoken to directly.
Result<std::shared_ptr<const Proxy>> proxy_for(const ProxyEnvironment& environment, const HttpServer& server);

// Whether NO_PROXY names that server, or it is on this machine.
bool is_direct(std::string_view no_proxy, const HttpServer& server);

}  // namespace synchost::registry::detail
