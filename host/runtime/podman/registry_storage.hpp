// What the registries of all projects share on disk, and its blobs that no manifest names any more: those are
// removed once a day, by the registry's own collector, which may not run while somebody pushes.
#pragma once

#include <chrono>
#include <filesystem>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace synchost::host::podman {

inline constexpr std::chrono::hours kBetweenCollections{24};

// Held for as long as a registry serves from the storage. Before it is given, the storage is collected where
// nobody else holds it and the last time is `pause` ago; whether that worked is of no matter to the caller.
// Blocks for as long as another one collects. `program` is docker-registry, `config` names the storage.
Result<Fd> use_registry_storage(const std::filesystem::path& storage, const std::filesystem::path& program,
                                const std::filesystem::path& config,
                                std::chrono::seconds pause = kBetweenCollections);

}  // namespace synchost::host::podman
