// The managed paths of a container as directory handles. Each root's folder is opened once, before the app
// has run for the first time; from then on every path is resolved from that handle by openat2(2) with
// RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS and RESOLVE_NO_SYMLINKS, so that no path leaves its root and nothing
// is written through a symlink, whatever the app does to its folders meanwhile.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/rel_path.hpp"

namespace synchost::agent {

class Folders {
  public:
    // `roots` are absolute, normalised paths; one with a trailing '/' is a folder, one without a single file.
    // A folder that does not exist yet is opened (or made, where only its last component is missing) when it
    // is first needed.
    explicit Folders(std::vector<std::string> roots);

    [[nodiscard]] const std::vector<std::string>& roots() const { return roots_; }
    [[nodiscard]] bool is_folder(std::uint16_t root) const { return roots_[root].ends_with('/'); }
    // "/app/" and "web/a.js" as "/app/web/a.js", for messages.
    [[nodiscard]] std::string name_of(std::uint16_t root, std::string_view path) const;

    // A handle (O_PATH) of the folder `path` below the root's folder; "" is that folder itself. Owned by this
    // object and valid until the next call or release(). not_found where it is missing; a clear error for a
    // symlink on the way.
    Result<int> open(std::uint16_t root, std::string_view path);
    void forget(std::uint16_t root, std::string_view path);
    // Closes all but the roots; each of these is looked at again before it is used.
    void release();

  private:
    Result<int> open_root(std::uint16_t root);
    struct Root {
        Fd handle;  // none where the folder was missing
        bool is_checked = false;
    };
    std::vector<std::string> roots_;
    std::vector<Root> handles_;  // of roots_
    std::map<std::pair<std::uint16_t, std::string>, Fd, std::less<>> cache_;
};

// A handle (O_PATH) of a folder below `top` by openat2(2), without leaving it and through no symlink; none,
// with errno, where that is impossible.
Fd open_beneath(int top, const std::string& path);

// The entry `name` of a folder, not followed; nullopt where there is none.
Result<std::optional<struct stat>> entry_of(int folder, const std::string& name);

// "absolute, without empty, "." or ".." components": what a root on the command line must be.
Result<> check_root(std::string_view root);

}  // namespace synchost::agent
