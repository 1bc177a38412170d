// What the inputs of each step were when it last succeeded, kept in a file of the project's state folder, so
// that the next `watch` does not run again what is up to date.
//
//     {"version": 1, "steps": {"bundle": "0f3a..."}}     32 hex digits: StepInputs::print()
//
// The file is hostile until parsed; one that is not as it was written remembers nothing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/xxh3.hpp"

namespace synchost::host {

inline constexpr const char* kStepMemoryFile = "steps.json";  // below the project's state folder
inline constexpr std::size_t kMaxStepMemoryBytes = std::size_t{64} << 10;

using StepMemory = std::map<std::string, Xxh3>;  // by the step's name

std::string format_step_memory(const StepMemory& memory);
std::optional<StepMemory> parse_step_memory(std::string_view text);  // untrusted

// Empty where there is no such file, or it is none of ours.
StepMemory load_step_memory(const std::filesystem::path& file);
// Atomically, mode 0600; makes the folder.
Result<> save_step_memory(const StepMemory& memory, const std::filesystem::path& file);

}  // namespace synchost::host
