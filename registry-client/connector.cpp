// How a host's name becomes a server: scheme, port, login.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>

#include "registry-client/client.hpp"
#include "registry-client/detail/authorizer.hpp"
#include "registry-client/detail/client_settings.hpp"
#include "registry-client/detail/http.hpp"
#include "registry-client/detail/proxy.hpp"

namespace synchost::registry {
namespace {

struct HostPort {
    std::string host;  // without brackets
    std::optional<int> port;
};

HostPort split(std::string_view text) {
    HostPort out;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = std::min(text.find(']'), text.size());
        out.host = text.substr(1, end - 1);
        port = text.substr(std::min(end + 1, text.size()));
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        out.host = text.substr(0, colon);
        port = text.substr(colon);
    }
    int number = 0;
    if (port.starts_with(':') &&
        std::from_chars(port.data() + 1, port.data() + port.size(), number).ec == std::errc{}) {
        out.port = number;
    }
    return out;
}

bool is_local(const std::string& host) {
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    return host == "::1" || host == "localhost" || host.ends_with(".localhost");
}

bool names(const std::vector<std::string>& list, std::string_view host) {
    const std::string bare = split(host).host;
    return std::ranges::any_of(list, [&](const std::string& item) { return item == host || item == bare; });
}

}  // namespace

struct Connector::Shared {
    std::shared_ptr<const detail::ClientSettings> settings;
    std::shared_ptr<const detail::ClientSettings> impatient;
    detail::ProxyEnvironment proxies;
    std::mutex mutex;
    std::map<std::string, std::shared_ptr<detail::Authorizer>> authorizers;  // by host
};

Connector::Connector(ConnectorOptions options)
    : options_(std::move(options)), shared_(std::make_shared<Shared>()) {
    if (options_.login_files.empty()) options_.login_files = detail::login_files();
    RetryPolicy restarts = options_.retry;
    restarts.patience = std::chrono::hours(24 * 365);
    shared_->settings =
        std::make_shared<const detail::ClientSettings>(options_.retry, restarts, real_world(options_.stop),
                                                       std::max<std::uint64_t>(options_.piece_bytes, 1));
    detail::ClientSettings impatient = *shared_->settings;
    impatient.retry.attempts = 1;
    shared_->impatient = std::make_shared<const detail::ClientSettings>(std::move(impatient));
    shared_->proxies = detail::proxy_environment(::getenv);
}

bool Connector::is_plain_http(std::string_view host) const {
    if (names(options_.tls_hosts, host)) return false;
    return names(options_.insecure_hosts, host) || is_local(split(host).host);
}

detail::HttpOptions Connector::url_options() const {
    return {.connect_timeout = options_.connect_timeout,
            .silence_timeout = options_.silence_timeout,
            .ca_file = options_.ca_file.native(),
            .client_certificate = {},
            .client_key = {},
            .authorizer = nullptr,
            .proxy_for = [proxies = shared_->proxies](
                             const detail::HttpServer& to) { return detail::proxy_for(proxies, to); },
            .stop = options_.stop};
}

Client Connector::client(const std::string& host) const {
    return client(host, shared_->settings);
}

Client Connector::impatient_client(const std::string& host) const {
    return client(host, shared_->impatient);
}

Client Connector::client(const std::string& host,
                         const std::shared_ptr<const detail::ClientSettings>& settings) const {
    HostPort parts = split(host == "docker.io" ? "registry-1.docker.io" : host);
    const bool tls = !is_plain_http(host);
    detail::HttpServer server{tls, std::move(parts.host), parts.port.value_or(tls ? 443 : 80)};
    detail::HttpOptions http = url_options();
    http.client_certificate = options_.client_certificate.native();
    http.client_key = options_.client_key.native();
    const std::scoped_lock lock(shared_->mutex);
    auto& authorizer = shared_->authorizers[host];
    if (!authorizer) {
        authorizer = std::make_shared<detail::Authorizer>(detail::Authorizer::Parts{
            .host = host,
            .server = server,
            .login_files = options_.login_files,
            .token_http = http,
            .may_be_plain = [insecure = options_.insecure_hosts](const detail::HttpServer& at) {
                return is_local(at.host) || names(insecure, at.host + ":" + std::to_string(at.port));
            }});
    }
    http.authorizer = authorizer;
    return Client(host, std::make_unique<detail::HttpConnection>(std::move(server), std::move(http)),
                  settings);
}

}  // namespace synchost::registry
