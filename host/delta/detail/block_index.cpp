#include "host/delta/detail/block_index.hpp"

#include <algorithm>
#include <bit>

#include "host/delta/detail/rolling.hpp"

namespace synchost::host::delta::detail {
namespace {

std::size_t slots_for(std::uint64_t blocks) {
    return std::bit_ceil(std::max<std::size_t>(64, static_cast<std::size_t>(blocks) * 2));
}
// 32 to 64 bits per block, 2^16 (8 KiB) to 2^24 (2 MiB).
std::uint32_t filter_bits(std::uint64_t blocks) {
    const auto log = static_cast<std::uint32_t>(std::bit_width(blocks)) + 5;
    return std::clamp<std::uint32_t>(log, 16, 24);
}

}  // namespace

BlockIndex::BlockIndex(const Signature& base)
    : base_(base),
      mask_(slots_for(base.full_blocks()) - 1),
      filter_shift_(32 - filter_bits(base.full_blocks())),
      filter_((std::size_t{1} << (32 - filter_shift_)) / 64),
      weak_(mask_ + 1),
      strong_(mask_ + 1) {
    const auto blocks = static_cast<std::uint32_t>(base.full_blocks());
    for (std::uint32_t block = 0; block < blocks; ++block) {
        add_strong(block);
        if (base.anchor[block] != kNoAnchor) add_weak(base.weak[block], base.anchor[block]);
    }
}

void BlockIndex::add_strong(std::uint32_t block) {
    const std::uint64_t strong = base_.strong[block];
    for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
        std::uint32_t& slot = strong_[(strong + probe) & mask_];
        if (slot == 0) slot = block + 1;
        if (base_.strong[slot - 1] == strong) return;
    }
}

void BlockIndex::add_weak(std::uint32_t weak, std::uint8_t anchor) {
    for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
        WeakSlot& slot = weak_[(weak + probe) & mask_];
        if (slot.anchors != 0 && slot.weak != weak) continue;
        slot.weak = weak;
        slot.anchors = static_cast<std::uint8_t>(slot.anchors | (1U << anchor));
        const std::uint32_t bit = weak >> filter_shift_;
        filter_[bit / 64] |= std::uint64_t{1} << (bit % 64);
        return;
    }
}

std::size_t BlockIndex::next_candidate(std::string_view bytes, std::size_t from, std::uint64_t& hash) const {
    const std::uint64_t* const filter = filter_.data();
    const std::uint32_t shift = filter_shift_ + 32;
    std::uint64_t rolled = hash;
    for (; from < bytes.size(); ++from) {
        rolled = roll(rolled, bytes[from]);
        const std::uint64_t bit = rolled >> shift;
        if (((filter[bit / 64] >> (bit % 64)) & 1) != 0) break;
    }
    hash = rolled;
    return from;
}

std::optional<std::uint64_t> BlockIndex::find(std::uint64_t strong) const {
    for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
        const std::uint32_t slot = strong_[(strong + probe) & mask_];
        if (slot == 0) return std::nullopt;
        if (base_.strong[slot - 1] == strong) return slot - 1;
    }
    return std::nullopt;
}

std::uint8_t BlockIndex::anchors_of(std::uint32_t weak) const {
    for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
        const WeakSlot& slot = weak_[(weak + probe) & mask_];
        if (slot.anchors == 0) return 0;
        if (slot.weak == weak) return slot.anchors;
    }
    return 0;
}

}  // namespace synchost::host::delta::detail
