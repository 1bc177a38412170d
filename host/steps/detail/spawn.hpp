// The start of a program: the part of StepProcess that speaks to the kernel.
#pragma once

#include <sys/types.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "host/steps/detail/step_process.hpp"

namespace synchost::host::detail {

struct Spawned {
    pid_t pid = -1;  // also its process group
    Fd ended;        // readable when it has ended: pidfd_open(2)
    Fd output;       // the read end of its output, non-blocking
};

Result<Spawned> spawn(const StepProgram& program);

}  // namespace synchost::host::detail
