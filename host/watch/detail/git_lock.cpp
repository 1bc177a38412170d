#include "host/watch/detail/git_lock.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/file.hpp"

namespace synchost::host::detail {
namespace {

namespace fs = std::filesystem;

// gitrepository-layout(5): a .git file holds "gitdir: <path>".
std::optional<fs::path> git_folder(const fs::path& dot_git) {
    constexpr std::string_view kPrefix = "gitdir: ";
    constexpr std::size_t kMaxBytes = 8192;
    std::error_code ignored;
    if (fs::is_directory(dot_git, ignored)) return dot_git;
    if (!fs::is_regular_file(dot_git, ignored)) return std::nullopt;
    const auto text = read_file(dot_git, kMaxBytes);
    if (!text || !text->starts_with(kPrefix)) return std::nullopt;
    const std::string_view target = std::string_view(*text).substr(kPrefix.size());
    return dot_git.parent_path() / target.substr(0, target.find('\n'));
}

std::optional<fs::path> lock_of(const fs::path& root) {
    for (fs::path folder = root;; folder = folder.parent_path()) {
        if (const auto git = git_folder(folder / ".git")) return *git / "index.lock";
        if (folder == folder.root_path()) return std::nullopt;
    }
}

}  // namespace

GitLocks::GitLocks(const std::vector<fs::path>& roots) {
    for (const fs::path& root : roots) {
        auto lock = lock_of(root);
        if (lock && std::ranges::find(locks_, *lock) == locks_.end()) locks_.push_back(*std::move(lock));
    }
}

bool GitLocks::held(std::chrono::system_clock::time_point now) const {
    return std::ranges::any_of(locks_, [&](const fs::path& lock) {
        struct stat info{};
        if (::stat(lock.c_str(), &info) != 0) return false;
        return now - std::chrono::system_clock::from_time_t(info.st_mtim.tv_sec) < kStale;
    });
}

}  // namespace synchost::host::detail
