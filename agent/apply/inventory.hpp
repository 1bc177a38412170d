// What lies at the managed paths: kinds, permission bits and hashes, owners and times left out.
#pragma once

#include <functional>

#include "agent/apply/folders.hpp"
#include "base/error.hpp"
#include "protocol/generation.hpp"

namespace synchost::agent {

// Calls `entry` for every file, folder and symlink, in no order. What is neither (a socket, a device) and
// temporary names of ours are left out, and so is what vanishes meanwhile. Errors name what could not be
// read.
Result<> take_inventory(Folders& folders, const std::function<void(const protocol::InventoryEntry&)>& entry);

}  // namespace synchost::agent
