// What of a file's content is new against a version of which only the signature is left.
//
// One pass reads the file and makes its whole hash, its signature and the hashes of detail/scan.hpp. From
// those alone, mostly, detail/matcher.hpp tells which ranges the base has; only where more than some blocks
// are left unexplained is that part read again and searched for the base's blocks at any offset. An edit in
// one place costs the blocks that it touches, at most two, and what was inserted; the rest is named by two
// ranges.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/delta/signature.hpp"

namespace synchost::host::delta {

// Inserted bytes up to this many are held by the Comparison itself.
inline constexpr std::uint64_t kMaxHeldBytes = std::uint64_t{4} << 20;

struct Instruction {
    enum class Kind : std::uint8_t { copy, insert };
    Kind kind = Kind::insert;
    std::uint64_t offset = 0;  // copy: in the base; insert: in the new content
    std::uint64_t length = 0;  // never 0
    bool operator==(const Instruction&) const = default;
};

struct Comparison {
    Signature signature;                    // of the new content; its whole hash is signature.hash
    std::vector<Instruction> instructions;  // one after the other they make the new content
    std::uint64_t insert_bytes = 0;         // of all inserts together
    // The bytes of all inserts, in order, where held: what is sent is then what was hashed, even when the
    // file changes afterwards. Otherwise they are read from the file, at the inserts' offsets, when they are
    // sent.
    bool held = false;
    std::string inserted;
};

// Blocks while it reads. Errors as of sign().
Result<Comparison> compare(const Signature& base, int fd);

}  // namespace synchost::host::delta
