// A signature's file of any bytes, as they are and with a checksum that fits: an error, or a signature that
// is written as it was read, and that a comparison may trust: no instruction names what base or content lack.
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "host/delta/compare.hpp"

namespace {

using namespace synchost;
using namespace synchost::host::delta;

constexpr std::size_t kContentBytes = 40'000;

void demand(bool holds) {
    if (!holds) std::abort();
}

Fd make_content() {
    std::string bytes;
    std::uint32_t state = 1;
    while (bytes.size() < kContentBytes) {
        state = state * 1664525 + 1013904223;
        bytes += static_cast<char>(state >> 24);
    }
    Fd fd(::memfd_create("content", MFD_CLOEXEC));
    demand(write_all(fd.get(), bytes).has_value());
    return fd;
}

void check(std::string_view bytes) {
    static const Fd content = make_content();
    const auto signature = parse_signature(bytes);
    if (!signature) {
        demand(signature.error().code == Errc::protocol);
        return;
    }
    demand(format_signature(*signature) == bytes);
    const auto comparison = compare(*signature, content.get());
    demand(comparison.has_value());
    std::uint64_t made = 0;
    for (const Instruction& instruction : comparison->instructions) {
        const bool copies = instruction.kind == Instruction::Kind::copy;
        demand(instruction.length > 0);
        demand(copies || instruction.offset == made);
        demand(instruction.offset + instruction.length <= (copies ? signature->size : kContentBytes));
        made += instruction.length;
    }
    demand(made == kContentBytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes(reinterpret_cast<const char*>(data), size);
    check(bytes);
    const std::uint64_t checksum = xxh3_64(bytes);
    for (std::size_t i = 0; i < 8; ++i) bytes += static_cast<char>((checksum >> (8 * i)) & 0xFF);
    check(bytes);
    return 0;
}
