// The pre-shared key of a project and namespace: 32 random bytes, as 64 hex digits and a newline in a 0600
// file on the host and in a Secret in the cluster. It never appears in a log, an error or a command line.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::protocol {

class PskKey {
  public:
    static Result<PskKey> generate();
    static Result<PskKey> parse(std::string_view text);  // 64 hex digits, surrounding white space allowed
    [[nodiscard]] std::string to_text() const;           // for the key file alone
    [[nodiscard]] const std::array<std::uint8_t, 32>& bytes() const { return bytes_; }

  private:
    std::array<std::uint8_t, 32> bytes_{};
};

}  // namespace synchost::protocol
