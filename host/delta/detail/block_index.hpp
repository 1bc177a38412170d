// Where in the base a block lies, by its strong hash, and where a search may expect one to start, by the
// rolling hash of its anchor. Three tables of a size set at the start:
//   filter  one bit per rolling hash's upper bits, a few percent of them set: what a search asks at each byte
//   weak    rolling hash -> the set of anchors (a bit each) that blocks with it have
//   strong  strong hash -> the first block that has it: a thousand blocks of zeros are one entry
// Open addressing, and nobody looks further than kMaxProbes: a block that finds no place is not found later.
// So neither equal blocks nor made-up hashes of a hostile signature make it slow.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "host/delta/signature.hpp"

namespace synchost::host::delta::detail {

class BlockIndex {
  public:
    explicit BlockIndex(const Signature& base);

    // Rolls on over bytes[from...] until the hash may be one of an anchor: the index of the byte that made it
    // so, or bytes.size(). `hash` is the rolling hash up to there.
    std::size_t next_candidate(std::string_view bytes, std::size_t from, std::uint64_t& hash) const;
    [[nodiscard]] std::uint8_t anchors_of(std::uint32_t weak) const;  // a set of bits; 0 where there is none
    [[nodiscard]] std::optional<std::uint64_t> find(std::uint64_t strong) const;  // a full block's number

  private:
    static constexpr std::size_t kMaxProbes = 32;
    struct WeakSlot {
        std::uint32_t weak = 0;
        std::uint8_t anchors = 0;  // none: the slot is free
    };
    void add_strong(std::uint32_t block);
    void add_weak(std::uint32_t weak, std::uint8_t anchor);

    const Signature& base_;
    std::size_t mask_;
    std::uint32_t filter_shift_;
    std::vector<std::uint64_t> filter_;
    std::vector<WeakSlot> weak_;
    std::vector<std::uint32_t> strong_;  // block + 1; 0 is a free slot
};

}  // namespace synchost::host::delta::detail
