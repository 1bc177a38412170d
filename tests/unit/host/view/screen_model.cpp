#include "screen_model.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

namespace synchost::host::test {

void ScreenModel::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t length = 1;
        const auto first = static_cast<unsigned char>(bytes.front());
        if (first == '\x1b') {
            length = sequence(bytes);
        } else if (first == '\n') {
            newline();
        } else if (first == '\r') {
            column_ = row_in_line() * width_;
            is_full_ = false;
        } else if (first >= 0x20) {
            while (length < bytes.size() && (static_cast<unsigned char>(bytes[length]) & 0xC0U) == 0x80)
                ++length;
            put(std::string(bytes.substr(0, length)));
        } else if (first != '\a') {
            throw std::runtime_error("a control character that this terminal does not know");
        }
        bytes.remove_prefix(length);
    }
}

void ScreenModel::resize(std::size_t width, std::size_t height) {
    width_ = width;
    height_ = height;
    is_full_ = column_ > 0 && column_ == lines_[line_].size() && column_ % width_ == 0;
    top_ = cursor_row() < height_ ? 0 : cursor_row() - height_ + 1;
}

std::vector<std::string> ScreenModel::lines() const {
    std::vector<std::string> out;
    for (const Line& line : lines_) {
        std::string& text = out.emplace_back();
        for (const std::string& point : line) text += point;
    }
    return out;
}

std::size_t ScreenModel::rows_of(const Line& line) const {
    return std::max<std::size_t>(1, (line.size() + width_ - 1) / width_);
}

std::size_t ScreenModel::row_in_line() const {
    return (is_full_ ? column_ - 1 : column_) / width_;
}

std::size_t ScreenModel::cursor_row() const {
    std::size_t row = row_in_line();
    for (std::size_t i = 0; i < line_; ++i) row += rows_of(lines_[i]);
    return row;
}

std::size_t ScreenModel::sequence(std::string_view bytes) {
    const std::size_t end = bytes.find_first_not_of("0123456789;", 2);
    if (!bytes.starts_with("\x1b[") || end == std::string_view::npos)
        throw std::runtime_error("a sequence that this terminal does not know");
    Line& line = lines_[line_];
    switch (bytes[end]) {
        case 'A':
            up(std::stoul(std::string(bytes.substr(2, end - 2))));
            break;
        case 'J':
            line.resize(std::min(line.size(), column_));
            lines_.resize(line_ + 1);
            break;
        case 'K':
            if (row_in_line() + 1 < rows_of(line)) {
                const auto begin = line.begin() + static_cast<std::ptrdiff_t>(column_);
                std::fill(begin, begin + static_cast<std::ptrdiff_t>(width_ - column_ % width_), " ");
            } else {
                line.resize(std::min(line.size(), column_));
            }
            break;
        case 'm':
            break;
        default:
            throw std::runtime_error("a sequence that this terminal does not know");
    }
    return end + 1;
}

void ScreenModel::put(std::string code_point) {
    Line& line = lines_[line_];
    if (line.size() <= column_) line.resize(column_ + 1, " ");
    line[column_++] = std::move(code_point);
    is_full_ = column_ % width_ == 0;
    top_ = std::max(top_, cursor_row() < height_ ? 0 : cursor_row() - height_ + 1);
}

// As a terminal in its usual mode: to the beginning of the next row.
void ScreenModel::newline() {
    const std::size_t row = row_in_line();
    is_full_ = false;
    if (row + 1 < rows_of(lines_[line_])) {
        column_ = (row + 1) * width_;
    } else {
        if (++line_ == lines_.size()) lines_.emplace_back();
        column_ = 0;
    }
    top_ = std::max(top_, cursor_row() < height_ ? 0 : cursor_row() - height_ + 1);
}

void ScreenModel::up(std::size_t rows) {
    const std::size_t in_row = is_full_ ? width_ - 1 : column_ % width_;
    const std::size_t now = cursor_row();
    std::size_t row = std::max(top_, now < rows ? 0 : now - rows);
    is_full_ = false;
    line_ = 0;
    while (row >= rows_of(lines_[line_])) row -= rows_of(lines_[line_++]);
    column_ = row * width_ + in_row;
}

TestTerminal::TestTerminal(std::size_t width, std::size_t height)
    : outer_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)), screen_(width, height) {
    std::array<char, 64> name{};
    if (!outer_ || ::grantpt(outer_.get()) != 0 || ::unlockpt(outer_.get()) != 0 ||
        ::ptsname_r(outer_.get(), name.data(), name.size()) != 0)
        throw std::runtime_error("no pseudo terminal");
    inner_ = Fd(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!inner_) throw std::runtime_error("no pseudo terminal");
    set_size(width, height);
}

void TestTerminal::set_size(std::size_t width, std::size_t height) {
    winsize size{};
    size.ws_col = static_cast<unsigned short>(width);
    size.ws_row = static_cast<unsigned short>(height);
    if (::ioctl(outer_.get(), TIOCSWINSZ, &size) != 0) throw std::runtime_error("no size is taken");
}

void TestTerminal::resize(std::size_t width, std::size_t height) {
    take();
    set_size(width, height);
    screen_.resize(width, height);
}

// A bell marks how far there is something to read: the kernel passes the bytes on in its own time.
void TestTerminal::take() {
    if (::write(inner_.get(), "\a", 1) != 1) throw std::runtime_error("the terminal takes nothing");
    std::array<char, 4096> buffer{};
    for (bool is_over = false; !is_over;) {
        const ssize_t length = ::read(outer_.get(), buffer.data(), buffer.size());
        if (length <= 0) throw std::runtime_error("the terminal gives nothing");
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(length));
        is_over = bytes.ends_with('\a');
        screen_.feed(bytes);
        bytes_ += bytes;
    }
    std::erase(bytes_, '\a');
}

}  // namespace synchost::host::test
