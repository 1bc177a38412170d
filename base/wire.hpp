// Little-endian fields in and out of a payload. The reader fails once and stays failed: every field after the
// first short one reads as zero, and done() says so, so that a parser is a list of fields and one check at
// its end.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/xxh3.hpp"

namespace synchost {

class WireWriter {
  public:
    explicit WireWriter(std::string& out) : out_(out) {}

    template <std::unsigned_integral T>
    void number(T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i) out_ += static_cast<char>((value >> (8 * i)) & 0xFF);
    }
    // u16 length and the bytes; what exceeds 65,535 bytes is cut off.
    void text(std::string_view text) {
        text = text.substr(0, 0xFFFF);
        number(static_cast<std::uint16_t>(text.size()));
        out_ += text;
    }
    void hash(const Xxh3& hash) {
        number(hash.high);
        number(hash.low);
    }

  private:
    std::string& out_;
};

class WireReader {
  public:
    explicit WireReader(std::string_view bytes) : left_(bytes) {}

    template <std::unsigned_integral T>
    T number() {
        const std::string_view bytes = take(sizeof(T));
        T value = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            value = static_cast<T>(
                value | static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i)));
        }
        return value;
    }
    std::string_view text(std::size_t max_bytes = 0xFFFF) {
        const auto size = number<std::uint16_t>();
        if (size > max_bytes) failed_ = true;
        return take(size);
    }
    std::string_view take(std::size_t size) {
        if (failed_ || size > left_.size()) {
            failed_ = true;
            return {};
        }
        const std::string_view bytes = left_.substr(0, size);
        left_.remove_prefix(size);
        return bytes;
    }
    Xxh3 hash() {
        Xxh3 hash;
        hash.high = number<std::uint64_t>();
        hash.low = number<std::uint64_t>();
        return hash;
    }
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] bool at_end() const { return left_.empty(); }
    [[nodiscard]] std::string_view left() const { return left_; }

    // A protocol error where a field was missing or too long, or bytes are left over.
    [[nodiscard]] Result<> done(std::string_view message) const {
        if (failed_) return fail(Errc::protocol, std::string(message) + ": a field is missing or too long");
        if (!left_.empty())
            return fail(Errc::protocol, std::string(message) + ": bytes after its last field");
        return {};
    }

  private:
    std::string_view left_;
    bool failed_ = false;
};

}  // namespace synchost
