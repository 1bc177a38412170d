// What remains of a file's content once the content is gone: enough to say which bytes of the next version it
// had already. The content is cut into blocks from its start, all of `block_bytes` but the last, which holds
// what is left; of each block there are 13 bytes, 0.3 % of a 256 MB file:
//
//   strong  XXH3, 64 bits. What is found by it is checked by the receiver with the 128 bits of the whole, and
//           sent whole where that fails: a false match costs time, never content. With 2^28 places compared
//           to 2^16 blocks the chance of one is 2^-20, and nobody gains by making one in a file of his own.
//   anchor  where in the block, in eighths, lies the window of 64 bytes that a search looks for; kNoAnchor
//           where every one of them is periodic: such a window lies at each place of a run of zeros, and
//           would be found there everywhere and mean nothing. Those blocks are found by their neighbours.
//   weak    the rolling hash of that window (detail/rolling.hpp).
//
// rsync's weak sum covers a whole block, so making it means another pass over every byte. The window costs 64
// bytes per block, is as rare in real files, and where it is not, only the search suffers, within its budget.
// There are no hashes of blocks that end where the file ends: compare() cuts the new content at the places
// where the base's blocks must lie if the ends are equal, which needs nothing of the signature.
//
// The form in files, all numbers little-endian:
//   "synchost signature 1\n"  u64 size  u64 high  u64 low  u32 block_bytes  u32 blocks
//   u64 strong[blocks]  u32 weak[blocks]  u8 anchor[blocks]  u64 XXH3 of all before
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/xxh3.hpp"

namespace synchost::host::delta {

// Smaller contents are sent whole: a signature would save less than it costs.
inline constexpr std::uint64_t kSignFromBytes = std::uint64_t{16} << 10;
inline constexpr std::uint32_t kMinBlockBytes = std::uint32_t{1} << 10;
inline constexpr std::uint32_t kMaxBlockBytes = std::uint32_t{1} << 17;
inline constexpr std::uint32_t kMaxBlocks = std::uint32_t{1} << 19;
inline constexpr std::uint64_t kMaxSignedBytes = std::uint64_t{kMaxBlockBytes} * kMaxBlocks;  // 64 GiB
inline constexpr std::uint8_t kNoAnchor = 0xFF;
inline constexpr std::uint32_t kAnchorsPerBlock = 8;

struct Signature {
    std::uint64_t size = 0;  // of the content, in bytes
    Xxh3 hash;               // of the content
    std::uint32_t block_bytes = kMinBlockBytes;
    std::vector<std::uint64_t> strong;
    std::vector<std::uint32_t> weak;
    std::vector<std::uint8_t> anchor;
    bool operator==(const Signature&) const = default;

    [[nodiscard]] std::uint64_t full_blocks() const { return size / block_bytes; }
    [[nodiscard]] std::uint32_t tail_bytes() const { return static_cast<std::uint32_t>(size % block_bytes); }
};

// The block size that a content of this size gets: 1 KiB, doubled until there are at most 65,536 blocks, up
// to 8 KiB (so an edit in 256 MB costs at most two blocks of 4 KiB); from 4 GiB on, doubled until there are
// at most kMaxBlocks.
[[nodiscard]] std::uint32_t block_bytes_for(std::uint64_t size);
[[nodiscard]] std::uint64_t blocks_of(std::uint64_t size,
                                      std::uint32_t block_bytes);  // the last one included

[[nodiscard]] std::string format_signature(const Signature& signature);
// protocol where the bytes are not what format_signature() writes for some content; nothing is allocated
// before the counts are known to fit the bytes that are there.
Result<Signature> parse_signature(std::string_view bytes);
// The longest that format_signature() writes.
inline constexpr std::size_t kMaxSignatureFileBytes = 128 + std::size_t{13} * kMaxBlocks;

}  // namespace synchost::host::delta
