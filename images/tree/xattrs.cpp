#include "images/tree/xattrs.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxList = 65'536;  // XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux

// True where it has none for sure: most files, told by listxattrat of Linux 6.13 with no way through /proc.
bool has_none(int folder, const std::string& name) {
    constexpr long kListxattrat = 465;
    const long size = ::syscall(kListxattrat, folder, name.c_str(), AT_SYMLINK_NOFOLLOW, nullptr, 0);
    return size == 0 || (size < 0 && errno == ENOTSUP);
}

}  // namespace

bool carries_xattr(std::string_view name) {
    if (name == "security.capability") return true;
    return name.starts_with("user.") && name.size() > 5 && !name.starts_with("user.overlay.") &&
           !name.contains('=') && !name.contains('\0');
}

Result<std::shared_ptr<const Xattrs>> read_xattrs(const std::string& path) {
    const ssize_t size = ::llistxattr(path.c_str(), nullptr, 0);
    if (size < 0 && errno != ENOTSUP) return fail_errno("extended attributes");
    if (size <= 0) return nullptr;
    std::string names(kMaxList, '\0');
    const ssize_t got = ::llistxattr(path.c_str(), names.data(), names.size());
    if (got < 0) return fail_errno("extended attributes");
    names.resize(static_cast<std::size_t>(got));
    Xattrs out;
    for (std::size_t at = 0; at < names.size();) {
        const std::string name(names.c_str() + at);
        at += name.size() + 1;
        if (!carries_xattr(name)) continue;
        std::string value(kMaxList, '\0');
        const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
        if (length < 0 && errno == ENODATA) continue;
        if (length < 0) return fail_errno("the extended attribute " + printable(name));
        value.resize(static_cast<std::size_t>(length));
        out.emplace(name, std::move(value));
    }
    if (out.empty()) return nullptr;
    return std::make_shared<const Xattrs>(std::move(out));
}

Result<std::shared_ptr<const Xattrs>> read_xattrs(int folder, const std::string& name) {
    if (has_none(folder, name)) return nullptr;
    return read_xattrs("/proc/self/fd/" + std::to_string(folder) + "/" + name);
}

}  // namespace synchost::images
