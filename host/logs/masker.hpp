// Takes secrets out of text before it is kept, printed or sent: every place where one of the values stands
// becomes "[masked]", and places that overlap or touch become one.
//
//     values: abcd, cdef      "x abcdef y"  ─▶  "x [masked] y"
//
// It knows values as they are, not what an app makes of them: base64 of one, say, is not found.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::host {

inline constexpr std::size_t kMinSecretBytes = 4;  // shorter ones stand anywhere by chance

class Masker {
  public:
    Masker() = default;
    // A value of several lines is looked for line by line, as a container writes it; lines of fewer than
    // 8 bytes and the frame of a PEM block are none of it.
    explicit Masker(const std::vector<std::string>& values);
    [[nodiscard]] std::string masked(std::string_view text) const;

  private:
    std::vector<std::string> values_;
    std::array<bool, 256> begins_{};  // whether one begins with this byte
};

}  // namespace synchost::host
