// The value of `steps` in synchost.yaml (host/plan/step_config.hpp says what it means).
#pragma once

#include <vector>

#include "base/error.hpp"
#include "host/plan/detail/field_table.hpp"
#include "host/plan/step_config.hpp"

namespace synchost::host::detail {

// In the order of the file. Folders are as written: the caller resolves them. The lines of what is below are
// noted as "steps > bundle > inputs".
Result<std::vector<StepConfig>> read_steps(const ConfigValue& value, const Place& place);

}  // namespace synchost::host::detail
