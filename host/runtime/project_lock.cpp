#include "host/runtime/project_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>

#include "base/file.hpp"

namespace synchost::host {

Result<Fd> take_project_lock(const std::filesystem::path& file) {
    TRY_ASSIGN(Fd fd, open_file(file, O_RDWR | O_CREAT, 0600));
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        std::string pid = read_file(file, 64).value_or("");
        while (pid.ends_with('\n')) pid.pop_back();
        return fail(Errc::conflict, "this project is being watched already (pid " + pid + ")",
                    "Stop that one first (kill " + pid + "), or use it.");
    }
    if (ftruncate(fd.get(), 0) != 0) return fail_errno("write " + file.native());
    TRY(write_all(fd.get(), std::to_string(getpid()) + "\n"));
    return fd;
}

}  // namespace synchost::host
