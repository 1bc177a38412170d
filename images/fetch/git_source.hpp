// A source of ADD that is a git repository, fetched by this machine's git program:
// "https://host/x.git#ref:folder", "git@host:x.git", "ssh://...", "git://...".
//
// Repository and names are hostile. git gets nothing of this process's environment but PATH and proxies,
// reads no configuration but ours, runs no hook, filter or helper, asks nobody, and may speak http, https,
// ssh and git alone. The files come as a tar out of its objects, never as a working tree. Submodules are
// refused, as each is another source.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

struct GitSource {
    std::string remote;
    std::string ref;     // branch, tag or commit; the remote's default where empty
    std::string folder;  // of the repository, "" is all of it
};

// As BuildKit tells them: an http or https URL whose path ends in ".git", and all that only git can speak.
bool is_git_source(std::string_view source);
// invalid_input where a part of it could be anything but what it stands for.
Result<GitSource> parse_git_source(std::string_view source);

struct GitFiles {
    std::string commit;
    FileTree tree;  // of root, without times
};

struct GitFetcher {
    std::filesystem::path scratch;
    std::optional<std::filesystem::path> ssh_agent;  // a socket

    // `checksum` is a commit or the beginning of one. Errors name the repository: conflict where the commit
    // is another, not_found where there is no git program or no such folder, io where git fails.
    [[nodiscard]] Result<GitFiles> fetch(const GitSource& source,
                                         const std::optional<std::string>& checksum) const;
};

}  // namespace synchost::images
