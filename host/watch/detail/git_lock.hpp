// Whether git is at work in a tree. It holds index.lock from before the first file of a checkout, merge,
// stash or reset until after the last, with pauses in between that no quiet time would bridge.
#pragma once

#include <chrono>
#include <filesystem>
#include <vector>

namespace synchost::host::detail {

class GitLocks {
  public:
    // Looks for the repository of each root: .git in it or in a folder above, be it a folder or, in a
    // worktree, a file that says where the folder is. A root outside of git has none.
    explicit GitLocks(const std::vector<std::filesystem::path>& roots);

    // A lock older than kStale at `now` was left by a git that died, and is not heeded.
    [[nodiscard]] bool held(std::chrono::system_clock::time_point now) const;

    static constexpr std::chrono::seconds kStale{30};

  private:
    std::vector<std::filesystem::path> locks_;  // paths that exist while git is at work
};

}  // namespace synchost::host::detail
