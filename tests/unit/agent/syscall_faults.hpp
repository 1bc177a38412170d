// System calls that change files, counted and made to fail: this executable's own definitions stand in front
// of the C library's. Off until armed.
#pragma once

namespace synchost::test {

enum class Fault { fail, kill };

// The `nth` call from now on (1 is the next) fails with this errno, or ends the process at once, as SIGKILL
// would. 0 only counts.
void arm_faults(int nth, Fault fault, int errno_value);
// How many were made since; counting ends.
int disarm_faults();

}  // namespace synchost::test
