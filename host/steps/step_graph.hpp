// Which steps a saved path concerns, and in what order steps run. Positions are those of steps(), which is
// sorted so that each stands after those that it depends on.
//
// What is saved is told by paths alone, and a path that is absent or was replaced stands for all that lay
// below it (host/watch/batch.hpp). So there are two answers: `reads`, an input by its name, and `perhaps`,
// something below which inputs may lie. The second is checked against the contents before anything runs.
//
//     inputs           saved              answer
//     ui/src/**        ui/src/a.ts        reads
//     ui/src/**        ui                 perhaps
//     ui/src/**        README.md          no
//     **/*.ts          README.md          perhaps: it may have been a folder
//
// An input that another step writes is `perhaps`, too: the news of it comes when the step that reads it may
// have begun already.
//
// Below a folder named .git nothing is an input, and what a step writes is no input of its own. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/plan/step_config.hpp"

namespace synchost::host {

enum class StepConcern : std::uint8_t { no, perhaps, reads };

class StepGraph {
  public:
    // Steps as parse_config() gives them: every dependency is there, and there is no circle.
    explicit StepGraph(std::vector<StepConfig> steps);

    [[nodiscard]] const std::vector<StepConfig>& steps() const { return steps_; }
    // Of the step at `at`: those that it depends on, all before it; and those that depend on it, at any
    // distance.
    [[nodiscard]] const std::vector<std::size_t>& depends_on(std::size_t at) const { return needs_[at]; }
    [[nodiscard]] std::vector<std::size_t> dependents(std::size_t at) const;

    // `path` is relative to the folder of synchost.yaml, '/'-separated and normal.
    [[nodiscard]] StepConcern concern(std::size_t at, std::string_view path) const;
    [[nodiscard]] bool writes(std::size_t at, std::string_view path) const;

  private:
    std::vector<StepConfig> steps_;
    std::vector<std::vector<std::size_t>> needs_;
};

// Whether a file at `path` is an input; and whether one may lie below it, where it is a folder.
[[nodiscard]] bool is_input(const StepConfig& step, std::string_view path);
[[nodiscard]] bool may_hold_inputs(const StepConfig& step, std::string_view path);
// Whether it is one of the outputs, or lies below one.
[[nodiscard]] bool is_output(const StepConfig& step, std::string_view path);

}  // namespace synchost::host
