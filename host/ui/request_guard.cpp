#include "host/ui/request_guard.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/rel_path.hpp"
#include "host/control/api.hpp"
#include "host/control/status.hpp"
#include "host/ui/address.hpp"

namespace synchost::host::ui {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kApi = "/api/";
constexpr std::string_view kSnapshot = "/snapshot.html";
constexpr std::size_t kMostShown = 100;

bool same_letters(std::string_view one, std::string_view other) {
    return std::ranges::equal(
        one, other, [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

std::string shown(std::string_view text) {
    return '"' + printable(text.substr(0, kMostShown)) + '"';
}

// The page itself, opened in a tab by a link or by hand.
bool opens_the_page(const HttpRequest& request) {
    return request.method == "GET" && request.target == "/" && request.fetch_mode == "navigate" &&
           request.fetch_dest == "document";
}

bool is_of_another_site(const HttpRequest& request) {
    // "none": by hand. A browser that says nothing is an older one, or asks an address that it does not
    // trust; what is neither is none that we know.
    const bool is_ours =
        request.fetch_site.empty() || request.fetch_site == "same-origin" || request.fetch_site == "none";
    return !is_ours && !opens_the_page(request);
}

bool tells_of_the_project(const HttpRequest& request) {
    return request.target.starts_with(kApi) || request.target.starts_with(kSnapshot);
}

HttpResponse forbidden(std::string message, std::string next_step) {
    return error_response(403, std::move(message), std::move(next_step));
}

}  // namespace

bool is_our_host(std::string_view host, const Guard& guard) {
    // RFC 9110, section 4.2.1: the port of a scheme is left out.
    constexpr std::uint16_t kHttpPort = 80;
    const std::string port = ":" + std::to_string(guard.port);
    if (host.ends_with(port) && !host.ends_with(':' + port)) {
        host.remove_suffix(port.size());
    } else if (guard.port != kHttpPort) {
        return false;
    }
    if (same_letters(host, "localhost")) return true;
    const bool in_brackets = host.starts_with('[') && host.ends_with(']');
    if (in_brackets) host = host.substr(1, host.size() - 2);
    const auto address = parse_ip(host);
    return address && address->is_v6 == in_brackets && (address->is_loopback || !guard.is_loopback);
}

bool is_our_origin(std::string_view origin, const Guard& guard) {
    return origin.starts_with(kScheme) && is_our_host(origin.substr(kScheme.size()), guard);
}

std::optional<HttpResponse> refuse(const HttpRequest& request, const Guard& guard) {
    constexpr std::array<std::string_view, 3> kMethods = {"GET", "HEAD", "POST"};
    if (std::ranges::find(kMethods, request.method) == kMethods.end()) {
        HttpResponse out = error_response(405, "this takes GET, HEAD and POST alone");
        out.headers.emplace_back("Allow", "GET, HEAD, POST");
        return out;
    }
    if (guard.is_loopback && request.peer != PeerUser::same)
        return forbidden(request.peer == PeerUser::other
                             ? "this page is for the user who started synchost watch"
                             : "which user asks is not known, and this page is for the one who started "
                               "synchost watch",
                         "Start a watch of your own, or have one started with --ui-host ADDRESS, which asks "
                         "for a token.");
    if (!is_our_host(request.host, guard))
        return forbidden("Host is " + shown(request.host) + ", and not an address with the port of this page",
                         "Open http://localhost:" + std::to_string(guard.port) +
                             ", or the address that watch has printed.");
    if (!request.origin.empty() && !is_our_origin(request.origin, guard))
        return forbidden("Origin is " + shown(request.origin) + ": no other page may ask this one", {});
    if (is_of_another_site(request))
        return forbidden(
            "Sec-Fetch-Site is " + shown(request.fetch_site) + ": no other page may ask this one", {});
    if (guard.is_loopback || !tells_of_the_project(request)) return std::nullopt;
    auto refused = refuse_without_token(request, guard.token);
    if (refused)
        refused->body =
            to_json(Error{Errc::auth, "this page is open to those who have its token", 0,
                          "Open the address that synchost watch has printed: the token is in it."});
    return refused;
}

}  // namespace synchost::host::ui
