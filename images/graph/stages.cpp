#include "images/graph/stages.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "images/config/platform.hpp"
#include "images/graph/run_mounts.hpp"

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

constexpr std::array<std::string_view, 10> kProxies = {
    "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY",
    "ftp_proxy",  "NO_PROXY",   "no_proxy",    "ALL_PROXY",   "all_proxy"};

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

// The variables that BuildKit sets for FROM lines, and for `ARG NAME` in a stage; --build-arg overrides them.
std::optional<std::string> StagePlan::platform_arg(std::string_view name) const {
    const auto given = [&](std::string value) {
        return build_arg(std::string(name)).value_or(std::move(value));
    };
    if (name == "TARGETSTAGE") return given(target_name_.empty() ? "default" : target_name_);
    const auto of = [&](std::string_view side,
                        const registry::Platform& platform) -> std::optional<std::string> {
        if (!name.starts_with(side)) return std::nullopt;
        const std::string_view part = name.substr(side.size());
        if (part == "PLATFORM") return given(platform.to_string());
        if (part == "OS") return given(platform.os);
        if (part == "ARCH") return given(platform.architecture);
        if (part == "VARIANT") return given(platform.variant);
        return std::nullopt;
    };
    if (auto target = of("TARGET", platform_)) return target;
    return of("BUILD", normal_platform(registry::host_platform()));
}

std::optional<std::string> StagePlan::global(std::string_view name) const {
    if (const auto found = globals_.find(name); found != globals_.end()) return found->second;
    return platform_arg(name);
}

bool StagePlan::in_image(std::size_t stage) const {
    for (std::optional<std::size_t> at = target_; at; at = stages_[*at].base_stage) {
        if (*at == stage) return true;
    }
    return false;
}

std::optional<std::string> StagePlan::outer_arg(const std::string& name) const {
    if (auto given = build_arg(name)) return given;
    return global(name);
}

std::vector<std::pair<std::string, std::string>> StagePlan::proxy_args() const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [name, value] : build_args_) {
        if (std::ranges::find(kProxies, name) != kProxies.end()) out.emplace_back(name, value);
    }
    return out;
}

std::vector<std::string> StagePlan::unused_build_args() const {
    std::vector<std::string> out;
    for (const auto& [name, value] : build_args_) {
        const bool predefined = std::ranges::find(kProxies, name) != kProxies.end() || platform_arg(name) ||
                                name == "SOURCE_DATE_EPOCH" || name.starts_with("BUILDKIT_");
        if (!predefined && !declared_.contains(name)) out.push_back(name);
    }
    return out;
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

Result<std::string> StagePlan::expand_globally(int line, const std::string& word) const {
    auto out = expand(word, [&](std::string_view name) { return global(name); }, dockerfile_.escape);
    if (!out) return refuse(line, out.error().message, out.error().next_step);
    return out;
}

Result<> StagePlan::global_arg(const Instruction& instruction) {
    if (instruction.args.empty()) return refuse(instruction.line, "ARG needs a name");
    for (const std::string& word : instruction.args) {
        auto arg = parse_arg(word);
        if (!arg) return refuse(instruction.line, arg.error().message);
        std::optional<std::string> value = build_arg(arg->name);
        if (!value && arg->value) {
            TRY_ASSIGN(value, expand_globally(instruction.line, *arg->value));
        }
        if (value) globals_[arg->name] = *value;
    }
    return {};
}

Result<registry::Platform> StagePlan::platform_of(const Instruction& instruction) const {
    registry::Platform out = platform_;
    for (const std::string& flag : instruction.flags) {
        if (!flag.starts_with(kPlatformFlag)) {
            return refuse(instruction.line, "FROM has no flag " + printable(flag.substr(0, 60)),
                          did_you_mean(flag.substr(0, flag.find('=')), kFromFlags));
        }
        const std::string written = flag.substr(kPlatformFlag.size());
        TRY_ASSIGN(const std::string text, expand_globally(instruction.line, written));
        if (text.empty()) {
            return refuse(instruction.line,
                          "the platform " + printable(written.substr(0, 100)) + " expands to nothing",
                          "Give the ARG a default before the first FROM, or pass --build-arg.");
        }
        auto platform = parse_build_platform(text);
        if (!platform)
            return refuse(instruction.line, "FROM --platform: " + platform.error().message,
                          platform.error().next_step);
        out = *std::move(platform);
    }
    return out;
}

Result<> StagePlan::name_stage(const Instruction& instruction, Stage& stage) const {
    const std::vector<std::string>& args = instruction.args;
    const bool named = args.size() == 3 && lower(args[1]) == "as";
    if (args.size() != 1 && !named)
        return refuse(instruction.line, "FROM takes an image, and `AS name` if wanted");
    if (!named) return {};
    stage.name = lower(args[2]);
    if (!is_stage_name(stage.name))
        return refuse(instruction.line, "not a stage's name: " + printable(args[2].substr(0, 100)));
    if (std::ranges::any_of(stages_, [&](const Stage& other) { return other.name == stage.name; }))
        return refuse(instruction.line, "there is a stage " + stage.name + " already");
    return {};
}

Result<> StagePlan::find_base(const Instruction& instruction, Stage& stage) const {
    TRY_ASSIGN(stage.base, expand_globally(instruction.line, instruction.args[0]));
    if (stage.base.empty()) {
        return refuse(
            instruction.line,
            "the image's name " + printable(instruction.args[0].substr(0, 100)) + " expands to nothing",
            "Give the ARG a default before the first FROM, or pass --build-arg.");
    }
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        const std::string& name = stages_[i].name;
        if (name.empty()) continue;
        if (name == stage.base) {
            stage.base_stage = i;
        } else if (name == lower(stage.base)) {
            return refuse(instruction.line,
                          "FROM " + printable(stage.base.substr(0, 100)) +
                              ": a stage's name is lower-case there, and so is an image's",
                          "Did you mean " + name + "?");
        }
    }
    return {};
}

