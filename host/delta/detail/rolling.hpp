// The rolling hash of 64 bytes, and which 64 bytes of a block stand for it.
//
// A gear hash: with each byte the sum is shifted left by one and the byte's random number is added. After 64
// steps a byte has left the 64 bits, so the hash is one of the last 64 bytes, and rolling is a shift, a load
// and an add: no division, no byte to take out. The upper half is used: its lowest bit has seen 33 bytes, its
// highest all 64. The numbers are part of the signature's format: a change of them is a new version.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace synchost::host::delta::detail {

inline constexpr std::size_t kWindowBytes = 64;

// splitmix64 (Steele, Lea, Flood 2014), from 0 on.
constexpr std::array<std::uint64_t, 256> make_gear() {
    std::array<std::uint64_t, 256> gear{};
    std::uint64_t state = 0;
    for (auto& number : gear) {
        state += 0x9E3779B97F4A7C15;
        std::uint64_t z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        number = z ^ (z >> 31);
    }
    return gear;
}
inline constexpr std::array<std::uint64_t, 256> kGear = make_gear();

inline std::uint64_t roll(std::uint64_t hash, char next) {
    return (hash << 1) + kGear[static_cast<unsigned char>(next)];
}
inline std::uint64_t roll_all(std::string_view bytes) {
    std::uint64_t hash = 0;
    for (const char byte : bytes) hash = roll(hash, byte);
    return hash;
}
inline std::uint32_t weak_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32);
}

// True where the window repeats itself every 1 to 32 bytes.
inline bool is_periodic(const char* window) {
    const auto word = [window](std::size_t at) {
        std::uint64_t value = 0;
        std::memcpy(&value, window + at, sizeof value);
        return value;
    };
    const std::uint64_t first = word(0);
    for (std::size_t period = 1; period <= kWindowBytes / 2; ++period) {
        if (word(period) == first && std::memcmp(window, window + period, kWindowBytes - period) == 0)
            return true;
    }
    return false;
}

}  // namespace synchost::host::delta::detail
