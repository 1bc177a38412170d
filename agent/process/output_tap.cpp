#include "agent/process/output_tap.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace synchost::agent {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

constexpr std::size_t kReadBytes = 16384;
constexpr std::size_t kMostInAPipe = std::size_t{1} << 20;  // pipe(7): pipe-max-size

// epoll takes pipes, sockets and terminals; a file is always writable and needs no waiting.
bool can_be_polled(int fd) {
    struct stat info{};
    return ::fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

}  // namespace

Result<std::unique_ptr<OutputTap>> OutputTap::make(boost::asio::any_io_executor executor) {
    std::unique_ptr<OutputTap> tap(new OutputTap(std::move(executor)));
    TRY(tap->open(tap->app_[0], STDOUT_FILENO));
    TRY(tap->open(tap->app_[1], STDERR_FILENO));
    TRY(tap->open_command(tap->command_[0], STDOUT_FILENO));
    TRY(tap->open_command(tap->command_[1], STDERR_FILENO));
    return tap;
}

Result<> OutputTap::open_pipe(Stream& stream) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
    stream.write_end.reset(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    stream.read_end = std::make_unique<Descriptor>(executor_, ends[0]);
    if (can_be_polled(stream.target_fd)) {
        // A copy of the descriptor, because the poller owns it. Its flags stay as they are: they are shared
        // with everybody who has it, and so it is polled and never made non-blocking.
        const int copy = ::fcntl(stream.target_fd, F_DUPFD_CLOEXEC, 0);
        if (copy < 0) return fail_errno("dup");
        stream.target = std::make_unique<Descriptor>(executor_, copy);
    }
    return {};
}

Result<> OutputTap::open(Stream& stream, int target_fd) {
    stream.target_fd = target_fd;
    if (::isatty(target_fd) == 1 || ::fcntl(target_fd, F_GETFD) < 0) return {};
    return open_pipe(stream);
}

Result<> OutputTap::open_command(Stream& stream, int target_fd) {
    stream.target_fd = target_fd;
    stream.also = &command_ring_;
    return open_pipe(stream);
}

ChildStdio OutputTap::stdio() const {
    return {.out = app_[0].write_end ? app_[0].write_end.get() : STDOUT_FILENO,
            .err = app_[1].write_end ? app_[1].write_end.get() : STDERR_FILENO};
}

ChildStdio OutputTap::command_stdio() const {
    return {.out = command_[0].write_end.get(), .err = command_[1].write_end.get()};
}

void OutputTap::start() {
    for (auto* streams : {&app_, &command_}) {
        for (Stream& stream : *streams) {
            if (stream.read_end) wait_readable(stream);
        }
    }
}

void OutputTap::stop() {
    for (auto* streams : {&app_, &command_}) {
        for (Stream& stream : *streams) {
            if (stream.read_end) stream.read_end->cancel();
            if (stream.target) stream.target->cancel();
        }
    }
}

void OutputTap::wait_readable(Stream& stream) {
    stream.read_end->async_wait(Descriptor::wait_read, [this, &stream](boost::system::error_code error) {
        if (error) return;
        read_some(stream);
        write_some(stream, 0);
        if (stream.held_back.empty()) {
            wait_readable(stream);
        } else {
            wait_writable(stream);  // the app waits too, once its pipe is full: as it would without us
        }
    });
}

void OutputTap::wait_writable(Stream& stream) {
    stream.target->async_wait(Descriptor::wait_write, [this, &stream](boost::system::error_code error) {
        if (error) return;
        write_some(stream, 0);
        if (stream.held_back.empty()) {
            wait_readable(stream);
        } else {
            wait_writable(stream);
        }
    });
}

bool OutputTap::read_some(Stream& stream) {
    std::array<char, kReadBytes> buffer;
    const ssize_t got = ::read(stream.read_end->native_handle(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    ring_.append(bytes);
    if (stream.also != nullptr) stream.also->append(bytes);
    stream.held_back += bytes;
    return true;
}

void OutputTap::write_some(Stream& stream, int timeout_ms) {
    std::string& left = stream.held_back;
    while (!left.empty()) {
        if (stream.target) {
            pollfd item{stream.target_fd, POLLOUT, 0};
            if (::poll(&item, 1, timeout_ms) <= 0) return;
        }
        // A pipe that polls writable takes PIPE_BUF bytes without blocking, and no more is promised.
        const std::size_t size = stream.target ? std::min<std::size_t>(left.size(), PIPE_BUF) : left.size();
        const ssize_t put = ::write(stream.target_fd, left.data(), size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            if (errno == EAGAIN && stream.target) return;
            left.clear();  // nobody listens any more; the app goes on
            return;
        }
        left.erase(0, static_cast<std::size_t>(put));
    }
}

void OutputTap::drain(Stream& stream) {
    if (!stream.read_end) return;
    std::size_t left = kMostInAPipe / kReadBytes;  // somebody may go on writing all the while
    do write_some(stream, 200);
    while (left-- > 0 && stream.held_back.empty() && read_some(stream));
}

void OutputTap::drain() {
    for (Stream& stream : app_) drain(stream);
}

std::string OutputTap::end_command() {
    for (Stream& stream : command_) drain(stream);
    return command_ring_.last();
}

}  // namespace synchost::agent
