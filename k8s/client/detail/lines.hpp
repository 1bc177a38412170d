// A stream of bytes cut into lines, whatever pieces it comes in: events of a watch, lines of a log. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::k8s::detail {

class Lines {
  public:
    enum class Longer : std::uint8_t { cut, refuse };  // what becomes of a line of more than `max_bytes`
    using OnLine = std::function<Result<>(std::string_view line)>;

    Lines(std::size_t max_bytes, Longer longer) : max_bytes_(max_bytes), longer_(longer) {}

    // Every line that ends in these bytes, without its newline. An error of `on_line` is returned at once;
    // protocol for a line that is longer than allowed, where that is refused.
    Result<> take(std::string_view bytes, const OnLine& on_line);
    // What stands behind the last newline.
    [[nodiscard]] const std::string& rest() const { return line_; }

  private:
    std::size_t max_bytes_;
    Longer longer_;
    std::string line_;
};

}  // namespace synchost::k8s::detail
