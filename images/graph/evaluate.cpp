#include "images/graph/evaluate.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/rel_path.hpp"
#include "images/config/platform.hpp"
#include "images/graph/build_place.hpp"
#include "images/graph/build_time.hpp"
#include "images/layer/compressor.hpp"
#include "images/layer/incremental_layer.hpp"
#include "images/layer/layer_writer.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxStagesAtOnce = 8;

}  // namespace

Result<StageState> Evaluator::run() {
    const std::size_t count = plan_.stages().size();
    done_.resize(count);
    made_.resize(count, Made::no);
    steps_.resize(count);
    std::vector<std::size_t> needed;
    for (std::size_t i = 0; i <= plan_.target(); ++i) {
        if (plan_.needed(i)) needed.push_back(i);
    }
    const bool at_once = tools_ != nullptr && !tools_->shell_on_error && needed.size() > 1;
    if (at_once || (tools_ != nullptr && tools_->stop.stop_possible())) {
        stop_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!stop_) return fail_errno("eventfd");
    }
    const std::stop_callback end_command(tools_ == nullptr ? std::stop_token() : tools_->stop,
                                         [this] { stop_commands(); });
    if (at_once) {
        TRY(run_at_once(needed));
    } else {
        const std::scoped_lock lock(mutex_);
        for (const std::size_t stage : needed) TRY(run_stage(stage));
    }
    return std::move(*done_[plan_.target()]);
}

// In their order, so that what a stage leans on has begun before it, and waiting for that comes to an end.
Result<> Evaluator::run_at_once(const std::vector<std::size_t>& stages) {
    std::vector<Result<>> results(stages.size());
    std::size_t next = 0;
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < std::min(stages.size(), kMaxStagesAtOnce); ++i) {
            threads.emplace_back([&] {
                const std::scoped_lock lock(mutex_);
                while (next < stages.size()) {
                    const std::size_t mine = next++;
                    results[mine] = run_stage(stages[mine]);
                }
            });
        }
    }
    Result<> out;
    for (Result<>& result : results) {
        if (!result && (out || out.error().code == Errc::cancelled)) out = std::move(result);
    }
    return out;
}

std::unexpected<Error> Evaluator::located(Error error, int line) const {
    return std::unexpected(std::move(error).context(plan_.dockerfile().name + ":" + std::to_string(line)));
}

Result<> Evaluator::run_stage(std::size_t stage) {
    changed_.wait(mutex_, [&] { return made_[stage] != Made::now; });
    if (made_[stage] == Made::yes) return {};
    made_[stage] = Made::now;
    Result<> made = make_stage(stage);
    made_[stage] = made ? Made::yes : Made::no;
    if (!made && !std::exchange(failed_, true) && stop_) stop_commands();
    changed_.notify_all();
    return made;
}

void Evaluator::stop_commands() const {
    constexpr std::uint64_t kOne = 1;
    std::ignore = ::write(stop_.get(), &kOne, sizeof kOne);
}

Result<> Evaluator::make_stage(std::size_t stage) {
    const Stage& plan = plan_.stages()[stage];
    if (plan.base_stage) TRY(run_stage(*plan.base_stage));
    StageState state;
    const auto start = [&]() -> Result<> {
        TRY_ASSIGN(state, start_stage(stage));
        return {};
    };
    if (auto done = noted(stage, *plan.from, start); !done)
        return located(std::move(done.error()), plan.from->line);
    TRY(run_triggers(stage, state));
    for (const Instruction* instruction : plan.steps) {
        if (failed_) return fail(Errc::cancelled, "another stage failed");
        if (tools_ != nullptr && tools_->stop.stop_requested())
            return fail(Errc::cancelled, "the build was stopped");
        if (auto done = step(stage, *instruction, state); !done)
            return located(std::move(done.error()), instruction->line);
    }
    done_[stage] = std::move(state);
    return {};
}

