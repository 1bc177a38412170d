#include "host/runtime/host_ports.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <filesystem>
#include <sstream>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/rel_path.hpp"

namespace synchost::host {
namespace {

constexpr std::string_view kListening = "0A";

// The port that was bound; 0 where that failed.
std::uint16_t bind_once(std::uint16_t port) {
    const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (!fd || bind(fd.get(), generic, size) != 0 || getsockname(fd.get(), generic, &size) != 0) return 0;
    return ntohs(address.sin_port);
}

}  // namespace

bool is_free(std::uint16_t port) {
    return bind_once(port) != 0;
}

Result<std::uint16_t> free_port() {
    const std::uint16_t port = bind_once(0);
    if (port == 0) return fail_errno("find a free port on 127.0.0.1");
    return port;
}

std::uint64_t listening_inode(std::string_view table, std::uint16_t port) {
    std::istringstream lines{std::string(table)};
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string slot;
        std::string local;
        std::string skipped;
        std::string state;
        std::uint64_t inode = 0;
        if (!(words >> slot >> local >> skipped >> state) || state != kListening) continue;
        for (int i = 0; i < 5; ++i) words >> skipped;
        if (!(words >> inode)) continue;
        const std::size_t colon = local.rfind(':');
        unsigned found = 0;
        if (colon == std::string::npos) continue;
        std::from_chars(local.data() + colon + 1, local.data() + local.size(), found, 16);
        if (found == port) return inode;
    }
    return 0;
}

std::string holder_of(std::uint16_t port) {
    namespace fs = std::filesystem;
    std::uint64_t inode = 0;
    for (const char* file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        const auto table = read_file(file);
        if (table && inode == 0) inode = listening_inode(*table, port);
    }
    if (inode == 0) return {};
    const std::string wanted = "socket:[" + std::to_string(inode) + "]";
    std::error_code ignored;
    for (const auto& process : fs::directory_iterator("/proc", ignored)) {
        const std::string pid = process.path().filename().native();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        std::error_code unreadable;
        for (const auto& fd : fs::directory_iterator(process.path() / "fd", unreadable)) {
            if (fs::read_symlink(fd.path(), ignored) != wanted) continue;
            auto name = read_file(process.path() / "comm").value_or("");
            while (name.ends_with('\n')) name.pop_back();
            return printable(name) + " (pid " + pid + ")";
        }
    }
    return {};
}

}  // namespace synchost::host
