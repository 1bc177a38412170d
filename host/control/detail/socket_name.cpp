#include "host/control/detail/socket_name.hpp"

#include <fcntl.h>
#include <sys/un.h>

#include "base/file.hpp"
#include "base/rel_path.hpp"

namespace synchost::host::detail {
namespace {

constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;

}  // namespace

Result<SocketName> socket_name(const std::filesystem::path& path) {
    if (path.native().size() <= kMaxSocketPath) return SocketName{path.native(), Fd()};
    TRY_ASSIGN(Fd folder, open_file(path.parent_path(), O_PATH | O_DIRECTORY));
    std::string through = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + path.filename().native();
    if (through.size() > kMaxSocketPath)
        return fail(Errc::invalid_input, printable(path.native()) + ": longer than a socket's name may be");
    return SocketName{std::move(through), std::move(folder)};
}

}  // namespace synchost::host::detail