// What the base left with ONBUILD comes right after FROM, and is not passed on.
Result<> Evaluator::run_triggers(std::size_t stage, StageState& state) {
    const Stage& plan = plan_.stages()[stage];
    const std::vector<std::string> kept = std::exchange(state.config.on_build, {});
    if (plan.base_stage && !request_.build_contexts.contains(plan.base)) {
        for (const Instruction* trigger : plan.triggers) {
            if (auto done = step(stage, *trigger, state); !done)
                return located(std::move(done.error()), trigger->line);
        }
        return {};
    }
    for (const std::string& text : kept) {
        const auto run = [&]() -> Result<> {
            TRY_ASSIGN(const Instruction trigger, parse_trigger(text, plan.from->line));
            return step(stage, trigger, state);
        };
        if (auto done = run(); !done) {
            const std::string what = "ONBUILD of " + plan.base + " (" + printable(text.substr(0, 80)) + ")";
            return located(std::move(done.error()).context(what), plan.from->line);
        }
    }
    return {};
}

Result<std::shared_ptr<BaseImage>> Evaluator::fetch(const std::string& image,
                                                    const registry::Platform& platform) const {
    TRY_ASSIGN(const registry::Reference name, registry::Reference::parse(image));
    if (tools_ == nullptr) return nullptr;
    if (tools_->registries == nullptr)
        return fail(Errc::invalid_input, "no registries to take " + name.to_string() + " from");
    if (tools_->progress) tools_->progress("base image " + name.to_string());
    return BaseImage::fetch(name, *tools_->registries, store_, platform);
}

Result<StageState> Evaluator::start_stage(std::size_t number) {
    const Stage& stage = plan_.stages()[number];
    if (request_.build_contexts.contains(stage.base)) return start_from_folder(number);
    if (stage.base_stage) {
        StageState out = *done_[*stage.base_stage];
        out.stage = number;
        out.cmd_is_own = false;
        return out;
    }
    StageState out{.stage = number};
    if (stage.base == "scratch") {
        out.config = scratch_config(plan_.platform());
        return out;
    }
    {
        const Unlocked others_go_on(*this);
        TRY_ASSIGN(out.base, fetch(stage.base, stage.platform));
    }
    if (!out.base) {
        TRY_ASSIGN(out.config, known_config(stage));
        return out;
    }
    base_configs_[config_name(stage)] = out.base->config();
    TRY_ASSIGN(out.config, base_config(stage, *out.base));
    if (out.config.diff_ids.size() != out.base->layers().size()) {
        return fail(Errc::protocol, out.base->name().to_string() +
                                        ": its config and its manifest have different numbers of layers");
    }
    for (std::size_t i = 0; i < out.base->layers().size(); ++i) {
        out.layers.push_back(
            {.blob = out.base->layers()[i], .diff_id = out.config.diff_ids[i], .remote = out.base->name()});
    }
    return out;
}

// A registry may hold an image for one platform alone, under a name that has no index: it is taken as it is,
// and the result is what it is. On one for an older variant (arm/v6 for arm/v7) the result is for the one
// that was asked for: that is what the steps know.
Result<ImageConfig> Evaluator::base_config(const Stage& stage, const BaseImage& base) const {
    TRY_ASSIGN(ImageConfig out, parse_image_config(base.config()));
    const registry::Platform& wanted = stage.platform;
    if (out.architecture.empty()) {
        out.os = wanted.os;
        out.architecture = wanted.architecture;
    }
    const registry::Platform is = normal_platform({out.os, out.architecture, out.variant, {}});
    if (is == wanted) return out;
    const registry::IndexEntry entry{.manifest = {}, .platform = is, .artifact_type = {}, .annotations = {}};
    if (registry::choose_platform({.media_type = {}, .entries = {entry}}, wanted)) {
        out.variant = wanted.variant;
    } else if (tools_->progress) {
        tools_->progress(plan_.dockerfile().at(stage.from->line, "the base image " + stage.base + " is for " +
                                                                     printable(is.to_string()) +
                                                                     " and not for " + wanted.to_string()));
    }
    return out;
}

