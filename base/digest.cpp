#include "base/digest.hpp"

#include <openssl/evp.h>

#include <utility>

namespace synchost {
namespace {

constexpr std::string_view kPrefix = "sha256:";

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

EVP_MD_CTX* md(void* context) {
    return static_cast<EVP_MD_CTX*>(context);
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
    auto bad = [&] {
        return fail(Errc::invalid_input, "not a sha256 digest: \"" + std::string(text.substr(0, 100)) + "\"");
    };
    if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + 64) return bad();
    std::array<std::uint8_t, 32> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = hex_value(text[kPrefix.size() + 2 * i]);
        const int low = hex_value(text[kPrefix.size() + 2 * i + 1]);
        if (high < 0 || low < 0) return bad();
        bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return Digest(bytes);
}

std::string Digest::hex() const {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(64);
    for (const std::uint8_t byte : bytes_) {
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

std::string Digest::to_string() const {
    return std::string(kPrefix) + hex();
}

void Sha256::Free::operator()(void* context) const {
    EVP_MD_CTX_free(md(context));
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    EVP_DigestInit_ex(md(context_.get()), EVP_sha256(), nullptr);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
    EVP_DigestUpdate(md(context_.get()), bytes.data(), bytes.size());
}
void Sha256::update(std::span<const std::byte> bytes) {
    EVP_DigestUpdate(md(context_.get()), bytes.data(), bytes.size());
}

Digest Sha256::finish() {
    std::array<std::uint8_t, 32> out{};
    EVP_DigestFinal_ex(md(context_.get()), out.data(), nullptr);
    return Digest(out);
}

Digest sha256(std::string_view bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

}  // namespace synchost
