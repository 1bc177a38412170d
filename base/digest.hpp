// SHA-256 content addresses as OCI writes them: "sha256:" and 64 lower-case hex digits
// (image-spec descriptor.md, section Digests). Only sha256 is accepted.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost {

class Digest {
  public:
    Digest() = default;  // 32 zero bytes: the address of nothing
    explicit Digest(const std::array<std::uint8_t, 32>& bytes) : bytes_(bytes) {}

    // Untrusted text; invalid_input where it is not exactly "sha256:" and 64 lower-case hex digits.
    static Result<Digest> parse(std::string_view text);

    [[nodiscard]] std::string hex() const;        // 64 digits
    [[nodiscard]] std::string to_string() const;  // "sha256:" + hex()
    [[nodiscard]] std::string short_hex() const { return hex().substr(0, 12); }
    [[nodiscard]] const std::array<std::uint8_t, 32>& bytes() const { return bytes_; }

    auto operator<=>(const Digest&) const = default;

  private:
    std::array<std::uint8_t, 32> bytes_{};
};

// Incremental SHA-256. finish() may be called once.
class Sha256 {
  public:
    Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    ~Sha256();

    void update(std::string_view bytes);
    void update(std::span<const std::byte> bytes);
    [[nodiscard]] Digest finish();

  private:
    struct Free {
        void operator()(void* context) const;
    };
    std::unique_ptr<void, Free> context_;
};

[[nodiscard]] Digest sha256(std::string_view bytes);

}  // namespace synchost
