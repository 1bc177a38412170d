// Output in any pieces as lines. Bytes are kept as they are, but for the newline; a line that is longer than
// kMaxStepLineBytes comes in pieces of that length. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace synchost::host::detail {

inline constexpr std::size_t kMaxStepLineBytes = std::size_t{16} << 10;

class OutputLines {
  public:
    using Sink = std::function<void(std::string_view line)>;

    explicit OutputLines(Sink sink) : sink_(std::move(sink)) {}
    void feed(std::string_view bytes);
    void finish();  // a last line without its newline

  private:
    Sink sink_;
    std::string partial_;
    bool cut_ = false;  // the piece before was full
};

}  // namespace synchost::host::detail
