#include "agent/apply/file_writer.hpp"

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

Result<> carry_out(const WholeFile& file) {
    return make_file(file);
}

Result<> carry_out(const FilePiece& piece) {
    auto written = write_all(piece.file->get(), piece.bytes);
    if (!written) return std::unexpected(std::move(written).error().context(piece.shown));
    return {};
}

std::size_t bytes_of(const WholeFile& file) {
    return file.content.size();
}

std::size_t bytes_of(const FilePiece& piece) {
    return piece.bytes.size();
}

}  // namespace

void FileWriter::abandon() {
    {
        const std::lock_guard lock(mutex_);
        tasks_.clear();
        queued_bytes_ = 0;
    }
    end_thread();
}

Result<> FileWriter::make(WholeFile file) {
    if (++made_ > kFewFiles) {
        start();
        if (queue(file)) return {};
        TRY(state());
    }
    auto made = make_file(file);
    if (!made) fail_with(made.error());
    return made;
}

Result<> FileWriter::append(FilePiece piece) {
    start();
    {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return !is_full() || error_; });
        if (!error_) {
            const std::size_t bytes = piece.bytes.size();
            push(std::move(piece), bytes);
        }
    }
    wake_.notify_one();
    return state();
}

std::string FileWriter::buffer() {
    const std::lock_guard lock(mutex_);
    return std::move(free_buffer_);
}

Result<> FileWriter::finish() {
    end_thread();
    return state();
}

void FileWriter::start() {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

bool FileWriter::is_full() const {
    return tasks_.size() == kMostQueued || queued_bytes_ >= kMostQueuedBytes;
}

void FileWriter::push(Task task, std::size_t bytes) {
    queued_bytes_ += bytes;
    tasks_.push_back(std::move(task));
}

// False where the queue is full, or something has failed.
bool FileWriter::queue(WholeFile& file) {
    bool wakes = false;
    {
        const std::lock_guard lock(mutex_);
        if (is_full() || error_) return false;
        const std::size_t bytes = file.content.size();
        push(std::move(file), bytes);
        wakes = std::exchange(is_waiting_, false);
    }
    if (wakes) wake_.notify_one();
    return true;
}

void FileWriter::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        while (tasks_.empty() && !ends_) {
            is_waiting_ = true;
            wake_.wait(lock);
        }
        if (tasks_.empty()) return;
        Task task = std::move(tasks_.front());
        tasks_.pop_front();
        queued_bytes_ -= std::visit([](const auto& what) { return bytes_of(what); }, task);
        lock.unlock();
        room_.notify_one();
        auto done = std::visit([](const auto& what) { return carry_out(what); }, task);
        if (!done) fail_with(std::move(done).error());
        lock.lock();
        if (auto* piece = std::get_if<FilePiece>(&task)) free_buffer_ = std::move(piece->bytes);
    }
}

void FileWriter::fail_with(Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    tasks_.clear();
    queued_bytes_ = 0;
    room_.notify_one();
}

Result<> FileWriter::state() {
    const std::lock_guard lock(mutex_);
    return error_ ? Result<>(std::unexpected(*error_)) : Result<>();
}

void FileWriter::end_thread() {
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
