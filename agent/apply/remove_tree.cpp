#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "agent/apply/transaction.hpp"

namespace synchost::agent {
namespace {

constexpr int kMaxDepth = 256;

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

Result<> remove_below(int folder, const std::string& name, int depth);

Result<> empty_folder(int folder, const std::string& name, int depth) {
    if (depth >= kMaxDepth) return fail_errno(printable(name), ELOOP);
    const int fd = ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fail_errno(printable(name));
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd));
    if (dir == nullptr) {
        ::close(fd);
        return fail_errno(printable(name));
    }
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view child = entry->d_name;
        if (child == "." || child == "..") continue;
        if (auto removed = remove_below(fd, std::string(child), depth + 1); !removed) {
            return std::unexpected(std::move(removed).error());
        }
    }
    return {};
}

Result<> remove_below(int folder, const std::string& name, int depth) {
    if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return fail_errno(printable(name));
    if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    if (errno != ENOTEMPTY && errno != EEXIST) return fail_errno(printable(name));
    TRY(empty_folder(folder, name, depth));
    if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0) return fail_errno(printable(name));
    return {};
}

}  // namespace

Result<> remove_tree(int folder, const std::string& name) {
    return remove_below(folder, name, 0);
}

}  // namespace synchost::agent
