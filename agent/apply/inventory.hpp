// What lies at the managed paths: kinds, permission bits and hashes, owners and times left out.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "agent/apply/folders.hpp"
#include "agent/apply/kept_log.hpp"
#include "base/error.hpp"
#include "protocol/generation.hpp"

namespace synchost::agent {

// Calls `entry` for every file, folder and symlink, in no order. What is neither (a socket, a device) and
// temporary names of ours are left out, and so is what vanishes meanwhile. Errors name what could not be
// read.
Result<> take_inventory(Folders& folders, const std::function<void(const protocol::InventoryEntry&)>& entry);

// The same as payloads of inventory_entries, each of about `payload_bytes`, with `ours` set for what the log,
// or `pending` after it, says that a generation put there.
Result<std::vector<std::string>> list_with_owners(const std::vector<std::string>& roots, KeptLog& kept,
                                                  std::vector<KeptChange> pending, std::size_t payload_bytes);

}  // namespace synchost::agent
