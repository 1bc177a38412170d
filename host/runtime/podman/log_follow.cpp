#include "host/runtime/podman/log_follow.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/file.hpp"
#include "base/log.hpp"

namespace synchost::host::podman {
namespace {

constexpr std::chrono::milliseconds kGather{10};
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
constexpr int kPiecesAtOnce = 16;  // of one file, so that a chatty container does not silence the others

}  // namespace

Result<> LogFollower::start(std::function<void(const LogLine&)> on_line) {
    const std::lock_guard lock(mutex_);
    if (thread_.joinable()) return {};
    Fd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify) {
        return fail(Errc::io, "logs: inotify: " + std::string(std::strerror(errno)),
                    "Raise the limit: sudo sysctl fs.inotify.max_user_instances=512");
    }
    Fd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!wake) return fail_errno("logs: eventfd");
    inotify_ = std::move(inotify);
    wake_ = std::move(wake);
    for (File& file : files_) TRY(watch(file));
    on_line_ = std::move(on_line);
    stop_ = false;
    thread_ = std::thread([this] { run(); });
    return {};
}

Result<> LogFollower::add(LogOrigin origin, const std::filesystem::path& file) {
    return follow({.origin = std::move(origin), .path = file});
}

Result<> LogFollower::add_ended(LogOrigin origin, const std::filesystem::path& file) {
    return follow({.origin = std::move(origin), .path = file, .ending = true, .comes_first = true});
}

Result<> LogFollower::follow(File file) {
    TRY_ASSIGN(file.fd, open_file(file.path, O_RDONLY));
    const std::lock_guard lock(mutex_);
    if (inotify_) TRY(watch(file));
    files_.push_back(std::move(file));
    wake();
    return {};
}

// By its descriptor: the name may be another file's by now.
Result<> LogFollower::watch(File& file) const {
    const std::string by_descriptor = "/proc/self/fd/" + std::to_string(file.fd.get());
    file.watch = ::inotify_add_watch(inotify_.get(), by_descriptor.c_str(), IN_MODIFY | IN_ATTRIB);
    if (file.watch < 0) return fail_errno("logs: " + file.path.native());
    return {};
}

void LogFollower::remove(const std::string& pod) {
    const std::lock_guard lock(mutex_);
    for (File& file : files_) file.ending = file.ending || file.origin.pod == pod;
    if (!thread_.joinable())
        std::erase_if(files_, [](const File& file) { return file.ending && !file.comes_first; });
    wake();
}

void LogFollower::stop() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        wake();
    }
    if (thread_.joinable()) thread_.join();
    files_.clear();
    inotify_.reset();
    wake_.reset();
}

void LogFollower::wake() const {
    if (wake_) (void)::eventfd_write(wake_.get(), 1);
}

// True where the file was replaced, and the one in its place is open now.
bool LogFollower::take_place(File& file) const {
    struct stat info{};
    if (::fstat(file.fd.get(), &info) != 0 || info.st_nlink > 0) return false;
    std::array<char, 1> more;
    if (::pread(file.fd.get(), more.data(), 1, ::lseek(file.fd.get(), 0, SEEK_CUR)) != 0) return false;
    auto next = open_file(file.path, O_RDONLY);
    if (!next) return false;  // its container was removed
    (void)::inotify_rm_watch(inotify_.get(), file.watch);
    file.fd = *std::move(next);
    if (auto watched = watch(file); !watched)
        log(LogLevel::warn, "podman", "log_not_watched", {{"error", watched.error().message}});
    return true;
}

std::vector<LogLine> LogFollower::read_all_files() {
    std::vector<LogLine> out;
    static thread_local std::array<char, kPieceBytes> piece;
    for (File& file : files_) {
        ssize_t got = 1;
        for (int i = 0; i < kPiecesAtOnce; ++i) {
            got = ::read(file.fd.get(), piece.data(), piece.size());
            if (got <= 0 && take_place(file)) continue;
            if (got <= 0) break;
            for (ContainerLine& line : file.lines.feed({piece.data(), static_cast<std::size_t>(got)})) {
                out.push_back({file.origin.workload, file.origin.pod, file.origin.container,
                               std::move(line.text), line.error_stream, line.time_ns, file.origin.source});
            }
        }
        if (file.comes_first && got > 0) return out;  // the rest of it, too, before the others
        if (file.ending && got <= 0) {
            (void)::inotify_rm_watch(inotify_.get(), file.watch);
            file.fd.reset();
        }
    }
    std::erase_if(files_, [](const File& file) { return !file.fd; });
    return out;
}

// Until a file has grown, or wake(). Lines that come one by one are read some at a time.
void LogFollower::wait() {
    std::array<pollfd, 2> sources{{{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    (void)::poll(sources.data(), sources.size(), -1);
    if (sources[1].revents == 0) (void)::poll(&sources[1], 1, static_cast<int>(kGather.count()));
    std::array<char, 4096> events;
    while (::read(inotify_.get(), events.data(), events.size()) > 0) continue;
    eventfd_t ignored = 0;
    (void)::eventfd_read(wake_.get(), &ignored);
}

void LogFollower::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        const bool last = stop_;
        const auto lines = read_all_files();
        lock.unlock();
        for (const LogLine& line : lines) on_line_(line);
        if (last && lines.empty()) return;
        if (lines.empty()) wait();
        lock.lock();
    }
}

}  // namespace synchost::host::podman
