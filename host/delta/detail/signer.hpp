// Gathers a signature from a content that comes in pieces.
#pragma once

#include <cstdint>
#include <string_view>

#include "host/delta/signature.hpp"

namespace synchost::host::delta::detail {

class Signer {
  public:
    Signer(std::uint64_t size, std::uint32_t block_bytes);
    // In order; every piece but the last is a multiple of the block size.
    void add(std::string_view piece);
    [[nodiscard]] Signature finish(const Xxh3& whole) &&;
    // What is known so far: the blocks of the pieces that were added.
    [[nodiscard]] const Signature& so_far() const { return signature_; }

  private:
    void add_block(std::string_view block);
    Signature signature_;
};

}  // namespace synchost::host::delta::detail
