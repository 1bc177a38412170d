// What each step that makes a layer read, noted for `synchost build --explain` (images/explain/).
#include <algorithm>

#include "images/explain/file_inputs.hpp"
#include "images/graph/build_time.hpp"
#include "images/graph/detail/run_mounting.hpp"
#include "images/graph/evaluate.hpp"
#include "images/graph/run_record.hpp"
#include "images/layer/compressor.hpp"

namespace synchost::images {
namespace {

void add(StepInputs& step, InputKind kind, std::string_view name, std::string_view value) {
    step.inputs.push_back({.kind = kind, .name = std::string(name), .value = xxh3_64(value)});
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += word + '\0';
    return out;
}

// With what it brings along: two heredocs of one name are two instructions.
std::string whole_text(const Instruction& instruction) {
    std::string out = instruction.text;
    for (const Heredoc& heredoc : instruction.heredocs) out += '\0' + heredoc.content;
    return out;
}

}  // namespace

std::vector<RecordedStep> Evaluator::steps() const {
    std::vector<RecordedStep> out;
    for (const std::vector<RecordedStep>& stage : steps_) out.insert(out.end(), stage.begin(), stage.end());
    return out;
}

StepInputs Evaluator::begin_inputs(const Instruction& instruction, std::size_t number) const {
    const Stage& stage = plan_.stages()[number];
    return {.stage = stage.name.empty() ? std::to_string(number) : stage.name,
            .instruction = instruction.text.substr(0, kMaxStepText),
            .instruction_hash = xxh3_64(whole_text(instruction))};
}

void Evaluator::add_layers_below(const StageState& state, StepInputs& step) const {
    std::string base;
    for (const Layer& layer : state.layers) {
        const std::string identity = identity_of(layer);
        if (const auto origin = origins_.find(identity); origin != origins_.end()) {
            add(step, InputKind::step, origin->second, identity);
        } else {
            base += identity + '\n';
        }
    }
    if (base.empty()) return;
    std::size_t stage = state.stage;
    while (plan_.stages()[stage].base_stage) stage = *plan_.stages()[stage].base_stage;
    add(step, InputKind::base, plan_.stages()[stage].base, base);
}

void Evaluator::note_made(const Instruction& instruction, const StageState& state) {
    if (!state.layers.empty())
        origins_.try_emplace(identity_of(state.layers.back()), instruction.text.substr(0, kMaxStepText));
}

void Evaluator::note_failed(const Instruction& instruction, std::size_t stage) {
    steps_[stage].push_back(
        {.line = instruction.line, .is_failed = true, .inputs = begin_inputs(instruction, stage)});
}

void Evaluator::note_copy(const Instruction& instruction, const NodeMap& nodes, const LayerReport& report,
                          const StageState& state) {
    StepInputs inputs = begin_inputs(instruction, state.stage);
    const Variables variables = state.variables();
    for (const std::string& name : mentioned_variables(whole_text(instruction))) {
        if (const auto value = variables(name)) add(inputs, InputKind::variable, name, *value);
    }
    add(inputs, InputKind::setting, "--compression", short_name(request_.compression));
    add(inputs, InputKind::setting, "SOURCE_DATE_EPOCH", std::to_string(request_.source_date_epoch));
    ContentHashes hashes;
    for (const auto& [path, id] : report.ids) hashes.emplace_hint(hashes.end(), path, id.hash);
    note_files(nodes, hashes, "/", inputs);
    settle(inputs);
    steps_[state.stage].push_back(
        {.line = instruction.line, .is_cached = report.is_cached, .inputs = std::move(inputs)});
}

void Evaluator::note_run(const Instruction& instruction, const Step& step, const RunMounting& mounting,
                         const StageState& state) {
    StepInputs inputs = begin_inputs(instruction, state.stage);
    add_layers_below(state, inputs);
    for (const std::string& variable : step.env) {
        const std::size_t equals = std::min(variable.find('='), variable.size());
        add(inputs, InputKind::variable, variable.substr(0, equals), variable.substr(equals));
    }
    std::string user = std::to_string(step.uid) + ":" + std::to_string(step.gid);
    for (const std::uint32_t group : step.groups) user += "," + std::to_string(group);
    add(inputs, InputKind::setting, "USER", user);
    add(inputs, InputKind::setting, "WORKDIR", step.working_dir);
    if (!instruction.json) add(inputs, InputKind::setting, "SHELL", joined(state.config.shell));
    add(inputs, InputKind::setting, "SOURCE_DATE_EPOCH",
        std::to_string(request_.source_date_epoch) + " " + std::to_string(latest_time(request_)));
    mounting.add_inputs(inputs);
    settle(inputs);
    steps_[state.stage].push_back({.line = instruction.line, .inputs = std::move(inputs)});
}

}  // namespace synchost::images
