// What the steps of the last build read, so that the next one can say which of it changed:
//
//   STORE/explain/HEX   by context, Dockerfile, target, platform and owner; written by rename
//
//   file   = magic "SHSTEPS1" u32 steps step* u64 check                       little-endian
//   step   = text stage, text instruction, u64 instruction-hash, u32 files, u64 files-hash, u32 inputs,
//   input* input  = u8 kind, text name, u64 value, u64 look check  = XXH3-64 of all before it
//
// Values are kept as hashes alone: a build argument may be a password. No step's result hangs on this file,
// so one that is damaged, too long or of another version counts as none, and 64 bits are enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::images {

inline constexpr std::size_t kMaxStepInputsFile = std::size_t{16} << 20;
inline constexpr std::size_t kMaxExplainedSteps = 1000;
inline constexpr std::size_t kMaxStepText = 1000;
inline constexpr std::size_t kMaxInputName = 4096;
inline constexpr std::size_t kMaxInputsOfStep = 20'000;  // of more files their number and one hash are kept

enum class InputKind : std::uint8_t {
    base,      // the layers of the image that the stage starts from
    step,      // the layer of an earlier step
    variable,  // ENV, ARG
    setting,   // the user, the working folder, and so on
    file,
};

struct StepInput {
    InputKind kind = InputKind::file;
    std::string name;  // a file's path in the context, or one that begins with '/' elsewhere
    std::uint64_t value = 0;
    std::uint64_t look = 0;  // of a file: kind, mode, owner, and what else is not its content
    bool operator==(const StepInput&) const = default;
};

struct StepInputs {
    std::string stage;        // its name, or its number
    std::string instruction;  // no longer than kMaxStepText
    std::uint64_t instruction_hash = 0;
    std::uint32_t files = 0;        // all that the step reads
    std::uint64_t files_hash = 0;   // over them
    std::vector<StepInput> inputs;  // sorted by kind and name, each once
    bool operator==(const StepInputs&) const = default;
};

// The file's bytes, of the first kMaxExplainedSteps steps; "" where they come to more than a file may have.
std::string format_step_inputs(const std::vector<StepInputs>& steps);
// Untrusted; nothing where it is none.
std::optional<std::vector<StepInputs>> parse_step_inputs(std::string_view bytes);

// Puts the inputs in their order, takes doubles out, and keeps no more than is allowed.
void settle(StepInputs& step);

}  // namespace synchost::images
