#include "images/exec/detail/beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <system_error>

namespace synchost::images::detail {

Fd open_beneath(int folder, const std::string& path, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    const char* name = path.empty() ? "." : path.c_str();
    return Fd(static_cast<int>(::syscall(SYS_openat2, folder, name, &how, sizeof how)));
}

void remove_tree(const std::filesystem::path& path) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

bool is_whiteout(int folder, const char* name) {
    struct stat info{};
    return ::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(info.st_mode) &&
           info.st_rdev == 0;
}

}  // namespace synchost::images::detail
