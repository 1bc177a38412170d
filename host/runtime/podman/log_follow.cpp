#include "host/runtime/podman/log_follow.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/file.hpp"

namespace synchost::host::podman {
namespace {

constexpr std::chrono::milliseconds kLookAgain{50};
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
constexpr int kPiecesAtOnce = 16;  // of one file, so that a chatty container does not silence the others

}  // namespace

void LogFollower::start(std::function<void(const LogLine&)> on_line) {
    const std::lock_guard lock(mutex_);
    if (thread_.joinable()) return;
    on_line_ = std::move(on_line);
    stop_ = false;
    thread_ = std::thread([this] { run(); });
}

Result<> LogFollower::add(const std::string& pod, const std::string& container,
                          const std::filesystem::path& file) {
    TRY_ASSIGN(Fd fd, open_file(file, O_RDONLY));
    const std::lock_guard lock(mutex_);
    files_.push_back({.pod = pod, .container = container, .fd = std::move(fd), .lines = {}});
    return {};
}

void LogFollower::remove(const std::string& pod) {
    const std::lock_guard lock(mutex_);
    for (File& file : files_) file.ending = file.ending || file.pod == pod;
    if (!thread_.joinable()) std::erase_if(files_, [](const File& file) { return file.ending; });
}

void LogFollower::stop() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
    files_.clear();
}

std::vector<LogLine> LogFollower::read_all_files() {
    std::vector<LogLine> out;
    static thread_local std::array<char, kPieceBytes> piece;
    for (File& file : files_) {
        ssize_t got = 1;
        for (int i = 0; i < kPiecesAtOnce && got > 0; ++i) {
            got = ::read(file.fd.get(), piece.data(), piece.size());
            if (got <= 0) break;
            for (ContainerLine& line : file.lines.feed({piece.data(), static_cast<std::size_t>(got)})) {
                out.push_back({file.pod, file.container, std::move(line.text), line.error_stream});
            }
        }
        if (file.ending && got <= 0) file.fd.reset();
    }
    std::erase_if(files_, [](const File& file) { return !file.fd; });
    return out;
}

void LogFollower::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        const bool last = stop_;
        const auto lines = read_all_files();
        lock.unlock();
        for (const LogLine& line : lines) on_line_(line);
        lock.lock();
        if (last && lines.empty()) return;
        if (lines.empty()) changed_.wait_for(lock, kLookAgain, [&] { return stop_; });
    }
}

}  // namespace synchost::host::podman
