#include "images/explain/explain.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kToldReasons = 10;
constexpr std::size_t kToldText = 100;

using Indexes = std::vector<std::size_t>;

// What of the old build a new step is: the same, an earlier form, or nothing.
struct Ancestor {
    const StepInputs* step = nullptr;
    bool is_edited = false;
};

std::string_view first_word(const StepInputs& step) {
    return std::string_view(step.instruction).substr(0, step.instruction.find(' '));
}

// Pairs of the steps of one stage, by the longest common subsequence of their texts.
class Alignment {
  public:
    Alignment(const std::vector<RecordedStep>& now, const std::vector<StepInputs>& before, Indexes now_at,
              Indexes before_at)
        : now_(now), before_(before), now_at_(std::move(now_at)), before_at_(std::move(before_at)) {}

    void run(std::vector<Ancestor>& out) {
        const std::size_t rows = now_at_.size();
        const std::size_t columns = before_at_.size();
        lengths_.assign((rows + 1) * (columns + 1), 0);
        for (std::size_t i = rows; i-- > 0;) {
            for (std::size_t j = columns; j-- > 0;) {
                length(i, j) = is_same(i, j) ? static_cast<std::uint16_t>(length(i + 1, j + 1) + 1)
                                             : std::max(length(i + 1, j), length(i, j + 1));
            }
        }
        std::size_t i = 0;
        std::size_t j = 0;
        Indexes added;
        Indexes gone;
        while (i < rows || j < columns) {
            if (i < rows && j < columns && is_same(i, j)) {
                pair_edited(added, gone, out);
                out[now_at_[i++]] = {&before_[before_at_[j++]], false};
            } else if (j == columns || (i < rows && length(i + 1, j) >= length(i, j + 1))) {
                added.push_back(now_at_[i++]);
            } else {
                gone.push_back(before_at_[j++]);
            }
        }
        pair_edited(added, gone, out);
    }

  private:
    std::uint16_t& length(std::size_t i, std::size_t j) { return lengths_[i * (before_at_.size() + 1) + j]; }
    [[nodiscard]] bool is_same(std::size_t i, std::size_t j) const {
        return now_[now_at_[i]].inputs.instruction_hash == before_[before_at_[j]].instruction_hash;
    }
    void pair_edited(Indexes& added, Indexes& gone, std::vector<Ancestor>& out) const {
        for (const std::size_t at : added) {
            const auto found = std::ranges::find_if(gone, [&](std::size_t old) {
                return first_word(before_[old]) == first_word(now_[at].inputs);
            });
            if (found == gone.end()) continue;
            out[at] = {&before_[*found], true};
            gone.erase(gone.begin(), found + 1);
        }
        added.clear();
        gone.clear();
    }

    const std::vector<RecordedStep>& now_;
    const std::vector<StepInputs>& before_;
    Indexes now_at_;
    Indexes before_at_;
    std::vector<std::uint16_t> lengths_;
};

std::vector<Ancestor> find_ancestors(const std::vector<RecordedStep>& now,
                                     const std::vector<StepInputs>& before) {
    std::map<std::string_view, std::pair<Indexes, Indexes>> stages;
    for (std::size_t i = 0; i < std::min(now.size(), kMaxExplainedSteps); ++i)
        stages[now[i].inputs.stage].first.push_back(i);
    for (std::size_t i = 0; i < before.size(); ++i) stages[before[i].stage].second.push_back(i);
    std::vector<Ancestor> out(now.size());
    for (auto& [name, indexes] : stages)
        Alignment(now, before, std::move(indexes.first), std::move(indexes.second)).run(out);
    return out;
}

ReasonKind reason_of(InputKind kind) {
    return static_cast<ReasonKind>(kind);
}

class Difference {
  public:
    explicit Difference(ExplainedStep& out) : out_(out) {}

    void find(const StepInputs& now, const StepInputs& before) {
        auto old = before.inputs.begin();
        for (const StepInput& input : now.inputs) {
            while (old != before.inputs.end() && key(*old) < key(input)) add(*old++, Change::gone);
            if (old == before.inputs.end() || key(input) < key(*old)) {
                add(input, Change::added);
                continue;
            }
            if (input.value != old->value || (input.kind == InputKind::base && input.name != old->name)) {
                add(input, Change::changed);
            } else if (input.look != old->look) {
                add(input, Change::look);
            }
            ++old;
        }
        while (old != before.inputs.end()) add(*old++, Change::gone);
        const bool told = std::ranges::any_of(
            out_.reasons, [](const Reason& reason) { return reason.kind == ReasonKind::file; });
        if (!told && (now.files != before.files || now.files_hash != before.files_hash))
            add({ReasonKind::files, Change::changed, std::to_string(now.files)});
    }
    void add(Reason reason) {
        if (out_.reasons.size() < kMaxReasons) {
            out_.reasons.push_back(std::move(reason));
        } else {
            ++out_.more;
        }
    }

  private:
    // A stage has one base: another name of it is a change.
    static std::pair<InputKind, std::string_view> key(const StepInput& input) {
        return {input.kind, input.kind == InputKind::base ? std::string_view() : input.name};
    }
    void add(const StepInput& input, Change change) { add({reason_of(input.kind), change, input.name}); }
    ExplainedStep& out_;
};

