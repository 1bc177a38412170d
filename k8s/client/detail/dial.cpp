// How a stream to the API server comes to be: names, TCP, a proxy's CONNECT, TLS.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <charconv>
#include <optional>

#include "base/base64.hpp"
#include "base/redact.hpp"
#include "base/rel_path.hpp"
#include "k8s/client/detail/transport_impl.hpp"

namespace synchost::k8s::detail {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;

constexpr std::size_t kMaxProxyHead = std::size_t{16} << 10;

// A peer that is gone without a word ends the connection: unanswered bytes after 15 s, silence after 30 s.
void set_socket_options(tcp::socket& socket) {
    const auto set = [&](int level, int name, int value) {
        ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, 15'000);
}

using Endpoints = std::vector<tcp::endpoint>;

bool is_ip(const std::string& host) {
    boost::system::error_code error;
    asio::ip::make_address(host, error);
    return !error;
}

// A look-up cannot be cut short, only be left alone: it may go on after the watchdog has ended the wait.
asio::awaitable<Result<Endpoints>> look_up(Connection& connection, const std::string& host,
                                           std::uint16_t port, const Watchdog& watchdog) {
    if (is_ip(host)) co_return Endpoints{{asio::ip::make_address(host), port}};
    struct Lookup {
        explicit Lookup(const asio::any_io_executor& executor) : resolver(executor) {}
        tcp::resolver resolver;
        std::optional<boost::system::error_code> outcome;
        Endpoints found;
    };
    auto lookup = std::make_shared<Lookup>(connection.stream.get_executor());
    const auto changed = connection.closed;
    lookup->resolver.async_resolve(
        host, std::to_string(port),
        [lookup, changed](const boost::system::error_code& error, const tcp::resolver::results_type& found) {
            for (const auto& entry : found) lookup->found.push_back(entry.endpoint());
            lookup->outcome = error;
            changed->notify();
        });
    while (!lookup->outcome && !watchdog.reason()) co_await changed->wait();
    if (watchdog.reason()) co_return std::unexpected(*watchdog.reason());
    if (*lookup->outcome) co_return std::unexpected(network_error(*lookup->outcome, watchdog).context(host));
    co_return std::move(lookup->found);
}

asio::awaitable<Result<>> connect_tcp(Connection& connection, const std::string& host, std::uint16_t port,
                                      Reach reach, const Watchdog& watchdog) {
    CO_TRY_ASSIGN(const Endpoints found, co_await look_up(connection, host, port, watchdog));
    for (const tcp::endpoint& endpoint : found) {
        const std::string ip = endpoint.address().to_string();
        if (reach == Reach::anywhere || is_local_ip(ip)) continue;
        co_return fail(Errc::auth, host + " is " + ip + ", which is not of this machine or a private network",
                       "Name the context under cluster.contexts in synchost.yaml to allow it.");
    }
    tcp::socket& socket = connection.stream.socket();
    const auto [error, endpoint] = co_await asio::async_connect(socket, found, kToken);
    if (error || watchdog.reason()) co_return std::unexpected(network_error(error, watchdog));
    set_socket_options(socket);
    co_return Result<>{};
}

// RFC 9110, 9.3.6. The proxy's own answer is never shown: it may be a page.
asio::awaitable<Result<>> ask_proxy(NetStream& stream, const ServerAddress& server,
                                    const std::string& authorization, const Watchdog& watchdog) {
    const std::string authority = server.authority();
    std::string request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
    if (!authorization.empty()) request += "Proxy-Authorization: " + authorization + "\r\n";
    request += "\r\n";
    const auto [write_error, sent] = co_await asio::async_write(stream, asio::buffer(request), kToken);
    if (write_error) co_return std::unexpected(network_error(write_error, watchdog));
    std::string head;
    const auto [error, size] = co_await asio::async_read_until(
        stream, asio::dynamic_buffer(head, kMaxProxyHead), "\r\n\r\n", kToken);
    if (error) co_return std::unexpected(network_error(error, watchdog));
    const std::size_t space = head.find(' ');
    const std::string status = space == std::string::npos ? "" : head.substr(space + 1, 3);
    if (!head.starts_with("HTTP/1.") || !status.starts_with('2')) {
        co_return fail(status == "407" ? Errc::auth : Errc::cluster,
                       "the proxy refused with status " + (status.empty() ? "?" : printable(status)));
    }
    if (size != head.size()) co_return fail(Errc::protocol, "the proxy sent bytes of its own");
    co_return Result<>{};
}

struct ProxyAddress {
    ServerAddress address;
    std::string authorization;
};

// What is no %XX stays as it is.
std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned int byte = 0;
        const char* const end = text.data() + i + 3;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(text.data() + i + 1, end, byte, 16).ptr == end) {
            out += static_cast<char>(byte);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

// "http://user:password@host:3128". Proxies that are spoken to by TLS or SOCKS are not supported.
Result<ProxyAddress> parse_proxy(const std::string& url) {
    const std::string shown = redact_url(url);
    std::string rest = url.contains("://") ? url : "http://" + url;
    if (!rest.starts_with("http://"))
        return fail(Errc::unsupported, "proxy " + shown + ": only http:// proxies are supported");
    rest.erase(0, 7);
    ProxyAddress proxy;
    if (const std::size_t at = rest.rfind('@'); at != std::string::npos) {
        proxy.authorization = "Basic " + to_base64(percent_decoded(rest.substr(0, at)));
        rest.erase(0, at + 1);
    }
    auto address = parse_server_address("http://" + rest);
    if (!address) return std::unexpected(std::move(address.error()).context("proxy " + shown));
    proxy.address = *std::move(address);
    return proxy;
}

std::string last_tls_error(const boost::system::error_code& error, NetStream::Tls& tls) {
    const long verdict = ::SSL_get_verify_result(tls.native_handle());
    if (verdict != X509_V_OK) return ::X509_verify_cert_error_string(verdict);
    return error.message();
}

}  // namespace

Error network_error(const boost::system::error_code& error, const Watchdog& watchdog) {
    if (watchdog.reason()) return *watchdog.reason();
    if (error == asio::error::eof || error == ssl::error::stream_truncated)
        return {Errc::io, "the connection was closed", EPIPE, {}};
    if (error.category() == asio::error::get_netdb_category()) return {Errc::cluster, error.message(), 0, {}};
    if (error.category() == asio::error::get_ssl_category())
        return {Errc::auth, "TLS: " + error.message(), 0, {}};
    const bool known = error.category() == boost::system::system_category();
    return {Errc::io, error.message(), known ? error.value() : 0, {}};
}

asio::awaitable<Result<>> dial(Connection& connection, const Route& route, std::shared_ptr<ssl::context> tls,
                               const std::string& verified_name, const Watchdog& watchdog) {
    const bool through_proxy = !route.proxy_url.empty();
    ProxyAddress proxy;
    if (through_proxy) {
        CO_TRY_ASSIGN(proxy, parse_proxy(route.proxy_url));
    }
    const ServerAddress& first = through_proxy ? proxy.address : route.server;
    CO_TRY(co_await connect_tcp(connection, first.host, first.port, route.reach, watchdog));
    if (through_proxy)
        CO_TRY(co_await ask_proxy(connection.stream, route.server, proxy.authorization, watchdog));
    if (!tls) co_return Result<>{};
    NetStream::Tls& stream = connection.stream.start_tls(std::move(tls));
    // RFC 6066, 3: addresses are no server names.
    if (!is_ip(verified_name)) ::SSL_set_tlsext_host_name(stream.native_handle(), verified_name.c_str());
    stream.set_verify_callback(ssl::host_name_verification(verified_name));
    const auto [error] = co_await stream.async_handshake(ssl::stream_base::client, kToken);
    if (error && !watchdog.reason() && error.category() == asio::error::get_ssl_category()) {
        co_return fail(Errc::auth, "TLS: " + last_tls_error(error, stream),
                       "The kubeconfig does not fit this server: write it anew (k3d kubeconfig merge, say).");
    }
    if (error) co_return std::unexpected(network_error(error, watchdog));
    co_return Result<>{};
}

Result<std::shared_ptr<ssl::context>> make_tls_context(const ClusterEntry& cluster,
                                                       const std::string& certificate_pem,
                                                       const std::string& key_pem) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    boost::system::error_code error;
    if (cluster.skip_verify) {
        context->set_verify_mode(ssl::verify_none, error);
    } else {
        context->set_verify_mode(ssl::verify_peer, error);
        if (cluster.ca_pem.empty()) {
            context->set_default_verify_paths(error);
        } else {
            context->add_certificate_authority(asio::buffer(cluster.ca_pem), error);
        }
        if (error)
            return fail(Errc::invalid_input, "kubeconfig: its authority's certificate: " + error.message());
    }
    if (!certificate_pem.empty()) {
        context->use_certificate_chain(asio::buffer(certificate_pem), error);
        if (error) return fail(Errc::invalid_input, "kubeconfig: its client certificate: " + error.message());
        // Without this OpenSSL asks the terminal for the password of a key that has one.
        context->set_password_callback([](std::size_t, auto) { return std::string(); }, error);
        context->use_private_key(asio::buffer(key_pem), ssl::context::pem, error);
        if (error) return fail(Errc::invalid_input, "kubeconfig: its client key: " + error.message());
    }
    return context;
}

}  // namespace synchost::k8s::detail
