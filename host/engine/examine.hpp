// Looks at the user's tree: what the mirror of an image holds after a build, and how a batch of edits differs
// from it. Blocking; runs on the pool while the service's lock is held.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/engine/detail/compare.hpp"
#include "host/engine/mirror.hpp"
#include "host/tree/file_index.hpp"
#include "images/builder.hpp"

namespace synchost::host {

// Every managed path with its source and the source's stamp. Taken before a build reads the tree: what is
// saved after that has another stamp.
struct Survey {
    NodeTable nodes;
    std::vector<std::string> managed_paths;
    std::optional<CopyPlan> plan;
    std::vector<images::BakedSource> baked;
    std::vector<std::string> baked_files;  // sources
};
Result<Survey> survey(const images::BuildRequest& request);

// How the tree differs from the mirror in the given sources (relative to the context; a folder stands for all
// below). A file counts as changed when its content does; one whose content was never read counts as changed,
// because somebody touched it. One that changes while it is read is left out: the event for that follows.
Result<TreeUpdate> examine(const std::set<std::string>& sources, const images::BuildRequest& request,
                           const Mirror& mirror, Look look);
// The same by a look at every name of the tree: what examine() does by itself where the paths alone do not
// tell (images/graph/copy_rules.hpp). With 100,000 files that takes a second.
Result<TreeUpdate> examine_wholly(const std::set<std::string>& sources, const images::BuildRequest& request,
                                  const Mirror& mirror, Look look);

// The same for the whole tree, after events were lost: here a trusted stamp that is still the same spares the
// reading.
Result<TreeUpdate> examine_all(const images::BuildRequest& request, const Mirror& mirror, Look look);

// What a container lacks of the tree, by its own account of what it holds.
struct Comparison {
    std::vector<Mirror::Changed>
        lacks;        // sorted by image path; those that the mirror has not are to be removed
    NodeMap learned;  // hashes of the tree that were found on the way
};
// `gone`: image paths that the container may have of its image, and that are no longer of the tree.
Result<Comparison> differences(const protocol::Inventory& inventory, const Mirror& mirror,
                               const std::set<std::string>& gone, Look look);

// A path that a container lacks, as the mirror has it; no node means that it is to be removed.
struct WantedPath {
    std::string image_path;
    std::optional<Node> node;
    std::optional<Xxh3> had;                   // the content that the container has, where that is known
    std::shared_ptr<const std::string> bytes;  // where they were read already
    std::optional<KnownDifference> difference;
    bool bulky = false;
};
// Makes the generation; contents are read when they are encoded. A source that vanished meanwhile is left
// out: its event follows.
Result<protocol::Generation> assemble(protocol::GenerationId id,
                                      const std::vector<std::string>& managed_paths,
                                      const std::vector<WantedPath>& wanted, Contents& contents);

}  // namespace synchost::host
