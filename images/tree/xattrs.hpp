// Extended attributes of a file, as far as an image carries them: user.* and security.capability. All others
// belong to the machine (security labels, ACLs, trusted.*) or to overlayfs.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::images {

using Xattrs = std::map<std::string, std::string, std::less<>>;  // values are bytes

// Of one file, names and values together: what Linux allows is less.
inline constexpr std::size_t kMaxXattrBytes = std::size_t{1} << 20;

[[nodiscard]] bool carries_xattr(std::string_view name);

// Those of the file that an image carries; null where there are none, or where the file system has none. The
// last component is not followed where it is a symlink. Errors: io; not_found.
Result<std::shared_ptr<const Xattrs>> read_xattrs(const std::string& path);
// The same for a name in an open folder.
Result<std::shared_ptr<const Xattrs>> read_xattrs(int folder, const std::string& name);

}  // namespace synchost::images
