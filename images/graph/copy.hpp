// COPY between two file trees: what goes where, with which owner, and what the layer holds. No disk, no
// network.
//
// The rules are BuildKit's (llbsolver/file/backend.go, fsutil/copy/copy.go): a folder's contents are copied,
// not the folder; a source that is a symlink is followed, one inside a copied folder is kept; a pattern that
// matches nothing copies nothing. Other than there, several sources need a destination that is a folder, as
// docker's reference says.
//
//   --parents a/./b/c.txt /x/   /x/b/c.txt: what is left of "/./" is cut off, the folders come with their
//   modes
//   --exclude=*.o src /x/       src without what matches, by the rules of .dockerignore below src
//   --link                      laid as on an empty image: no symlink of the image is followed, a folder
//   takes
//                               its place; the folders above keep what they are
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "images/builder.hpp"
#include "images/context/ignore.hpp"
#include "images/graph/copy_mode.hpp"
#include "images/graph/copy_rules.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

// What of a tree came from the build context, in the form of Image::managed_paths but relative: "app/" is a
// folder with all below it, "/" everything, "app/x" one file.
using ManagedPaths = std::vector<std::string>;

struct CopyRequest {
    std::vector<std::string> sources;  // paths or patterns
    std::string destination;           // a trailing '/' makes it a folder
    std::optional<Owner> chown;
    std::optional<ModeChange> chmod;
    IgnoreRules exclude;    // see exclude_rules
    bool parents = false;   // --parents
    bool link = false;      // --link
    bool replaces = false;  // a folder takes a file's place and the other way round, as in ADD of a tar
    std::optional<Owner> managed_owner;  // BuildRequest::managed_owner
    int line = 0;
    // What to say of a source that is not there; where it is empty such sources are passed over.
    std::function<Error(const std::string& source)> missing;
};

struct CopyResult {
    NodeMap layer;         // what was laid, with the folders that lead there
    ManagedPaths managed;  // of the target, added by this COPY
    CopyRules rules;       // as if `from` were the context
};

// Changes `to`. Errors: invalid_input, without the line.
Result<CopyResult> copy_into(const FileTree& from, const ManagedPaths& managed_from,
                             const CopyRequest& request, FileTree& to);

// The patterns of --exclude as rules; invalid_input names the broken one.
Result<IgnoreRules> exclude_rules(const std::vector<std::string>& patterns);

// Makes the folder and those above it where they are missing, and puts all of them into `layer`.
Result<> make_folder(FileTree& tree, const std::string& path, Owner owner, NodeMap& layer,
                     std::uint32_t mode = 0755);

// Sorted, each once, without those that another covers.
ManagedPaths tidy(ManagedPaths paths);

}  // namespace synchost::images
