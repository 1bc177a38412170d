// The digest of a list of parts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace synchost::images {

// Every part goes in with its length, so that no two lists are the same bytes.
class KeyWriter {
  public:
    KeyWriter& add(std::string_view part) {
        hash_.update(std::to_string(part.size()) + ":");
        hash_.update(part);
        return *this;
    }
    KeyWriter& add(std::uint64_t number) { return add(std::to_string(number)); }
    [[nodiscard]] Digest finish() { return hash_.finish(); }

  private:
    Sha256 hash_;
};

}  // namespace synchost::images
