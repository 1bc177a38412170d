// XXH3 128-bit hashes of file content: fast equality, not security. The wire authenticates bytes by TLS; this
// tells whether what was written is what was meant, and whether two files are equal.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace synchost {

struct Xxh3 {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(const Xxh3&) const = default;
    [[nodiscard]] std::string hex() const;  // 32 digits, high first
};

[[nodiscard]] Xxh3 xxh3(std::string_view bytes);
// XXH3 64-bit: another function, not half of the above. For what is checked again by a whole hash.
[[nodiscard]] std::uint64_t xxh3_64(std::string_view bytes);

// Incremental; value() may be asked at any time.
class Xxh3Hasher {
  public:
    Xxh3Hasher();
    Xxh3Hasher(Xxh3Hasher&&) noexcept;
    Xxh3Hasher& operator=(Xxh3Hasher&&) noexcept;
    ~Xxh3Hasher();
    void update(std::string_view bytes);
    [[nodiscard]] Xxh3 value() const;

  private:
    struct Free {
        void operator()(void* state) const;
    };
    std::unique_ptr<void, Free> state_;
};

}  // namespace synchost
