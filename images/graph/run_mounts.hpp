// The flags of RUN as values: --mount, --network and --security
// (docker's reference of RUN; moby/buildkit frontend/dockerfile/instructions/commands_runmount.go).
//
//   --mount=type=cache,target=/root/.npm            kept between builds, outside of the image
//   --mount=type=bind,from=build,source=/out,target=/in   files of a stage, an image or the context
//   --mount=type=secret,id=token,env=TOKEN          seen by this step alone
//   --mount=type=tmpfs,target=/scratch,size=64m
//   --mount=type=ssh                                the socket of an ssh agent
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/dockerfile/expand.hpp"
#include "images/dockerfile/parser.hpp"

namespace synchost::images {

enum class MountType : std::uint8_t { bind, cache, tmpfs, secret, ssh };
enum class CacheSharing : std::uint8_t { shared, exclusive, locked };  // `exclusive` is written "private"

struct RunMount {
    MountType type = MountType::bind;
    std::string from;    // bind and cache: a stage, an image or a named context; the build context where ""
    std::string source;  // bind and cache
    std::string target;  // as written; of a secret that is given as a variable ""
    std::string id;
    std::string env;  // secret
    bool writable = false;
    bool required = false;
    CacheSharing sharing = CacheSharing::shared;
    std::uint64_t size_bytes = 0;  // tmpfs
    std::optional<std::uint32_t> mode;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

struct RunFlags {
    std::vector<RunMount> mounts;
    bool network_none = false;
};

// Values are expanded with `variables`, but for `from`, which takes none. Errors: invalid_input without the
// line, unsupported for what would give the step more than it has (--security=insecure).
Result<RunFlags> parse_run_flags(const Instruction& instruction, const Variables& variables, char escape);

// The `from` of every --mount, as far as the flags can be read.
std::vector<std::string> run_mount_sources(const Instruction& instruction);

}  // namespace synchost::images
