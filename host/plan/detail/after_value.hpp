// The value of `after` in synchost.yaml (host/plan/after.hpp says what it means).
#pragma once

#include <span>
#include <vector>

#include "base/error.hpp"
#include "host/plan/after.hpp"
#include "host/plan/config_keys.hpp"
#include "host/plan/detail/field_table.hpp"

namespace synchost::host::detail {

std::span<const KeySpec> after_keys();
std::span<const KeySpec> action_keys();

// `place` is where the key `after` stands; the lines of what is below it are noted as
// "images > api > after > 1 > do", counted from 1.
Result<std::vector<AfterRule>> read_after(const ConfigValue& value, const Place& place);

}  // namespace synchost::host::detail
