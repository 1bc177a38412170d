#include "host/delta/signature.hpp"

#include <bit>
#include <concepts>

namespace synchost::host::delta {
namespace {

constexpr std::string_view kMagic = "synchost signature 1\n";
constexpr std::size_t kHeaderBytes = kMagic.size() + 3 * 8 + 2 * 4;
constexpr std::size_t kBlockEntryBytes = 8 + 4 + 1;
constexpr std::size_t kChecksumBytes = 8;
static_assert(kHeaderBytes + kChecksumBytes + kBlockEntryBytes * kMaxBlocks <= kMaxSignatureFileBytes);

template <std::unsigned_integral T>
void put(std::string& out, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

// The caller has checked that the bytes are there.
template <std::unsigned_integral T>
T take(std::string_view& bytes) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>(value | static_cast<T>(T{static_cast<unsigned char>(bytes[i])} << (8 * i)));
    }
    bytes.remove_prefix(sizeof(T));
    return value;
}

template <std::unsigned_integral T>
std::vector<T> take_all(std::string_view& bytes, std::size_t count) {
    std::vector<T> out(count);
    for (T& value : out) value = take<T>(bytes);
    return out;
}

std::unexpected<Error> damaged(std::string_view why) {
    return fail(Errc::protocol, "signature: " + std::string(why));
}

}  // namespace

std::uint32_t block_bytes_for(std::uint64_t size) {
    constexpr std::uint64_t kFewBlocks = std::uint64_t{1} << 16;
    constexpr std::uint32_t kMaxBlockOfFew = std::uint32_t{1} << 13;
    std::uint32_t block_bytes = kMinBlockBytes;
    while (block_bytes < kMaxBlockOfFew && size > kFewBlocks * block_bytes) block_bytes *= 2;
    while (block_bytes < kMaxBlockBytes && size > std::uint64_t{kMaxBlocks} * block_bytes) block_bytes *= 2;
    return block_bytes;
}

std::uint64_t blocks_of(std::uint64_t size, std::uint32_t block_bytes) {
    return size / block_bytes + (size % block_bytes != 0 ? 1 : 0);
}

std::string format_signature(const Signature& signature) {
    std::string out;
    out.reserve(kHeaderBytes + kBlockEntryBytes * signature.strong.size() + kChecksumBytes);
    out += kMagic;
    put(out, signature.size);
    put(out, signature.hash.high);
    put(out, signature.hash.low);
    put(out, signature.block_bytes);
    put(out, static_cast<std::uint32_t>(signature.strong.size()));
    for (const auto strong : signature.strong) put(out, strong);
    for (const auto weak : signature.weak) put(out, weak);
    for (const auto anchor : signature.anchor) put(out, anchor);
    put(out, xxh3_64(out));
    return out;
}

Result<Signature> parse_signature(std::string_view bytes) {
    if (!bytes.starts_with(kMagic)) return damaged("not one of this version");
    if (bytes.size() < kHeaderBytes + kChecksumBytes) return damaged("shorter than its header");
    std::string_view checksum = bytes.substr(bytes.size() - kChecksumBytes);
    bytes.remove_suffix(kChecksumBytes);
    if (take<std::uint64_t>(checksum) != xxh3_64(bytes)) return damaged("its checksum is wrong");

    bytes.remove_prefix(kMagic.size());
    Signature out;
    out.size = take<std::uint64_t>(bytes);
    out.hash.high = take<std::uint64_t>(bytes);
    out.hash.low = take<std::uint64_t>(bytes);
    out.block_bytes = take<std::uint32_t>(bytes);
    const std::size_t blocks = take<std::uint32_t>(bytes);
    if (!std::has_single_bit(out.block_bytes) || out.block_bytes < kMinBlockBytes ||
        out.block_bytes > kMaxBlockBytes) {
        return damaged("its block size is none that is used");
    }
    if (blocks > kMaxBlocks || blocks != blocks_of(out.size, out.block_bytes))
        return damaged("its number of blocks does not fit its size");
    if (bytes.size() != blocks * kBlockEntryBytes) return damaged("its length does not fit its blocks");

    out.strong = take_all<std::uint64_t>(bytes, blocks);
    out.weak = take_all<std::uint32_t>(bytes, blocks);
    out.anchor = take_all<std::uint8_t>(bytes, blocks);
    for (std::size_t i = 0; i < blocks; ++i) {
        const bool searched = out.anchor[i] != kNoAnchor;
        if (searched ? out.anchor[i] >= kAnchorsPerBlock || i >= out.full_blocks() : out.weak[i] != 0)
            return damaged("a block's anchor is none that is used");
    }
    return out;
}

}  // namespace synchost::host::delta
