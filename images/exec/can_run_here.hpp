// Whether this machine executes programs of a platform: its own, or by an emulator that binfmt_misc knows.
// The one place that is asked before a RUN.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "registry-client/manifest.hpp"

namespace synchost::images {

// unsupported, with the way to an emulator, where it does not. A step runs in a root of its own, so an
// emulator counts only with binfmt_misc's flag F, which opens it when it is registered (kernel
// Documentation/admin-guide/binfmt-misc). `here` and `emulators`, the folder of binfmt_misc, are those of
// this machine but in tests.
Result<> can_run_here(const registry::Platform& platform,
                      const registry::Platform& here = registry::host_platform(),
                      const std::filesystem::path& emulators = "/proc/sys/fs/binfmt_misc");

}  // namespace synchost::images
