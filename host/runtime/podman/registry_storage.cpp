#include "host/runtime/podman/registry_storage.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/rel_path.hpp"
#include "base/subprocess.hpp"

namespace synchost::host::podman {
namespace {

constexpr std::chrono::minutes kCollectionTime{2};

// The lock file's time is that of the last collection; a new one counts as collected.
bool is_due(int fd, std::chrono::seconds pause) {
    struct stat info{};
    if (::fstat(fd, &info) != 0) return false;
    const auto last = std::chrono::system_clock::from_time_t(info.st_mtime);
    return std::chrono::system_clock::now() - last >= pause;
}

void collect(int fd, const std::filesystem::path& program, const std::filesystem::path& config) {
    const auto done = run_command(
        {.argv = {program.native(), "garbage-collect", config.native()}, .timeout = kCollectionTime});
    if (done && done->exit_code == 0) {
        ::futimens(fd, nullptr);
    } else {
        log(LogLevel::info, "registry", "not_collected",
            {{"error", done ? printable(done->err.substr(0, 300)) : done.error().message}});
    }
}

}  // namespace

Result<Fd> use_registry_storage(const std::filesystem::path& storage, const std::filesystem::path& program,
                                const std::filesystem::path& config, std::chrono::seconds pause) {
    const std::filesystem::path file = storage / "in-use";
    Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return fail_errno(printable(file.native()));
    if (is_due(lock.get(), pause) && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0)
        collect(lock.get(), program, config);
    while (::flock(lock.get(), LOCK_SH) != 0) {
        if (errno != EINTR) return fail_errno(printable(file.native()));
    }
    return lock;
}

}  // namespace synchost::host::podman
