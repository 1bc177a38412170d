#include "agent/apply/file_maker.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/file.hpp"

namespace synchost::agent {
namespace {

constexpr std::size_t kFewFiles = 32;  // are made before there is a thread
constexpr std::size_t kMostQueued = 64;
constexpr std::size_t kMostQueuedBytes = std::size_t{1} << 20;

Result<> make_file(const WholeFile& file) {
    if (xxh3(file.content) != file.hash)
        return fail(Errc::protocol, file.shown + ": the content does not have the announced hash");
    const Fd fd(::openat(file.folder->get(), file.name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file.mode));
    if (!fd) return stage_failure(file.shown, errno);
    if (auto written = write_all(fd.get(), file.content); !written)
        return std::unexpected(std::move(written).error().context(file.shown));
    // Writing takes set-user-ID bits away.
    const std::uint32_t to_set = masked_bits() | 07000;
    if ((file.mode & to_set) != 0 && ::fchmod(fd.get(), file.mode) != 0)
        return fail_errno(file.shown + ": chmod");
    return {};
}

}  // namespace

void FileMaker::abandon() {
    {
        const std::lock_guard lock(mutex_);
        files_.clear();
        queued_bytes_ = 0;
    }
    end_thread();
}

Result<> FileMaker::make(WholeFile file) {
    if (++made_ > kFewFiles) {
        if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
        if (queue(file)) return {};
        TRY(state());
    }
    auto made = make_file(file);
    if (!made) fail_with(made.error());
    return made;
}

Result<> FileMaker::finish() {
    end_thread();
    return state();
}

// False where the queue is full, or something has failed.
bool FileMaker::queue(WholeFile& file) {
    bool wakes = false;
    {
        const std::lock_guard lock(mutex_);
        const bool is_full = files_.size() == kMostQueued || queued_bytes_ >= kMostQueuedBytes;
        if (is_full || error_) return false;
        queued_bytes_ += file.content.size();
        files_.push_back(std::move(file));
        wakes = std::exchange(is_waiting_, false);
    }
    if (wakes) wake_.notify_one();
    return true;
}

void FileMaker::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        while (files_.empty() && !ends_) {
            is_waiting_ = true;
            wake_.wait(lock);
        }
        if (files_.empty()) return;
        const WholeFile file = std::move(files_.front());
        files_.pop_front();
        queued_bytes_ -= file.content.size();
        lock.unlock();
        if (auto made = make_file(file); !made) fail_with(std::move(made).error());
        lock.lock();
    }
}

void FileMaker::fail_with(Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    files_.clear();
    queued_bytes_ = 0;
}

Result<> FileMaker::state() {
    const std::lock_guard lock(mutex_);
    return error_ ? Result<>(std::unexpected(*error_)) : Result<>();
}

void FileMaker::end_thread() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    wake_.notify_one();
    thread_.join();
    ends_ = false;
}

std::unexpected<Error> stage_failure(const std::string& shown, int why) {
    auto failure = fail_errno(shown + ": stage", why);
    if (why == EACCES || why == EPERM || why == EROFS) {
        failure.error().next_step =
            "Make the folder writable for the container's user: images that synchost builds are.";
    }
    return failure;
}

std::uint32_t masked_bits() {
    static const mode_t of_process = [] {
        const mode_t before = ::umask(0);
        ::umask(before);
        return before;
    }();
    return of_process;
}

}  // namespace synchost::agent
