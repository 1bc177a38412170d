// The one pass over the new content: its whole hash, its signature, and the hashes that tell which of the
// base's blocks lie where. The base's block k starts at k * B there; in the new content it starts
//   at k * B                 where everything before it is equal ("alignment 0": the new signature's blocks);
//   at k * B + (size change) where everything after it is equal ("alignment a", a = size change mod B).
// Both are hashed as the chunk passes, the second only from the first block on that differs: what lies before
// is matched. Example, B = 1000, base of 5000 bytes, 3 inserted at 1500: block 0 is equal, block 1 is not,
// a = 3, and the blocks at 2003, 3003 and 4003 equal the base's 2, 3 and 4.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "host/delta/detail/signer.hpp"
#include "host/delta/detail/stable_file.hpp"

namespace synchost::host::delta::detail {

class Scan {
  public:
    static Result<Scan> run(const Signature& base, const StableFile& file);

    // The hash of one block's length of the new content from `offset` on, where the pass made it.
    [[nodiscard]] std::optional<std::uint64_t> strong_at(std::uint64_t offset) const;
    // The a of alignment a; 0 where both alignments are one.
    [[nodiscard]] std::uint64_t shift() const { return shift_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] std::int64_t growth() const { return growth_; }  // size less the base's size
    // The new content's signature, with the block size that suits it.
    [[nodiscard]] Signature take_signature() &&;

  private:
    Scan(const Signature& base, std::uint64_t size);
    void take(std::string_view piece, std::uint64_t offset, std::size_t lead, const Signature& base);
    void find_first_difference(const Signature& base);

    std::uint64_t size_;
    std::uint64_t block_bytes_;
    std::int64_t growth_;
    std::uint64_t shift_;
    Signer aligned_;
    std::optional<Signer> own_;  // where the base's block size does not suit the new content
    Xxh3Hasher whole_;
    std::uint64_t equal_blocks_ = 0;             // from the start, equal to the base's
    std::optional<std::uint64_t> shifted_from_;  // offset of the first block of alignment a that was hashed
    std::vector<std::uint64_t> shifted_;
};

}  // namespace synchost::host::delta::detail