std::string Evaluator::config_name(const Stage& stage) const {
    return stage.platform == plan_.platform() ? stage.base
                                              : stage.base + " for " + stage.platform.to_string();
}

Result<ImageConfig> Evaluator::known_config(const Stage& stage) const {
    const auto known = request_.base_configs.find(config_name(stage));
    return known == request_.base_configs.end() ? scratch_config(stage.platform)
                                                : parse_image_config(known->second);
}

Result<> Evaluator::step(std::size_t stage, const Instruction& instruction, StageState& state) {
    return noted(stage, instruction, [&] { return evaluate(stage, instruction, state); });
}

Result<> Evaluator::noted(std::size_t stage, const Instruction& instruction,
                          const std::function<Result<>()>& make) {
    using Clock = std::chrono::steady_clock;
    const std::size_t before = steps_[stage].size();
    const auto started = Clock::now();
    Result<> done = make();
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started);
    std::vector<RecordedStep>& steps = steps_[stage];
    if (!done && done.error().code == Errc::cancelled) {
        steps.resize(before);  // it is another's failure, or nobody's
    } else if (!done && steps.size() == before) {
        note_failed(instruction, stage);
    } else if (!done) {
        steps.back().is_failed = true;
    }
    if (steps.size() > before) steps.back().time_us = static_cast<std::uint64_t>(took.count());
    return done;
}

Result<> Evaluator::evaluate(std::size_t stage, const Instruction& instruction, StageState& state) {
    const std::string& name = instruction.name;
    if (!instruction.flags.empty() && name != "COPY" && name != "RUN" && name != "ADD" &&
        name != "HEALTHCHECK") {
        return fail(Errc::invalid_input,
                    name + " has no flag " + printable(instruction.flags[0].substr(0, 60)));
    }
    if (name == "COPY" || name == "ADD") return copy(stage, instruction, state);
    if (name == "RUN") return run_command(stage, instruction, state);
    if (name == "WORKDIR") return workdir(instruction, state);
    bool known = name == "ARG";
    if (known) {
        TRY(set_args(instruction, state));
    } else {
        TRY_ASSIGN(known, apply_to_config(instruction, plan_.dockerfile().escape, state));
    }
    if (!known) return fail(Errc::unsupported, name + " is not supported yet", "Leave the instruction out.");
    state.config.history.push_back({instruction.text, true});
    return {};
}

// Every value is expanded with what was set before the instruction.
Result<> Evaluator::set_args(const Instruction& instruction, StageState& state) const {
    if (instruction.args.empty()) return fail(Errc::invalid_input, "ARG needs a name");
    std::map<std::string, std::string> set;
    for (const std::string& word : instruction.args) {
        TRY_ASSIGN(const ArgDeclaration arg, parse_arg(word));
        std::optional<std::string> value = plan_.build_arg(arg.name);
        if (!value && arg.value) {
            TRY_ASSIGN(value, expand(*arg.value, state.variables(), plan_.dockerfile().escape));
        }
        if (!value) value = plan_.outer_arg(arg.name);
        if (value) set[arg.name] = *std::move(value);
    }
    for (auto& [name, value] : set) state.args[name] = std::move(value);
    return {};
}