// Whether the files of both are kept one by one.
bool comparable(const StepInputs& step) {
    return step.files == 0 || std::ranges::any_of(step.inputs, [](const StepInput& input) {
               return input.kind == InputKind::file;
           });
}

StepInputs without_files(const StepInputs& step) {
    StepInputs out = step;
    std::erase_if(out.inputs, [](const StepInput& input) { return input.kind == InputKind::file; });
    return out;
}

void find_reasons(const StepInputs& now, const Ancestor& ancestor, ExplainedStep& out) {
    Difference difference(out);
    if (ancestor.step == nullptr || ancestor.is_edited) {
        const bool edited = ancestor.step != nullptr;
        difference.add({ReasonKind::instruction, edited ? Change::changed : Change::added,
                        edited ? ancestor.step->instruction : ""});
        return;
    }
    if (comparable(now) && comparable(*ancestor.step)) {
        difference.find(now, *ancestor.step);
    } else {
        difference.find(without_files(now), without_files(*ancestor.step));
    }
    if (out.reasons.empty()) difference.add({ReasonKind::lost, Change::gone, ""});
}

std::string shortened(std::string_view text) {
    if (text.size() <= kToldText) return printable(text);
    return printable(text.substr(0, kToldText - 3)) + "...";
}

constexpr std::array<std::string_view, 4> kTold = {" changed", " is new", " is gone",
                                                   " has another mode or owner"};

}  // namespace

std::vector<ExplainedStep> explain(const std::vector<RecordedStep>& now,
                                   const std::optional<std::vector<StepInputs>>& before) {
    std::vector<ExplainedStep> out;
    const std::vector<Ancestor> ancestors =
        before ? find_ancestors(now, *before) : std::vector<Ancestor>(now.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
        ExplainedStep& step = out.emplace_back(ExplainedStep{.line = now[i].line,
                                                             .stage = now[i].inputs.stage,
                                                             .instruction = now[i].inputs.instruction,
                                                             .is_cached = now[i].is_cached,
                                                             .is_failed = now[i].is_failed,
                                                             .time_us = now[i].time_us,
                                                             .reasons = {}});
        if (step.is_cached || (step.is_failed && now[i].inputs.inputs.empty())) continue;
        if (before) {
            find_reasons(now[i].inputs, ancestors[i], step);
        } else {
            step.reasons.push_back({ReasonKind::first_build, Change::added, ""});
        }
    }
    return out;
}

std::string sentence_of(const Reason& reason) {
    const std::string name = shortened(reason.name);
    const std::string told(kTold[static_cast<std::size_t>(reason.change)]);
    switch (reason.kind) {
        case ReasonKind::base:
            return "the base image " + name + told;
        case ReasonKind::step:
            if (reason.change == Change::changed) return "an earlier step made another layer: " + name;
            return "an earlier step" + told + ": " + name;
        case ReasonKind::variable:
            return "the variable " + name + told;
        case ReasonKind::setting:
        case ReasonKind::file:
            return name + told;
        case ReasonKind::files:
            return "some of its " + name + " files changed: too many to keep them one by one";
        case ReasonKind::first_build:
            return "no earlier build of this target is known";
        case ReasonKind::instruction:
            return reason.change == Change::added ? "the instruction is new" : "the instruction was: " + name;
        case ReasonKind::lost:
            return "nothing changed, but what it made is no longer in the store";
    }
    return name + told;
}

std::vector<ExplainedStep> with_earlier(std::vector<ExplainedStep> steps,
                                        const std::vector<ExplainedStep>& earlier) {
    const bool are_the_same = std::ranges::equal(
        steps, earlier, {}, [](const ExplainedStep& step) { return std::pair(step.line, step.stage); },
        [](const ExplainedStep& step) { return std::pair(step.line, step.stage); });
    if (!are_the_same) return steps;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::uint64_t time = steps[i].time_us + earlier[i].time_us;
        if (steps[i].is_cached && !earlier[i].is_cached) steps[i] = earlier[i];
        steps[i].time_us = time;
    }
    return steps;
}

std::string explanation_text(const std::vector<ExplainedStep>& steps, std::string_view dockerfile) {
    std::string out;
    for (const ExplainedStep& step : steps) {
        out += step.is_failed ? "failed  " : step.is_cached ? "cached  " : "made    ";
        out += std::string(dockerfile) + ":" + std::to_string(step.line) + " " + shortened(step.instruction);
        out += '\n';
        const std::size_t told = std::min(step.reasons.size(), kToldReasons);
        for (std::size_t i = 0; i < told; ++i) out += "          " + sentence_of(step.reasons[i]) + "\n";
        if (const std::size_t more = step.reasons.size() - told + step.more; more > 0)
            out += "          and " + std::to_string(more) + " more\n";
    }
    return out;
}

std::string_view word_of(ReasonKind kind) {
    constexpr std::array<std::string_view, 9> kWords = {
        "base", "step", "variable", "setting", "file", "files", "firstBuild", "instruction", "lost"};
    return kWords[static_cast<std::size_t>(kind)];
}

std::string_view word_of(Change change) {
    constexpr std::array<std::string_view, 4> kWords = {"changed", "new", "gone", "look"};
    return kWords[static_cast<std::size_t>(change)];
}

}  // namespace synchost::images
