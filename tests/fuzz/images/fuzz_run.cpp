// The flags and the command of a RUN; and, where the input begins with its magic, a record of a step.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "images/graph/run_mounts.hpp"
#include "images/graph/run_record.hpp"
#include "images/graph/run_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto record = parse_run_record(text, "/layers")) {
        const auto again = parse_run_record(format_run_record(*record), "/layers");
        if (!again || again->layer.size() != record->layer.size()) std::abort();
        return 0;
    }
    if (size > 65'536) return 0;
    const auto file = parse_dockerfile("RUN " + std::string(text), "Dockerfile");
    if (!file) return 0;
    for (const Instruction& instruction : file->instructions) {
        if (instruction.name != "RUN") continue;
        (void)run_mount_sources(instruction);
        const auto nothing = [](std::string_view) { return std::optional<std::string>("x"); };
        (void)parse_run_flags(instruction, nothing, file->escape);
        (void)run_command_of(instruction, {});
    }
    return 0;
}
