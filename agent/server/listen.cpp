#include "agent/server/listen.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/rel_path.hpp"

namespace synchost::agent {
namespace {

constexpr int kBacklog = 128;

Result<sockaddr_un> unix_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path) {
        return fail(Errc::invalid_input,
                    printable(path.native()) + ": longer than the 107 bytes of a socket's path");
    }
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<NumericAddress> parse_numeric_address(std::string_view text) {
    const auto refuse = [&] {
        return fail(Errc::invalid_input,
                    "\"" + printable(text.substr(0, 100)) + "\" is not a numeric address with a port",
                    "Write it as 127.0.0.1:8080 or [::1]:8080.");
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return refuse();
    std::string_view ip = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const bool bracketed = ip.starts_with('[') && ip.ends_with(']');
    if (bracketed) ip = ip.substr(1, ip.size() - 2);
    NumericAddress address{std::string(ip), 0};
    in6_addr bytes{};
    if (::inet_pton(bracketed ? AF_INET6 : AF_INET, address.ip.c_str(), &bytes) != 1) return refuse();
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size()) return refuse();
    return address;
}

Result<Fd> connect_unix(const std::filesystem::path& path, int timeout_ms) {
    TRY_ASSIGN(const sockaddr_un address, unix_address(path));
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return fail_errno("socket");
    const timeval timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (::connect(fd.get(), generic(address), sizeof address) != 0)
        return fail_errno(printable(path.native()));
    return fd;
}

Result<Fd> listen_unix(const std::filesystem::path& path, mode_t mode) {
    const std::string shown = "listen on " + printable(path.native());
    TRY_ASSIGN(const sockaddr_un address, unix_address(path));
    if (connect_unix(path, 100)) {
        return fail(Errc::conflict, shown + ": somebody listens there already", "Stop the other agent.");
    }
    ::unlink(path.c_str());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno(shown);
    const mode_t before = ::umask(0777);  // no moment in which it is more open than `mode`
    const int bound = ::bind(fd.get(), generic(address), sizeof address);
    ::umask(before);
    if (bound != 0 || ::chmod(path.c_str(), mode) != 0 || ::listen(fd.get(), kBacklog) != 0)
        return fail_errno(shown);
    return fd;
}

Result<Fd> listen_tcp(const NumericAddress& address) {
    const std::string shown = "listen on " + address.ip + ":" + std::to_string(address.port);
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    v4.sin_family = AF_INET;
    v6.sin6_family = AF_INET6;
    v4.sin_port = v6.sin6_port = htons(address.port);
    const bool is_v4 = ::inet_pton(AF_INET, address.ip.c_str(), &v4.sin_addr) == 1;
    if (!is_v4 && ::inet_pton(AF_INET6, address.ip.c_str(), &v6.sin6_addr) != 1)
        return fail_errno(shown, EINVAL);
    Fd fd(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno(shown);
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto* generic_address =
        is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
    const auto size = static_cast<socklen_t>(is_v4 ? sizeof v4 : sizeof v6);
    if (::bind(fd.get(), generic_address, size) != 0 || ::listen(fd.get(), kBacklog) != 0)
        return fail_errno(shown);
    return fd;
}

Result<uid_t> peer_uid(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return fail_errno("SO_PEERCRED");
    return credentials.uid;
}

}  // namespace synchost::agent
