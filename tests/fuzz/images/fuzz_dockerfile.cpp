// A Dockerfile through the parser, the stages, and the expansion of every word and heredoc of it.
#include <cstdint>
#include <cstdlib>

#include "images/dockerfile/expand.hpp"
#include "images/graph/healthcheck.hpp"
#include "images/graph/stages.hpp"

namespace {

using namespace synchost::images;

std::optional<std::string> variable(std::string_view name) {
    if (name == "A") return "x y*\\?/";
    return name == "B" ? std::optional<std::string>("") : std::nullopt;
}

void expand_all(const Instruction& instruction, char escape) {
    for (const std::string& arg : instruction.args) (void)expand_words(arg, variable, escape);
    for (const Heredoc& heredoc : instruction.heredocs) {
        if (heredoc.name.empty()) std::abort();
        (void)expand_text(heredoc.content, variable);
    }
    if (instruction.name == "HEALTHCHECK") (void)parse_healthcheck(instruction);
    for (const Instruction& trigger : instruction.trigger) {
        if (!trigger.trigger.empty()) std::abort();
        expand_all(trigger, escape);
        const auto again = parse_trigger(trigger_text(trigger), 1);
        if (again && again->line != 1) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto parsed = parse_dockerfile({reinterpret_cast<const char*>(data), size}, "Dockerfile");
    if (!parsed) return 0;
    int line = 0;
    for (const Instruction& instruction : parsed->instructions) {
        if (instruction.line <= line || instruction.last_line < instruction.line) std::abort();
        line = instruction.last_line;
        expand_all(instruction, parsed->escape);
    }
    const auto plan = StagePlan::make(*std::move(parsed), "", {{"A", "1"}, {"http_proxy", "p"}});
    if (plan) (void)plan->unused_build_args();
    return 0;
}
