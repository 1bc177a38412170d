// The value of `services` in synchost.yaml (host/plan/service_config.hpp says what it means).
#pragma once

#include <span>
#include <vector>

#include "base/error.hpp"
#include "host/plan/config_keys.hpp"
#include "host/plan/detail/field_table.hpp"
#include "host/plan/service_config.hpp"

namespace synchost::host::detail {

std::span<const KeySpec> service_keys();

// The lines are noted as "services > api > gate". That what they depend on is there, and does not lead back
// to where it began, is checked.
Result<std::vector<ServiceConfig>> read_services(const ConfigValue& value, const Place& place);

}  // namespace synchost::host::detail
