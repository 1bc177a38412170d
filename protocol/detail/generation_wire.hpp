// Codes in the record stream of a generation (PROTOCOL.md, section Record stream); those of records are
// ChangeKind's.
#pragma once

#include <cstdint>

namespace synchost::protocol::detail {

inline constexpr std::uint8_t kInsert = 0x10;  // size:u32 bytes
inline constexpr std::uint8_t kCopy = 0x11;    // offset:u64 length:u64
inline constexpr std::uint8_t kEnd = 0x12;     // hash

}  // namespace synchost::protocol::detail
