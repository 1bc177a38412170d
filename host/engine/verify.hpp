// Holds what a container has, by its own account, against what it should have: every path that differs, and
// what lies beside them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/xxh3.hpp"
#include "host/control/status.hpp"
#include "host/engine/mirror.hpp"
#include "host/tree/file_index.hpp"
#include "protocol/generation.hpp"

namespace synchost::host {

// One managed path as it should be.
struct ExpectedPath {
    std::string image_path;
    protocol::ChangeKind kind = protocol::ChangeKind::put_file;  // never remove
    std::uint32_t mode = 0;                                      // files and folders
    Xxh3 hash;                                                   // of the content or the link's target
};

// Those of the mirror that lie in its managed paths, sorted. Contents that were never read are read. conflict
// where a file changed or went meanwhile: its own event follows. Blocking.
Result<std::vector<ExpectedPath>> expected_paths(const Mirror& mirror, FileIndex& index);

// Pure. What a container says that has exactly these paths; one that holds files of the app's own says
// another.
protocol::TreeDigest digest_of(const std::vector<ExpectedPath>& expected,
                               const std::vector<std::string>& managed_paths, protocol::GenerationId id);

// Pure. Of a path that is both, the kind that it has counts before its mode, and that before its content.
Verification compare_inventory(const protocol::Inventory& inventory,
                               const std::vector<ExpectedPath>& expected);

}  // namespace synchost::host
