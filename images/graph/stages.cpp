#include "images/graph/stages.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "registry-client/manifest.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kFromFlag = "--from=";
constexpr std::string_view kPlatformFlag = "--platform=";
constexpr std::array<std::string_view, 1> kFromFlags = {"--platform"};

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool is_stage_name(std::string_view name) {
    const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
    return !name.empty() && letter(name.front()) && std::ranges::all_of(name, [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
}

// The variables that BuildKit sets for FROM lines, and for `ARG NAME` in a stage.
std::optional<std::string> platform_variable(std::string_view name) {
    const registry::Platform platform = registry::host_platform();
    for (const std::string_view side : {"TARGET", "BUILD"}) {
        if (!name.starts_with(side)) continue;
        const std::string_view part = name.substr(side.size());
        if (part == "PLATFORM") return platform.os + "/" + platform.architecture;
        if (part == "OS") return platform.os;
        if (part == "ARCH") return platform.architecture;
        if (part == "VARIANT") return "";
    }
    return std::nullopt;
}

}  // namespace

Result<ArgDeclaration> parse_arg(const std::string& word) {
    const std::size_t equals = word.find('=');
    ArgDeclaration out{word.substr(0, equals), std::nullopt};
    if (equals != std::string::npos) out.value = word.substr(equals + 1);
    if (out.name.empty()) return fail(Errc::invalid_input, "ARG needs a name");
    return out;
}

std::optional<std::string> copy_source_stage(const Instruction& instruction) {
    for (const std::string& flag : instruction.flags) {
        if (flag.starts_with(kFromFlag)) return flag.substr(kFromFlag.size());
    }
    return std::nullopt;
}

std::unexpected<Error> StagePlan::refuse(int line, std::string_view what, std::string next_step) const {
    return fail(Errc::invalid_input, dockerfile_.at(line, what), std::move(next_step));
}

std::optional<std::string> StagePlan::build_arg(const std::string& name) const {
    const auto found = build_args_.find(name);
    return found == build_args_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> StagePlan::outer_arg(const std::string& name) const {
    if (auto given = build_arg(name)) return given;
    if (const auto global = globals_.find(name); global != globals_.end()) return global->second;
    return platform_variable(name);
}

std::optional<std::size_t> StagePlan::find_stage(std::string_view name, std::size_t before) const {
    const std::string wanted = lower(name);
    for (std::size_t i = before; i-- > 0;) {
        if (!stages_[i].name.empty() && stages_[i].name == wanted) return i;
    }
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (!name.empty() && error == std::errc{} && end == name.data() + name.size() && number < before)
        return number;
    return std::nullopt;
}

Result<> StagePlan::global_arg(const Instruction& instruction) {
    for (const std::string& word : instruction.args) {
        auto arg = parse_arg(word);
        if (!arg) return refuse(instruction.line, arg.error().message);
        std::optional<std::string> value = build_arg(arg->name);
        if (!value && arg->value) {
            auto expanded = expand(
                *arg->value, [&](std::string_view name) { return outer_arg(std::string(name)); },
                dockerfile_.escape);
            if (!expanded) return refuse(instruction.line, expanded.error().message);
            value = std::move(*expanded);
        }
        if (value) globals_[arg->name] = *value;
    }
    return {};
}

Result<> StagePlan::from(const Instruction& instruction) {
    const auto expanded = [&](const std::string& word) {
        return expand(
            word, [&](std::string_view name) { return outer_arg(std::string(name)); }, dockerfile_.escape);
    };
    for (const std::string& flag : instruction.flags) {
        if (!flag.starts_with(kPlatformFlag)) {
            return refuse(instruction.line, "FROM has no flag " + printable(flag.substr(0, 60)),
                          did_you_mean(flag.substr(0, flag.find('=')), kFromFlags));
        }
        const auto platform = expanded(flag.substr(kPlatformFlag.size()));
        if (!platform) return refuse(instruction.line, platform.error().message);
        const std::string host = *platform_variable("TARGETPLATFORM");
        if (*platform != host) {
            return fail(Errc::unsupported,
                        dockerfile_.at(instruction.line, "images for " + printable(platform->substr(0, 60)) +
                                                             " are not supported yet"),
                        "Build for " + host + ".");
        }
    }
    const std::vector<std::string>& args = instruction.args;
    const bool named = args.size() == 3 && lower(args[1]) == "as";
    if (args.size() != 1 && !named)
        return refuse(instruction.line, "FROM takes an image, and `AS name` if wanted");
    Stage stage{.from = &instruction};
    auto base = expanded(args[0]);
    if (!base) return refuse(instruction.line, base.error().message);
    stage.base = std::move(*base);
    if (stage.base.empty()) {
        return refuse(instruction.line,
                      "the image's name " + printable(args[0].substr(0, 100)) + " expands to nothing",
                      "Give the ARG a default before the first FROM, or pass --build-arg.");
    }
    if (named) {
        stage.name = lower(args[2]);
        if (!is_stage_name(stage.name))
            return refuse(instruction.line, "not a stage's name: " + printable(args[2].substr(0, 100)));
        if (std::ranges::any_of(stages_, [&](const Stage& other) { return other.name == stage.name; })) {
            return refuse(instruction.line, "there is a stage " + stage.name + " already");
        }
    }
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        if (!stages_[i].name.empty() && stages_[i].name == stage.base) stage.base_stage = i;
    }
    stages_.push_back(std::move(stage));
    return {};
}

Result<> StagePlan::mark_needed(std::size_t stage) {
    if (needed_[stage]) return {};
    needed_[stage] = true;
    if (stages_[stage].base_stage) TRY(mark_needed(*stages_[stage].base_stage));
    for (const Instruction* step : stages_[stage].steps) {
        const auto source = copy_source_stage(*step);
        if (step->name != "COPY" || !source) continue;
        if (const auto earlier = find_stage(*source, stage)) {
            TRY(mark_needed(*earlier));
        } else if (const auto later = find_stage(*source, stages_.size())) {
            return refuse(
                step->line, "the stage " + printable(source->substr(0, 100)) + " is not before this one",
                "It starts at line " + std::to_string(stages_[*later].from->line) + ": move it up.");
        }
    }
    return {};
}

Result<StagePlan> StagePlan::make(Dockerfile dockerfile, const std::string& target,
                                  const std::map<std::string, std::string>& build_args) {
    StagePlan out;
    out.dockerfile_ = std::move(dockerfile);
    out.build_args_ = build_args;
    for (const Instruction& instruction : out.dockerfile_.instructions) {
        if (instruction.name == "FROM") {
            TRY(out.from(instruction));
        } else if (!out.stages_.empty()) {
            out.stages_.back().steps.push_back(&instruction);
        } else if (instruction.name == "ARG") {
            TRY(out.global_arg(instruction));
        } else {
            return out.refuse(instruction.line, instruction.name + " comes before the first FROM");
        }
    }
    if (out.stages_.empty()) return fail(Errc::invalid_input, out.dockerfile_.name + ": it has no FROM");
    out.target_ = out.stages_.size() - 1;
    if (!target.empty()) {
        const auto found = out.find_stage(target, out.stages_.size());
        if (!found) {
            std::vector<std::string_view> names;
            for (const Stage& stage : out.stages_) names.push_back(stage.name);
            return fail(Errc::invalid_input, out.dockerfile_.name + ": it has no stage " + printable(target),
                        did_you_mean(target, names));
        }
        out.target_ = *found;
    }
    out.needed_.resize(out.stages_.size());
    TRY(out.mark_needed(out.target_));
    return out;
}

}  // namespace synchost::images
