// A request and its answer as the routing sees them: no socket, no parser of its own. What carries them (a
// unix socket, a loopback port) is http_server.hpp's business.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace synchost::host {

inline constexpr std::size_t kMaxRequestHeadBytes = std::size_t{8} << 10;
inline constexpr std::size_t kMaxRequestBodyBytes = std::size_t{64} << 10;

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// Who is at the other end of a connection, as the kernel tells it.
enum class PeerUser : std::uint8_t {
    same,     // the user of this process, or root
    other,    // another user of this machine
    unknown,  // of another machine, or gone already
};

// Header fields are empty where they were not sent.
struct HttpRequest {
    std::string method;
    std::string target;  // "/api/v1/logs?tail=10", as it was sent
    std::string authorization;
    std::string accept;
    std::string last_event_id;
    std::string body;
    std::string host;
    std::string origin;
    std::string fetch_site;  // Sec-Fetch-Site, -Mode and -Dest: what a browser says of who asks
    std::string fetch_mode;
    std::string fetch_dest;
    std::string if_none_match;
    PeerUser peer = PeerUser::same;
};

struct HttpResponse {
    unsigned status = 200;
    std::string body;          // JSON where the headers name no other type
    HttpHeaders headers = {};  // in place of those that every answer has
};

// A body without a known end. It holds no more than a position in what it reads from, so a client that is
// slow costs no memory: it is told of what it has missed.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    // What there is by now, some 64 KiB at most: empty where there is nothing yet, nullopt at the end.
    virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
    // Until next() may have more.
    virtual boost::asio::awaitable<void> wait() = 0;
    // What keeps a connection on which nothing happens alive; empty where its format has nothing for that.
    [[nodiscard]] virtual std::string heartbeat() const = 0;
};

struct HttpStream {
    std::string content_type;
    std::unique_ptr<ByteSource> source;
    HttpHeaders headers = {};
};

using HttpReply = std::variant<HttpResponse, HttpStream>;

}  // namespace synchost::host
