// Whether steps wait for each other in a circle. A step waits for those that it depends on; and one whose
// inputs another writes runs after that one, so that such a pair would run each other without end.
#pragma once

#include <string>
#include <vector>

#include "host/plan/step_config.hpp"

namespace synchost::host::detail {

// "bundle -> codegen -> bundle", the shortest from the first step that is in one; "" where there is none. A
// name that is no step's is passed over.
[[nodiscard]] std::string step_circle(const std::vector<StepConfig>& steps);

}  // namespace synchost::host::detail
