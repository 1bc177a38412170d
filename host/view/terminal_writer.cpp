#include "host/view/terminal_writer.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "host/view/cells.hpp"

namespace synchost::host {
namespace {

// Lines that come one by one are followed by the area each time; a flood of them is not slowed down by it.
constexpr std::chrono::milliseconds kWindow{100};
constexpr std::size_t kRepaintsInWindow = 8;

// Sequences of ECMA-48.
constexpr std::string_view kEraseBelow = "\x1b[J";
constexpr std::string_view kEraseToEnd = "\x1b[K";

// From wherever in its row the cursor is: the terminal may have echoed a "^C" there.
std::string up(std::size_t rows) {
    return rows == 0 ? "\r" : fmt::format("\r\x1b[{}A", rows);
}

}  // namespace

TerminalSize terminal_size(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row};
}

bool can_redraw(int fd) {
    const char* terminal = std::getenv("TERM");
    return terminal != nullptr && *terminal != '\0' && std::string_view(terminal) != "dumb" &&
           ::isatty(fd) != 0;
}

bool TerminalWriter::print(std::string_view lines) {
    const std::lock_guard lock(mutex_);
    const TerminalSize size = terminal_size(fd_);
    std::string out = erase(size.width);
    out += lines;
    const bool repaint = area_ && may_repaint();
    if (repaint) {
        size_ = size;
        out += draw(area_(size));
    }
    write(out);
    return repaint || !area_;
}

void TerminalWriter::show(Area area) {
    const std::lock_guard lock(mutex_);
    area_ = std::move(area);
    const TerminalSize size = terminal_size(fd_);
    const bool is_resized = std::exchange(size_, size) != size;
    std::vector<std::string> lines = area_(size);
    write(is_resized || drawn_.empty() ? erase(size.width) + draw(std::move(lines))
                                       : correct(std::move(lines)));
}

void TerminalWriter::close() {
    const std::lock_guard lock(mutex_);
    erase_for_good();
}

void TerminalWriter::try_close() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock.owns_lock()) erase_for_good();
}

void TerminalWriter::erase_for_good() {
    write(erase(terminal_size(fd_).width));
    area_ = {};
}

std::string TerminalWriter::erase(std::size_t width) {
    if (drawn_.empty()) return {};
    std::size_t rows = 0;
    for (const std::string& line : drawn_)
        rows += std::max<std::size_t>(1, (cells_of(line).least + width - 1) / width);
    drawn_.clear();
    return up(rows).append(kEraseBelow);
}

std::string TerminalWriter::draw(std::vector<std::string> lines) {
    drawn_ = std::move(lines);
    std::string out;
    for (const std::string& line : drawn_) out.append(line).append("\n");
    return out;
}

std::string TerminalWriter::correct(std::vector<std::string> lines) {
    const std::vector<std::string> before = std::exchange(drawn_, std::move(lines));
    const auto same = std::ranges::mismatch(before, drawn_);
    if (same.in1 == before.end() && same.in2 == drawn_.end()) return {};
    const auto first = static_cast<std::size_t>(same.in1 - before.begin());
    std::string out = up(before.size() - first);
    for (std::size_t i = first; i < drawn_.size(); ++i) {
        if (i >= before.size() || drawn_[i] != before[i]) out.append(drawn_[i]).append(kEraseToEnd);
        out += '\n';
    }
    if (drawn_.size() < before.size()) out += kEraseBelow;
    return out;
}

bool TerminalWriter::may_repaint() {
    const auto now = std::chrono::steady_clock::now();
    if (now - window_ >= kWindow) {
        window_ = now;
        repaints_ = 0;
    }
    return ++repaints_ <= kRepaintsInWindow;
}

// A terminal that is gone takes nothing, and nobody is there to be told.
void TerminalWriter::write(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
        if (written > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
            ::poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return;
        }
    }
}

}  // namespace synchost::host
