// A unix socket's path as bind(2) and connect(2) take it: at most 107 bytes. A longer one is named through a
// handle of its folder.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace synchost::host::detail {

struct SocketName {
    std::string path;
    Fd folder;  // open while the path is used
};
Result<SocketName> socket_name(const std::filesystem::path& path);

}  // namespace synchost::host::detail
