#include "host/delta/detail/signer.hpp"

#include "host/delta/detail/rolling.hpp"

namespace synchost::host::delta::detail {

Signer::Signer(std::uint64_t size, std::uint32_t block_bytes) {
    signature_.size = size;
    signature_.block_bytes = block_bytes;
    const auto blocks = static_cast<std::size_t>(blocks_of(size, block_bytes));
    signature_.strong.reserve(blocks);
    signature_.weak.reserve(blocks);
    signature_.anchor.reserve(blocks);
}

void Signer::add(std::string_view piece) {
    while (!piece.empty()) {
        const std::string_view block = piece.substr(0, signature_.block_bytes);
        add_block(block);
        piece.remove_prefix(block.size());
    }
}

void Signer::add_block(std::string_view block) {
    signature_.strong.push_back(xxh3_64(block));
    const std::size_t step = signature_.block_bytes / kAnchorsPerBlock;
    static_assert(kMinBlockBytes / kAnchorsPerBlock >= kWindowBytes);
    std::uint8_t anchor = kNoAnchor;
    std::uint32_t weak = 0;
    for (std::uint8_t i = 0; block.size() == signature_.block_bytes && i < kAnchorsPerBlock; ++i) {
        const std::string_view window = block.substr(i * step, kWindowBytes);
        if (is_periodic(window.data())) continue;
        anchor = i;
        weak = weak_of(roll_all(window));
        break;
    }
    signature_.anchor.push_back(anchor);
    signature_.weak.push_back(weak);
}

Signature Signer::finish(const Xxh3& whole) && {
    signature_.hash = whole;
    return std::move(signature_);
}

}  // namespace synchost::host::delta::detail
