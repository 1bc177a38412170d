// The last lines of a process's output, for the report of its end: so many lines at most, within a bound of
// bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace synchost::agent {

class OutputRing {
  public:
    OutputRing(std::size_t max_bytes, std::size_t max_lines) : max_bytes_(max_bytes), max_lines_(max_lines) {}

    void append(std::string_view bytes) {
        text_ += bytes;
        // Dropped in large steps: moving all that is kept for each line would cost more than the line.
        if (text_.size() <= 2 * max_bytes_) return;
        text_.erase(0, text_.size() - max_bytes_);
        cut_ = true;
    }
    // From the beginning of a line, where one begins within the bound of bytes.
    [[nodiscard]] std::string last() const {
        std::string_view text = text_;
        if (text.size() > max_bytes_ || cut_) {
            text.remove_prefix(text.size() - std::min(text.size(), max_bytes_));
            const std::size_t newline = text.find('\n');
            if (newline != std::string_view::npos && newline + 1 < text.size())
                text.remove_prefix(newline + 1);
        }
        text.remove_prefix(start_of_lines(text));
        return std::string(text);
    }
    void clear() {
        text_.clear();
        cut_ = false;
    }

  private:
    // Where the last max_lines_ lines of `text` begin. The end of the text ends a line, with a newline or
    // without.
    [[nodiscard]] std::size_t start_of_lines(std::string_view text) const {
        std::size_t newlines = 0;
        for (std::size_t at = text.size() - (text.ends_with('\n') ? 1 : 0); at > 0; --at) {
            if (text[at - 1] == '\n' && ++newlines == max_lines_) return at;
        }
        return 0;
    }

    std::size_t max_bytes_;
    std::size_t max_lines_;
    std::string text_;
    bool cut_ = false;  // bytes before text_ were dropped
};

}  // namespace synchost::agent
