#include "host/control/token.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>

#include "base/file.hpp"

namespace synchost::host {
namespace {

constexpr const char* kTokenFile = "token";
constexpr std::size_t kTokenBytes = 32;

}  // namespace

Result<std::string> make_token(const std::filesystem::path& state) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::array<unsigned char, kTokenBytes> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        return fail(Errc::io, "no random bytes for a token");
    std::string token;
    for (const unsigned char byte : bytes) {
        token += kDigits[byte >> 4];
        token += kDigits[byte & 15];
    }
    TRY(write_file_atomic(state / kTokenFile, token + '\n', 0600));
    return token;
}

Result<std::string> load_token(const std::filesystem::path& state) {
    TRY_ASSIGN(std::string token, read_file(state / kTokenFile, 2 * kTokenBytes + 1));
    if (token.ends_with('\n')) token.pop_back();
    return token;
}

bool same_token(std::string_view one, std::string_view other) {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace synchost::host
