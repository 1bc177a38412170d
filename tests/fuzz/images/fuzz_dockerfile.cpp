// A Dockerfile through the parser, the stages, and the expansion of every word of it.
#include <cstdint>
#include <cstdlib>

#include "images/dockerfile/expand.hpp"
#include "images/graph/stages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    auto parsed = parse_dockerfile({reinterpret_cast<const char*>(data), size}, "Dockerfile");
    if (!parsed) return 0;
    int line = 0;
    const Variables variables = [](std::string_view name) {
        return name == "A" ? std::optional<std::string>("x y") : std::nullopt;
    };
    for (const Instruction& instruction : parsed->instructions) {
        if (instruction.line <= line || instruction.last_line < instruction.line) std::abort();
        line = instruction.last_line;
        for (const std::string& arg : instruction.args) (void)expand_words(arg, variables, parsed->escape);
    }
    (void)StagePlan::make(*std::move(parsed), "", {{"A", "1"}});
    return 0;
}
