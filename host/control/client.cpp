#include "host/control/client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "host/control/detail/socket_name.hpp"
#include "host/control/status.hpp"

namespace synchost::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kSubject = "synchost watch";

Result<Fd> connect_to(const std::filesystem::path& path) {
    TRY_ASSIGN(const detail::SocketName name, detail::socket_name(path));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.path.c_str(), name.path.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return fail_errno("socket");
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    if (errno != ENOENT && errno != ECONNREFUSED) return fail_errno(printable(path.native()));
    return fail(Errc::not_found, "no `synchost watch` runs for this project",
                "Start one in its folder: synchost watch");
}

Result<> wait_readable(int fd, Clock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0)
            return fail(Errc::timeout, std::string(kSubject) + " does not answer",
                        "Try again, or restart it.");
        pollfd item{fd, POLLIN, 0};
        const int ready = ::poll(&item, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return fail_errno("poll");
    }
}

}  // namespace

Result<std::string> ask_watch(const std::filesystem::path& socket, ControlRequest request,
                              std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    TRY_ASSIGN(const Fd fd, connect_to(socket));
    TRY(write_all(fd.get(), to_line(request)));
    std::string answer;
    std::array<char, 65'536> buffer;
    while (!answer.ends_with('\n')) {
        TRY(wait_readable(fd.get(), deadline));
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno("read");
        if (got == 0)
            return fail(Errc::protocol, std::string(kSubject) + " closed the stream without an answer");
        answer.append(buffer.data(), static_cast<std::size_t>(got));
        if (answer.size() > kMaxStatusBytes)
            return fail(Errc::protocol, std::string(kSubject) + " says more than it may");
    }
    answer.pop_back();
    return answer;
}

}  // namespace synchost::host
