// Contents to sign and to compare, as files in memory, and the receiver's side of the instructions.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "host/delta/compare.hpp"
#include "host/delta/sign.hpp"

namespace synchost::host::delta::test {

inline Fd file_of(std::string_view content) {
    Fd fd(::memfd_create("content", MFD_CLOEXEC));
    const auto written = write_all(fd.get(), content);
    if (!written) ADD_FAILURE() << written.error().message;
    return fd;
}

inline std::string random_bytes(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; i += 8) {
        const std::uint64_t word = random();
        std::memcpy(out.data() + i, &word, std::min<std::size_t>(8, size - i));
    }
    return out;
}

inline Signature signature_of(std::string_view content) {
    return sign(file_of(content).get()).value();
}

// What a receiver that has `base` makes of the instructions; a range outside of it is a failure.
inline std::string apply(std::string_view base, std::string_view content, const Comparison& comparison) {
    std::string out;
    std::size_t held = 0;
    for (const Instruction& instruction : comparison.instructions) {
        if (instruction.length == 0) ADD_FAILURE() << "an empty instruction";
        if (instruction.kind == Instruction::Kind::copy) {
            if (instruction.offset + instruction.length > base.size()) {
                ADD_FAILURE() << "a copy of what the base does not have";
                return out;
            }
            out += base.substr(instruction.offset, instruction.length);
        } else if (comparison.held) {
            out += comparison.inserted.substr(held, instruction.length);
            held += instruction.length;
        } else {
            out += content.substr(instruction.offset, instruction.length);
        }
    }
    if (comparison.held && held != comparison.inserted.size()) ADD_FAILURE() << "held bytes are left over";
    return out;
}

// Compares, and checks all that must hold of every comparison.
inline Comparison compared(std::string_view base, std::string_view content, const Signature& signature) {
    const Fd fd = file_of(content);
    auto result = compare(signature, fd.get());
    if (!result) {
        ADD_FAILURE() << result.error().message;
        return {};
    }
    EXPECT_TRUE(apply(base, content, *result) == content) << "the instructions make another content";
    EXPECT_EQ(result->signature.hash, xxh3(content));
    EXPECT_EQ(result->signature.size, content.size());
    std::uint64_t inserted = 0;
    for (const Instruction& instruction : result->instructions) {
        if (instruction.kind == Instruction::Kind::insert) inserted += instruction.length;
    }
    EXPECT_EQ(result->insert_bytes, inserted);
    EXPECT_EQ(result->held, inserted <= kMaxHeldBytes);
    return *std::move(result);
}
inline Comparison compared(std::string_view base, std::string_view content) {
    return compared(base, content, signature_of(base));
}

}  // namespace synchost::host::delta::test