Result<> Evaluator::workdir(const Instruction& instruction, StageState& state) {
    if (instruction.args.size() != 1) return fail(Errc::invalid_input, "WORKDIR takes one path");
    TRY_ASSIGN(const std::string path,
               expand(instruction.args[0], state.variables(), plan_.dockerfile().escape));
    if (path.empty()) return fail(Errc::invalid_input, "WORKDIR with an empty path");
    const std::string before = clean_path(state.config.working_dir);
    const std::string target = clean_path(path.starts_with('/') ? path : before + "/" + path);
    const bool base_has_it =
        state.base && !state.base_listed && !before.empty() && is_at_or_below(before, target);
    state.config.working_dir = "/" + target;
    NodeMap layer;
    if (!target.empty() && !base_has_it) {
        TRY(prepare_folders(state, target));
        TRY_ASSIGN(const std::string real, state.tree.resolve(target));
        state.rules.known &= real == target;
        state.rules.anchors.push_back(real);
        if (!state.tree.is_folder(real)) {
            Owner owner;
            if (tools_ != nullptr) {
                // As with docker, a user that the image does not know makes root's folders.
                const auto found = resolve_in_image(state, state.config.user, ImpliedGroup::zero,
                                                    request_.context, tools_->store);
                if (!found && found.error().code != Errc::invalid_input)
                    return std::unexpected(found.error());
                owner = found.value_or(Owner{});
            }
            TRY(make_folder(state.tree, real, owner, layer));
        }
    }
    if (!layer.empty()) return add_layer(instruction, layer, state);
    state.config.history.push_back({instruction.text, true});
    return {};
}

LayerSettings Evaluator::layer_settings(const StageState& state) const {
    return {.context = request_.context,
            .scratch = tools_->store,
            .compression = request_.compression,
            .time = request_.source_date_epoch,
            .latest = latest_time(request_),
            .index = index_,
            .ahead = plan_.in_image(state.stage) ? tools_->ahead : nullptr,
            .stop = tools_->stop};
}

Result<Layer> Evaluator::layer_of_nodes(const NodeMap& nodes, const StageState& state) const {
    return write_layer(nodes, layer_settings(state), *store_);
}

Result<std::vector<Layer>> Evaluator::layers_of_copy(const Instruction& instruction, const NodeMap& nodes,
                                                     const StageState& state, LayerReport& report) const {
    if (!request_.incremental || !plan_.in_image(state.stage) || run_follows(state.stage, instruction)) {
        LayerSettings settings = layer_settings(state);
        settings.cache_from = tools_->cache_from;
        settings.cache_to = tools_->cache_to;
        TRY_ASSIGN(Layer layer, write_layer(nodes, settings, *store_, &report));
        return std::vector<Layer>{std::move(layer)};
    }
    KeyWriter place = key_of_place(request_, dockerfile_);
    place.add(static_cast<std::uint64_t>(instruction.line))
        .add(instruction.text)
        .add(short_name(request_.compression));
    place.add(std::to_string(request_.source_date_epoch)).add(std::to_string(latest_time(request_)));
    return write_layer_incrementally(nodes,
                                     {.record = tools_->store / "chains" / place.finish().hex(),
                                      .image = state.tree,
                                      .is_whole = !state.base || state.base_listed,
                                      .layers_below = state.layers.size()},
                                     layer_settings(state), *store_, report);
}

Result<> Evaluator::add_layer(const Instruction& instruction, const NodeMap& nodes, StageState& state) {
    if (tools_ == nullptr) {
        state.config.history.push_back({instruction.text, false});
        return {};
    }
    LayerReport report;
    std::vector<Layer> layers;
    {
        const Unlocked others_go_on(*this);
        TRY_ASSIGN(layers, layers_of_copy(instruction, nodes, state, report));
    }
    note_copy(instruction, nodes, report, state);
    if (tools_->progress) {
        const std::string what =
            layers.size() == 1 ? " bytes)" : " bytes of changes on top of the last build)";
        tools_->progress(plan_.dockerfile().at(instruction.line, instruction.text) + " (" +
                         std::to_string(nodes.size()) + " paths, " + std::to_string(layers.back().blob.size) +
                         what);
    }
    for (Layer& layer : layers) {
        state.config.history.push_back({instruction.text, false});
        state.config.diff_ids.push_back(layer.diff_id);
        state.layers.push_back(std::move(layer));
        note_made(instruction, state);
    }
    return {};
}

}  // namespace synchost::images
