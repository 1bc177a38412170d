// Which steps of a build were taken from the cache, and, of those that were made, what had changed since the
// last build of the same: `synchost build --explain`.
//
// Steps of the two builds are brought together per stage by their text (the longest common subsequence, as of
// diff); what is left between two pairs and begins with the same word counts as edited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "images/explain/step_inputs.hpp"

namespace synchost::images {

enum class ReasonKind : std::uint8_t {
    base,
    step,
    variable,
    setting,
    file,
    files,        // more of them than are kept one by one; `name` says how many
    first_build,  // nothing is known of an earlier one
    instruction,  // new, or edited
    lost,         // nothing changed, but what the step made is no longer in the store
};
enum class Change : std::uint8_t { changed, added, gone, look };  // look: a file's mode or owner alone

struct Reason {
    ReasonKind kind = ReasonKind::file;
    Change change = Change::changed;
    std::string name;
    bool operator==(const Reason&) const = default;
};

struct ExplainedStep {
    int line = 0;
    std::string stage;  // its name, or its number
    std::string instruction;
    bool is_cached = false;
    bool is_failed = false;       // the build ended with it
    std::uint64_t time_us = 0;    // that it took, also to find it in the cache
    std::vector<Reason> reasons;  // of a step that was made, or was to be; at most kMaxReasons
    std::size_t more = 0;         // reasons that are not among them
};
inline constexpr std::size_t kMaxReasons = 100;

struct RecordedStep {
    int line = 0;
    bool is_cached = false;
    bool is_failed = false;  // `inputs` has no inputs then where it did not come to reading them
    StepInputs inputs;
    std::uint64_t time_us = 0;
};

// `before` are the steps of the last build, nothing where none is known.
std::vector<ExplainedStep> explain(const std::vector<RecordedStep>& now,
                                   const std::optional<std::vector<StepInputs>>& before);

// For people: a line for each step and one for each of its first ten reasons.
std::string explanation_text(const std::vector<ExplainedStep>& steps, std::string_view dockerfile);

// For people: "requirements.txt changed". Printable.
std::string sentence_of(const Reason& reason);

// Of two builds in a row that stand for one: what the first one made counts as made, and its time is added.
std::vector<ExplainedStep> with_earlier(std::vector<ExplainedStep> steps,
                                        const std::vector<ExplainedStep>& earlier);

// "file", "changed": the words of the JSON form.
std::string_view word_of(ReasonKind kind);
std::string_view word_of(Change change);

}  // namespace synchost::images
