// A step's command on a terminal of its own, which is passed on to and from this process's: the shell of
// `synchost build --shell-on-error`.
//
// The command gets a new pseudo-terminal, not ours: it shall be its session's controlling one, and ours
// belongs to the shell that started us. While it runs, ours is raw, so that Ctrl-C is the command's.
#pragma once

#include "base/error.hpp"
#include "images/exec/run_step.hpp"

namespace synchost::images {

// True where standard input and standard error are a terminal.
[[nodiscard]] bool has_terminal();

// As run_step(), with the terminal in place of an output.
Result<int> run_step_on_terminal(Step step, const StepFolder& folder);

}  // namespace synchost::images
