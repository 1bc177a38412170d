// A synchost.yaml for what a survey found, with comments that say why. Pure.
#pragma once

#include <string>

#include "base/error.hpp"
#include "host/init/carried.hpp"
#include "host/init/survey.hpp"

namespace synchost::host {

// The text, which parse_config() takes. What was carried over from another tool's file goes before what the
// survey suggests. `name`: of the project. not_found, with the next step, where there is
// no Dockerfile or no manifest to begin with.
Result<std::string> propose_config(const Survey& survey, const Carried& carried, const std::string& name);

}  // namespace synchost::host
