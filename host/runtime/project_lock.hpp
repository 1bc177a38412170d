// One run of a project at a time.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace synchost::host {

// Held until the handle is closed, or the process ends. conflict, with the holder's pid, where another has
// it.
Result<Fd> take_project_lock(const std::filesystem::path& file);

}  // namespace synchost::host
