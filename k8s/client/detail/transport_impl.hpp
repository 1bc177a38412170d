// What the units of the transport share: how a stream to the server comes to be.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/signal.hpp"
#include "k8s/client/detail/net_stream.hpp"
#include "k8s/client/detail/watchdog.hpp"
#include "k8s/client/transport.hpp"
#include "k8s/kubeconfig/credentials.hpp"
#include "k8s/kubeconfig/server_address.hpp"

namespace synchost::k8s {

namespace detail {

inline constexpr auto kToken = boost::asio::as_tuple(boost::asio::use_awaitable);

struct Connection {
    explicit Connection(const boost::asio::any_io_executor& executor)
        : stream(boost::asio::ip::tcp::socket(executor)), closed(std::make_shared<Signal>(executor)) {}
    // What is under way on it ends, a look-up of the server's name included. Never blocks.
    void close() {
        stream.close();
        closed->notify();
    }
    NetStream stream;
    boost::beast::flat_buffer buffer;  // read and not used yet
    std::shared_ptr<Signal> closed;    // or the look-up has ended
};

struct Route {
    const ServerAddress& server;
    const std::string& proxy_url;  // empty: straight
    Reach reach;
};

// Connects, through the proxy where there is one, and shakes hands where `tls` is given. `watchdog` closes
// the connection when it fires.
boost::asio::awaitable<Result<>> dial(Connection& connection, const Route& route,
                                      std::shared_ptr<boost::asio::ssl::context> tls,
                                      const std::string& verified_name, const Watchdog& watchdog);

// Of a read or write on a stream that `watchdog` guards.
Error network_error(const boost::system::error_code& error, const Watchdog& watchdog);

// For one credential's client certificate; `ca_pem` empty means the system's authorities.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const ClusterEntry& cluster,
                                                                    const std::string& certificate_pem,
                                                                    const std::string& key_pem);

}  // namespace detail

class Transport::Impl {
  public:
    Impl(boost::asio::any_io_executor executor, KubeContext context, Reach reach);
    ~Impl();

    boost::asio::awaitable<Result<Credential>> credential();
    // The server took it for nobody's: what comes next is asked for anew, unless it is another one already.
    boost::asio::awaitable<Result<>> reject(Credential refused);
    // A new connection for this credential.
    boost::asio::awaitable<Result<>> connect(detail::Connection& connection, const Credential& credential,
                                             const detail::Watchdog& watchdog);
    // One that was kept for this credential and has not ended since, or nullptr.
    std::unique_ptr<detail::Connection> take_kept(const Credential& credential);
    void keep(std::unique_ptr<detail::Connection> connection);
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> headers(
        const Credential& credential) const;
    [[nodiscard]] std::string host_header() const;
    // With the server's name in front, and what to do about it.
    [[nodiscard]] Error explain(Error error) const;
    // invalid_input for what would not be one line of a request; the address's error where there is none.
    [[nodiscard]] Result<> check_target(const std::string& target) const;
    void close();

    boost::asio::any_io_executor executor;
    KubeContext context;
    Reach reach;
    Result<ServerAddress> address;
    std::string shown;  // the server for messages, without what could be secret
    detail::Kennel kennel;

  private:
    Result<std::shared_ptr<boost::asio::ssl::context>> tls_for(const Credential& credential);

    std::stop_source stop_;             // ends a plugin that runs
    CredentialSource source_;           // on the pool's thread alone, and so is last_
    Credential last_;                   // that source_ gave
    boost::asio::thread_pool pool_{1};  // credential plugins block
    std::string tls_key_;               // the certificate and key that tls_ was made of
    std::shared_ptr<boost::asio::ssl::context> tls_;
    std::vector<std::unique_ptr<detail::Connection>> idle_;
};

}  // namespace synchost::k8s
