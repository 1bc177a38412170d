#include "base/xxh3.hpp"

#include <xxhash.h>

namespace synchost {
namespace {
Xxh3 from(XXH128_hash_t hash) {
    return {hash.high64, hash.low64};
}
XXH3_state_t* state_of(void* state) {
    return static_cast<XXH3_state_t*>(state);
}
}  // namespace

std::string Xxh3::hex() const {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out(32, '0');
    for (std::size_t i = 0; i < 16; ++i) {
        out[15 - i] = kDigits[(high >> (4 * i)) & 15];
        out[31 - i] = kDigits[(low >> (4 * i)) & 15];
    }
    return out;
}

Xxh3 xxh3(std::string_view bytes) {
    return from(XXH3_128bits(bytes.data(), bytes.size()));
}

std::uint64_t xxh3_64(std::string_view bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

void Xxh3Hasher::Free::operator()(void* state) const {
    XXH3_freeState(state_of(state));
}
Xxh3Hasher::Xxh3Hasher() : state_(XXH3_createState()) {
    XXH3_128bits_reset(state_of(state_.get()));
}
Xxh3Hasher::Xxh3Hasher(Xxh3Hasher&&) noexcept = default;
Xxh3Hasher& Xxh3Hasher::operator=(Xxh3Hasher&&) noexcept = default;
Xxh3Hasher::~Xxh3Hasher() = default;
void Xxh3Hasher::update(std::string_view bytes) {
    XXH3_128bits_update(state_of(state_.get()), bytes.data(), bytes.size());
}
Xxh3 Xxh3Hasher::value() const {
    return from(XXH3_128bits_digest(state_of(state_.get())));
}

}  // namespace synchost
