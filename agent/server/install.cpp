#include "agent/server/install.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/file.hpp"

namespace synchost::agent {

Result<> install_self(const std::filesystem::path& dir) {
    TRY(make_folders(dir));
    TRY_ASSIGN(const Fd self, open_file("/proc/self/exe", O_RDONLY));
    struct stat info{};
    if (::fstat(self.get(), &info) != 0) return fail_errno("/proc/self/exe");
    TRY_ASSIGN(AtomicFile target, AtomicFile::open(dir / "synchost-agent", 0555));
    for (off_t left = info.st_size; left > 0;) {
        const ssize_t copied = ::sendfile(target.fd(), self.get(), nullptr, static_cast<std::size_t>(left));
        if (copied <= 0) return fail_errno("install into " + dir.native());
        left -= copied;
    }
    return target.commit();
}

}  // namespace synchost::agent
