#include "images/explain/step_inputs.hpp"

#include <algorithm>
#include <tuple>

#include "base/wire.hpp"
#include "base/xxh3.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kMagic = "SHSTEPS1";
constexpr std::size_t kCheckBytes = sizeof(std::uint64_t);

bool is_before(const StepInput& a, const StepInput& b) {
    return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
}

void write_step(WireWriter& writer, const StepInputs& step) {
    writer.text(step.stage);
    writer.text(step.instruction);
    writer.number(step.instruction_hash);
    writer.number(step.files);
    writer.number(step.files_hash);
    writer.number(static_cast<std::uint32_t>(step.inputs.size()));
    for (const StepInput& input : step.inputs) {
        writer.number(static_cast<std::uint8_t>(input.kind));
        writer.text(input.name);
        writer.number(input.value);
        writer.number(input.look);
    }
}

// False where the step is none.
bool read_step(WireReader& reader, StepInputs& step) {
    step.stage = reader.text(kMaxInputName);
    step.instruction = reader.text(kMaxStepText);
    step.instruction_hash = reader.number<std::uint64_t>();
    step.files = reader.number<std::uint32_t>();
    step.files_hash = reader.number<std::uint64_t>();
    const auto count = reader.number<std::uint32_t>();
    if (count > kMaxInputsOfStep) return false;
    for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
        StepInput input;
        const auto kind = reader.number<std::uint8_t>();
        if (kind > static_cast<std::uint8_t>(InputKind::file)) return false;
        input.kind = static_cast<InputKind>(kind);
        input.name = reader.text(kMaxInputName);
        input.value = reader.number<std::uint64_t>();
        input.look = reader.number<std::uint64_t>();
        if (!step.inputs.empty() && !is_before(step.inputs.back(), input)) return false;
        step.inputs.push_back(std::move(input));
    }
    return !reader.failed();
}

}  // namespace

std::string format_step_inputs(const std::vector<StepInputs>& steps) {
    std::string out(kMagic);
    WireWriter writer(out);
    const std::size_t count = std::min(steps.size(), kMaxExplainedSteps);
    writer.number(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) write_step(writer, steps[i]);
    writer.number(xxh3_64(out));
    return out.size() > kMaxStepInputsFile ? std::string() : out;
}

std::optional<std::vector<StepInputs>> parse_step_inputs(std::string_view bytes) {
    if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + kCheckBytes ||
        bytes.size() > kMaxStepInputsFile)
        return std::nullopt;
    const std::string_view body = bytes.substr(0, bytes.size() - kCheckBytes);
    if (WireReader(bytes.substr(body.size())).number<std::uint64_t>() != xxh3_64(body)) return std::nullopt;
    WireReader reader(body.substr(kMagic.size()));
    const auto count = reader.number<std::uint32_t>();
    if (count > kMaxExplainedSteps) return std::nullopt;
    std::vector<StepInputs> out;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (!read_step(reader, out.emplace_back())) return std::nullopt;
    }
    if (!reader.done("the inputs of steps")) return std::nullopt;
    return out;
}

void settle(StepInputs& step) {
    for (StepInput& input : step.inputs) {
        if (input.name.size() > kMaxInputName) input.name.resize(kMaxInputName);
    }
    std::ranges::sort(step.inputs, is_before);
    const auto same = [](const StepInput& a, const StepInput& b) { return !is_before(a, b); };
    const auto doubles = std::ranges::unique(step.inputs, same);
    step.inputs.erase(doubles.begin(), doubles.end());
    if (step.inputs.size() > kMaxInputsOfStep)
        std::erase_if(step.inputs, [](const StepInput& input) { return input.kind == InputKind::file; });
    if (step.inputs.size() > kMaxInputsOfStep) step.inputs.resize(kMaxInputsOfStep);
    if (step.stage.size() > kMaxInputName) step.stage.resize(kMaxInputName);
    if (step.instruction.size() > kMaxStepText) step.instruction.resize(kMaxStepText);
}

}  // namespace synchost::images
