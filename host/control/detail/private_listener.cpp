#include "host/control/detail/private_listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/rel_path.hpp"
#include "host/control/detail/socket_name.hpp"

namespace synchost::host::detail {
namespace {

Result<> check_private(const std::filesystem::path& folder) {
    struct stat info{};
    if (::stat(folder.c_str(), &info) != 0) return fail_errno(printable(folder.native()));
    if (info.st_uid == ::geteuid() && (info.st_mode & 077) == 0) return {};
    return fail(Errc::auth, printable(folder.native()) + ": others may enter this folder",
                "Make it yours alone: chmod 700 " + printable(folder.native()));
}

}  // namespace

Result<Fd> listen_private(const std::filesystem::path& path) {
    const std::string shown = "listen on " + printable(path.native());
    TRY(check_private(path.parent_path()));
    TRY_ASSIGN(const SocketName name, socket_name(path));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.path.c_str(), name.path.size());
    ::unlink(path.c_str());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno(shown);
    const bool listens = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                         ::chmod(path.c_str(), 0600) == 0 && ::listen(fd.get(), SOMAXCONN) == 0;
    if (!listens) return fail_errno(shown);
    return fd;
}

bool is_same_user(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace synchost::host::detail
