// The binary copies itself to where app containers mount it from.
#pragma once

#include <filesystem>

#include "base/error.hpp"

namespace synchost::agent {

// Makes DIR/synchost-agent (0555) a copy of the running binary, replacing one that may run by rename.
Result<> install_self(const std::filesystem::path& dir);

}  // namespace synchost::agent
