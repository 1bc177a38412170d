// Who answers on a port of this machine: whether a connection is taken, and with what status an HTTP server
// answers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synchost::host::detail {

// `host` is 127.0.0.1, ::1, or localhost, which stands for both: a server may listen on either.
[[nodiscard]] boost::asio::awaitable<bool> takes_connection(std::string host, std::uint16_t port,
                                                            std::chrono::milliseconds limit);

// The status of the answer to a GET; nothing where none comes in time. The rest of the answer is not read.
[[nodiscard]] boost::asio::awaitable<std::optional<int>> http_status(std::string host, std::uint16_t port,
                                                                     std::string path,
                                                                     std::chrono::milliseconds limit);

// Of "HTTP/1.1 200 OK\r\n" (RFC 9112, 4): 100 to 599, or nothing. Pure; the bytes are anybody's.
[[nodiscard]] std::optional<int> parse_status_line(std::string_view bytes);

}  // namespace synchost::host::detail
