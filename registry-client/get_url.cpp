// A plain file of any web server, over the transport that registries have: proxies, CA, deadlines, redirects.
#include "base/redact.hpp"
#include "registry-client/client.hpp"
#include "registry-client/detail/http.hpp"

namespace synchost::registry {

Result<UrlAnswer> Connector::get_url(std::string_view url, const UrlRequest& request) const {
    const auto named = [&](Error error) {
        return std::unexpected(std::move(error).context(redact_url(url)));
    };
    if (!url.starts_with("http://") && !url.starts_with("https://"))
        return named({Errc::invalid_input, "not a http or https URL", 0, {}});
    auto at = detail::parse_location(url, {});
    if (!at) return named({Errc::invalid_input, at.error().message, 0, "Write it as a browser takes it."});
    detail::HttpConnection connection(at->server, url_options());
    detail::HttpRequest get{.method = "GET", .target = at->target, .follow_redirects = true};
    get.sink = request.sink;
    if (!request.etag.empty()) get.headers.emplace_back("If-None-Match", request.etag);
    if (!request.last_modified.empty()) get.headers.emplace_back("If-Modified-Since", request.last_modified);
    auto answer = connection.send(get);
    if (!answer) return named(std::move(answer.error()));
    const bool conditional = !request.etag.empty() || !request.last_modified.empty();
    if (answer->status == 304 && conditional) return UrlAnswer{.not_modified = true};
    if (answer->status != 200) {
        const Errc code = answer->status == 404 || answer->status == 410   ? Errc::not_found
                          : answer->status == 401 || answer->status == 403 ? Errc::auth
                                                                           : Errc::registry;
        return named({code, "HTTP " + std::to_string(answer->status), 0, {}});
    }
    return UrlAnswer{.not_modified = false,
                     .etag = answer->header("etag"),
                     .last_modified = answer->header("last-modified")};
}

}  // namespace synchost::registry
