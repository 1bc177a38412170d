// The user and group ids that this process can give to files. Root of the machine has all of them; in a user
// namespace root has those that are mapped (user_namespaces(7)), and on the disk they are other numbers. So
// what is unpacked in one mapping is wrong in every other: folders with owners carry the mapping in their
// names.
//
// overlayfs, too, speaks another dialect there: it keeps what it knows of a folder in user.overlay.*, because
// trusted.* is for root of the machine (kernel overlayfs.rst, `userxattr`). Whiteouts are the same in both.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace synchost::images {

// False for root of the machine.
bool in_user_namespace();

// "" there, else "-" and 8 digits that stand for the mapping.
const std::string& id_space_suffix();

// Of a folder that hides what layers below it hold: value "y".
const char* opaque_attribute();

// Of a chown that failed; takes errno. An id that is not mapped is named, with those that are.
[[nodiscard]] std::unexpected<Error> fail_owner(std::uint32_t uid, std::uint32_t gid);

// The ids that there are, and where more come from; "" for root of the machine.
std::string ids_help();

}  // namespace synchost::images
