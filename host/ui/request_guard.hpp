// Which requests to the page's port are answered at all. A loopback port is open to every program of the
// machine, of any user, and to every page that a browser shows, so each request must show
//
//   - that a user may ask: over loopback its connection is of our user (see peer_user.hpp); from elsewhere
//     each request to the API has the token;
//   - that its author means us: Host is an address with our port, not a name that somebody's DNS has turned
//     to this machine; Origin, where it is sent, is our own; and a browser that says where a request comes
//     from (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/) names no other site, but for a link to the
//     page's address that somebody follows.
//
// Pure: text in, the refusal out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/control/http.hpp"

namespace synchost::host::ui {

struct Guard {
    std::uint16_t port = 0;
    bool is_loopback = true;  // what we listen on
    std::string token;
};

// nullopt for a request that may be answered; else 401, 403 or 405 in words.
std::optional<HttpResponse> refuse(const HttpRequest& request, const Guard& guard);

// The value of a Host field: localhost or an IP literal, with this port. Over loopback the literal is one of
// loopback.
[[nodiscard]] bool is_our_host(std::string_view host, const Guard& guard);
// The value of an Origin field: http:// and such a host.
[[nodiscard]] bool is_our_origin(std::string_view origin, const Guard& guard);

}  // namespace synchost::host::ui
