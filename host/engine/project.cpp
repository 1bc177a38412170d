#include "host/engine/project.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/digest.hpp"
#include "base/file.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

// The XDG base directory specification: an unset, empty or relative value means the default.
Result<fs::path> xdg_folder(const char* variable, const char* below_home) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value == '/') return fs::path(value);
    const char* home = std::getenv("HOME");
    if (home != nullptr && *home == '/') return fs::path(home) / below_home;
    return fail(Errc::not_found, std::string("neither ") + variable + " nor HOME is set", "Set HOME.");
}

}  // namespace

Result<fs::path> cache_folder() {
    TRY_ASSIGN(const fs::path home, xdg_folder("XDG_CACHE_HOME", ".cache"));
    TRY(make_folders(home / "synchost", 0700));
    return home / "synchost";
}

Result<ProjectFolders> open_project_folders(const std::string& name, const fs::path& root) {
    TRY_ASSIGN(const fs::path state_home, xdg_folder("XDG_STATE_HOME", ".local/state"));
    TRY_ASSIGN(fs::path cache, cache_folder());
    const std::string hash = sha256(root.native()).hex().substr(0, 8);
    ProjectFolders folders{state_home / "synchost" / (name + "-" + hash), std::move(cache)};
    TRY(make_folders(folders.state, 0700));
    return folders;
}

Result<protocol::PskKey> load_or_make_key(const fs::path& state) {
    const fs::path path = state / "key";
    auto fd = open_file(path, O_RDONLY | O_NOFOLLOW);
    if (!fd && fd.error().code == Errc::not_found) {
        TRY_ASSIGN(const protocol::PskKey key, protocol::PskKey::generate());
        TRY(write_file_atomic(path, key.to_text(), 0600));
        return key;
    }
    if (!fd) return std::unexpected(std::move(fd.error()));
    struct stat info{};
    if (::fstat(fd->get(), &info) != 0) return fail_errno(path.native());
    if ((info.st_mode & 077) != 0) {
        return fail(Errc::auth, path.native() + ": the key can be read by others",
                    "Remove the file; the next `synchost watch` makes a new key.");
    }
    TRY_ASSIGN(const std::string text, read_all(fd->get(), 4096));
    return protocol::PskKey::parse(text);
}

}  // namespace synchost::host
