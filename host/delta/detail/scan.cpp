#include "host/delta/detail/scan.hpp"

#include <algorithm>
#include <cstring>

namespace synchost::host::delta::detail {
namespace {

// Smaller or larger blocks than the ideal ones are kept as they are, up to four times: then the hashes that
// find the base's blocks are the new signature's too.
bool suits(std::uint32_t block_bytes, std::uint64_t size) {
    const std::uint32_t ideal = block_bytes_for(size);
    return block_bytes <= 4 * ideal && ideal <= 4 * block_bytes && blocks_of(size, block_bytes) <= kMaxBlocks;
}

}  // namespace

Scan::Scan(const Signature& base, std::uint64_t size)
    : size_(size),
      block_bytes_(base.block_bytes),
      growth_(static_cast<std::int64_t>(size) - static_cast<std::int64_t>(base.size)),
      // Of unsigned numbers, and B divides 2^64: right for a negative growth too.
      shift_((size - base.size) % base.block_bytes),
      aligned_(size, base.block_bytes) {
    if (!suits(base.block_bytes, size)) own_.emplace(size, block_bytes_for(size));
}

Result<Scan> Scan::run(const Signature& base, const StableFile& file) {
    Scan scan(base, file.size());
    // In front of each chunk lies the end of the one before: a block of alignment a may cross the border.
    const std::size_t lead = base.block_bytes;
    std::vector<char> buffer(lead + kChunkBytes);
    for (std::uint64_t offset = 0; offset < file.size(); offset += kChunkBytes) {
        TRY_ASSIGN(const std::string_view chunk, file.read_chunk(offset, std::span(buffer).subspan(lead)));
        scan.take({buffer.data(), lead + chunk.size()}, offset, lead, base);
        std::memcpy(buffer.data(), buffer.data() + kChunkBytes, lead);
    }
    return scan;
}

void Scan::take(std::string_view piece, std::uint64_t offset, std::size_t lead, const Signature& base) {
    const std::string_view chunk = piece.substr(lead);
    whole_.update(chunk);
    aligned_.add(chunk);
    if (own_) own_->add(chunk);
    if (shift_ == 0) return;
    if (!shifted_from_) find_first_difference(base);
    if (!shifted_from_) return;
    for (;;) {
        const std::uint64_t start = *shifted_from_ + shifted_.size() * block_bytes_;
        if (start + block_bytes_ > offset + chunk.size()) return;
        shifted_.push_back(
            xxh3_64(piece.substr(static_cast<std::size_t>(start + lead - offset), block_bytes_)));
    }
}

void Scan::find_first_difference(const Signature& base) {
    const auto& strong = aligned_.so_far().strong;
    const std::uint64_t comparable = std::min<std::uint64_t>(strong.size(), base.full_blocks());
    while (equal_blocks_ < comparable && strong[equal_blocks_] == base.strong[equal_blocks_]) ++equal_blocks_;
    if (equal_blocks_ == strong.size()) return;
    // The first block of alignment a that does not start before the difference.
    shifted_from_ = equal_blocks_ * block_bytes_ + shift_;
}

std::optional<std::uint64_t> Scan::strong_at(std::uint64_t offset) const {
    const auto& strong = aligned_.so_far().strong;
    if (offset % block_bytes_ == 0) {
        const std::uint64_t block = offset / block_bytes_;
        if (offset + block_bytes_ > size_ || block >= strong.size()) return std::nullopt;
        return strong[block];
    }
    if (!shifted_from_ || offset < *shifted_from_ || (offset - *shifted_from_) % block_bytes_ != 0)
        return std::nullopt;
    const std::uint64_t block = (offset - *shifted_from_) / block_bytes_;
    if (block >= shifted_.size()) return std::nullopt;
    return shifted_[block];
}

Signature Scan::take_signature() && {
    return std::move(own_ ? *own_ : aligned_).finish(whole_.value());
}

}  // namespace synchost::host::delta::detail
