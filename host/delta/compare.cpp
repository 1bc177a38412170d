#include "host/delta/compare.hpp"

#include <algorithm>
#include <span>

#include "host/delta/detail/matcher.hpp"
#include "host/delta/detail/scan.hpp"
#include "host/delta/detail/stable_file.hpp"
#include "host/delta/sign.hpp"

namespace synchost::host::delta {
namespace {

// The file is read once more here, so each block that an insert touches is hashed again: a write that came
// between, too fast for the file's times to tell, must not pass.
Result<std::string> read_inserts(const Comparison& comparison, const detail::StableFile& file) {
    std::string out;
    out.reserve(static_cast<std::size_t>(comparison.insert_bytes));
    const std::uint64_t block_bytes = comparison.signature.block_bytes;
    std::vector<char> buffer(block_bytes);
    for (const Instruction& instruction : comparison.instructions) {
        if (instruction.kind != Instruction::Kind::insert) continue;
        const std::uint64_t end = instruction.offset + instruction.length;
        for (std::uint64_t at = instruction.offset; at < end;) {
            const std::uint64_t block = at / block_bytes;
            TRY_ASSIGN(const std::string_view bytes, file.read_chunk(block * block_bytes, buffer));
            if (xxh3_64(bytes) != comparison.signature.strong[block]) return detail::changed();
            const std::uint64_t until = std::min(end, (block + 1) * block_bytes);
            out += bytes.substr(static_cast<std::size_t>(at % block_bytes), until - at);
            at = until;
        }
    }
    return out;
}

Result<Comparison> only_insert(int fd) {
    Comparison out;
    TRY_ASSIGN(out.signature, sign(fd));
    out.insert_bytes = out.signature.size;
    if (out.insert_bytes > 0) out.instructions = {{Instruction::Kind::insert, 0, out.insert_bytes}};
    return out;
}

// The base's blocks are so small for the new content, and so few, that they could explain little of it, and
// the hashes to tell would be many.
bool is_out_of_proportion(const Signature& base, std::uint64_t size) {
    return blocks_of(size, base.block_bytes) > std::uint64_t{4} * kMaxBlocks;
}

}  // namespace

Result<Comparison> compare(const Signature& base, int fd) {
    TRY_ASSIGN(const detail::StableFile file, detail::StableFile::of(fd));
    if (is_out_of_proportion(base, file.size())) return only_insert(fd);
    TRY_ASSIGN(auto scan, detail::Scan::run(base, file));
    Comparison out;
    TRY_ASSIGN(out.instructions, detail::Matcher(base, scan, file).run());
    out.signature = std::move(scan).take_signature();
    for (const Instruction& instruction : out.instructions) {
        if (instruction.kind == Instruction::Kind::insert) out.insert_bytes += instruction.length;
    }
    out.held = out.insert_bytes <= kMaxHeldBytes;
    if (out.held) {
        TRY_ASSIGN(out.inserted, read_inserts(out, file));
    }
    TRY(file.check_unchanged());
    return out;
}

}  // namespace synchost::host::delta