Result<> StagePlan::from(const Instruction& instruction) {
    Stage stage{.from = &instruction};
    TRY_ASSIGN(stage.platform, platform_of(instruction));
    TRY(name_stage(instruction, stage));
    TRY(find_base(instruction, stage));
    if (stage.base_stage) {
        stage.platform = stages_[*stage.base_stage].platform;
        for (const Instruction* step : stages_[*stage.base_stage].steps) {
            for (const Instruction& trigger : step->trigger) stage.triggers.push_back(&trigger);
        }
    }
    stages_.push_back(std::move(stage));
    return {};
}

Result<> StagePlan::mark_source(const Instruction& step, const std::string& source, std::size_t stage) {
    if (const auto earlier = find_stage(source, stage)) return mark_needed(*earlier);
    const auto later = find_stage(source, stages_.size());
    if (!later) return {};
    return refuse(step.line, "the stage " + printable(source.substr(0, 100)) + " is not before this one",
                  "It starts at line " + std::to_string(stages_[*later].from->line) + ": move it up.");
}

Result<> StagePlan::mark_needed(std::size_t stage) {
    if (needed_[stage]) return {};
    needed_[stage] = true;
    if (stages_[stage].base_stage) TRY(mark_needed(*stages_[stage].base_stage));
    std::vector<const Instruction*> steps = stages_[stage].triggers;
    steps.insert(steps.end(), stages_[stage].steps.begin(), stages_[stage].steps.end());
    for (const Instruction* step : steps) {
        if (const auto source = copy_source_stage(*step); step->name == "COPY" && source)
            TRY(mark_source(*step, *source, stage));
        if (step->name != "RUN") continue;
        for (const std::string& source : run_mount_sources(*step)) TRY(mark_source(*step, source, stage));
    }
    return {};
}

Result<StagePlan> StagePlan::make(Dockerfile dockerfile, const std::string& target,
                                  const std::map<std::string, std::string>& build_args,
                                  const registry::Platform& platform) {
    StagePlan out;
    out.dockerfile_ = std::move(dockerfile);
    out.build_args_ = build_args;
    out.target_name_ = target;
    out.platform_ = normal_platform(platform);
    for (const Instruction& instruction : out.dockerfile_.instructions) {
        if (instruction.name == "ARG") {
            for (const std::string& word : instruction.args)
                out.declared_.insert(word.substr(0, word.find('=')));
        }
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
            for (const Stage& stage : out.stages_) names.emplace_back(stage.name);
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
