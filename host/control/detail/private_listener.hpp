// A unix socket that one user alone can reach.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace synchost::host::detail {

// Listens without blocking, in place of whatever has that name. auth where others may enter its folder.
Result<Fd> listen_private(const std::filesystem::path& path);

// Whether the peer is this user, or root.
[[nodiscard]] bool is_same_user(int socket);

}  // namespace synchost::host::detail
