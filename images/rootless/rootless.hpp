// RUN for an ordinary user: the whole build goes on in a helper, the same program started again in a user
// namespace where it is root, with the user's own id as 0 and the ids of /etc/subuid and /etc/subgid from 1
// on.
//
//     build() ── socket: request ──▶ program HELPER-WORD     (newuidmap and newgidmap write its maps)
//        ▲  ◀── lines, then the image ──  build() as root of the namespace, on the same store
//
// The helper is executed and not only forked, because its parent may have many threads. Blobs and records
// that it makes are the user's own; unpacked layers and cache mounts have owners of the namespace, which the
// user cannot remove outside of it: so pruning, too, goes there where the store has such folders. The answer
// is taken while the helper still holds the image's blobs. It dies with its parent, and its steps with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/builder.hpp"
#include "images/store/prune.hpp"

namespace synchost::images {

// The word after the program's name that tells main() to call serve_rootless().
inline constexpr std::string_view kRootlessHelper = "rootless-helper";
// BuildTools::rootless_helper of a program whose main() does so.
std::vector<std::string> own_rootless_helper();
// Answers the one question on the descriptor that it was started with, and returns the exit code.
int serve_rootless();

// True of an ordinary user.
bool is_rootless();

// build(), in a helper. unsupported, with what to do, where this machine has no ids for the user, or no user
// namespaces.
Result<Image> build_rootless(const BuildRequest& request, const BuildTools& tools);

// Whether a helper starts here; errors as of build_rootless().
Result<> check_rootless(const std::vector<std::string>& helper);

// As prune_store() and measure_store(), in a helper where the store needs one and there is one. Without a
// namespace the first is unsupported, and the second measures what the user can see.
Result<PruneReport> prune_own_store(const std::filesystem::path& store, PruneScope scope,
                                    std::uint64_t keep_bytes, const std::vector<std::string>& helper);
Result<StoreUsage> measure_own_store(const std::filesystem::path& store,
                                     const std::vector<std::string>& helper);

}  // namespace synchost::images
