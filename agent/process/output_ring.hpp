// The last bytes of a process's output, for the report of its end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace synchost::agent {

class OutputRing {
  public:
    explicit OutputRing(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}

    void append(std::string_view bytes) {
        text_ += bytes;
        // Dropped in large steps: moving 16 KiB for each line would cost more than the line.
        if (text_.size() <= 2 * capacity_) return;
        text_.erase(0, text_.size() - capacity_);
        cut_ = true;
    }
    // The last bytes, from the beginning of a line where one begins among them.
    [[nodiscard]] std::string last() const {
        std::string_view text = text_;
        if (text.size() <= capacity_ && !cut_) return std::string(text);
        text.remove_prefix(text.size() - std::min(text.size(), capacity_));
        const std::size_t newline = text.find('\n');
        if (newline != std::string_view::npos && newline + 1 < text.size()) text.remove_prefix(newline + 1);
        return std::string(text);
    }
    void clear() {
        text_.clear();
        cut_ = false;
    }

  private:
    std::size_t capacity_;
    std::string text_;
    bool cut_ = false;  // bytes before text_ were dropped
};

}  // namespace synchost::agent
