// What one build and the next one like it have in common, whatever the files are by then.
#pragma once

#include <filesystem>
#include <system_error>

#include "images/builder.hpp"
#include "images/exec/key_writer.hpp"

namespace synchost::images {

inline KeyWriter key_of_place(const BuildRequest& request, const std::filesystem::path& dockerfile) {
    std::error_code ignored;
    KeyWriter key;
    for (const std::filesystem::path& path : {request.context, dockerfile})
        key.add(std::filesystem::weakly_canonical(path, ignored).native());
    const registry::Platform& platform = request.platform;
    key.add(request.target).add(platform.os).add(platform.architecture).add(platform.variant);
    key.add(request.managed_owner ? 1 : 0);
    if (request.managed_owner) key.add(request.managed_owner->uid).add(request.managed_owner->gid);
    return key;
}

}  // namespace synchost::images
