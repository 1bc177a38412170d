#include "agent/apply/staging_area.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "agent/apply/transaction.hpp"
#include "base/file.hpp"
#include "base/wire.hpp"
#include "protocol/generation_decoder.hpp"

namespace synchost::agent {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::string_view kStateName = "state";
constexpr std::string_view kStateMagic = "SYNCGEN1";
constexpr std::size_t kStateBytes = kStateMagic.size() + 8 + 8;

std::string state_of(protocol::GenerationId id) {
    std::string text(kStateMagic);
    WireWriter writer(text);
    writer.number(std::to_underlying(id));
    writer.number(xxh3(text).low);
    return text;
}

bool is_private_folder_of_ours(int folder) {
    struct stat info{};
    return ::fstat(folder, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
           (info.st_mode & 077) == 0;
}

}  // namespace

std::optional<std::uint64_t> mount_of(int handle) {
    struct statx info{};
    if (::statx(handle, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &info) != 0)
        return std::nullopt;
    if ((info.stx_mask & STATX_MNT_ID) == 0) return std::nullopt;
    return info.stx_mnt_id;
}

Result<> StagingArea::open_state() {
    if (state_) return {};
    state_.reset(::openat(folder_.get(), std::string(kStateName).c_str(),
                          O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!state_) return fail_errno(shown_ + "/state");
    return {};
}

protocol::GenerationId StagingArea::generation() {
    if (!open_state()) return {};
    std::string bytes(kStateBytes, '\0');
    const auto got = read_at(state_.get(), 0, bytes);
    if (!got || *got != bytes.size()) return {};
    const protocol::GenerationId id{
        WireReader(std::string_view(bytes).substr(kStateMagic.size())).number<std::uint64_t>()};
    return state_of(id) == bytes ? id : protocol::GenerationId{};
}

Result<> StagingArea::set_generation(protocol::GenerationId id) {
    TRY(open_state());
    const std::string text = state_of(id);
    // A process that is killed leaves a write of so few bytes done or not done.
    if (::pwrite(state_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        return fail_errno(shown_ + "/state");
    return {};
}

void StagingArea::wipe() {
    struct CloseDir {
        void operator()(DIR* dir) const { ::closedir(dir); }
    };
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(::openat(folder_.get(), ".", kFolderFlags)));
    if (dir == nullptr) return;
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string name = entry->d_name;
        if (name != "." && name != ".." && name != kStateName && name != "journal")
            (void)remove_tree(folder_.get(), name);
    }
}

StagingAreas::StagingAreas(Folders& folders, std::string container, std::vector<std::filesystem::path> places)
    : folders_(folders),
      name_(std::string(protocol::kStagingPrefix) + std::move(container).substr(0, 200)),
      places_(std::move(places)),
      by_root_(folders.roots().size()) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    first_name_ = std::to_string(now.tv_sec) + "-" + std::to_string(now.tv_nsec);
}

std::string StagingAreas::new_name() {
    return first_name_ + "-" + std::to_string(names_++);
}

std::vector<std::filesystem::path> StagingAreas::usual() {
    return {"/tmp", "/var/tmp", "/run", "/dev/shm"};
}

Result<StagingArea> StagingAreas::make_in(int place, const std::string& shown) const {
    if (::mkdirat(place, name_.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(shown + ": stage");
    Fd folder(::openat(place, name_.c_str(), kFolderFlags));
    if (!folder) return fail_errno(shown + ": stage");
    if (!is_private_folder_of_ours(folder.get())) {
        return fail(Errc::conflict, shown + "/" + name_ + " is not a private folder of this user",
                    "Remove it from the image.");
    }
    const auto mount = mount_of(folder.get());
    return StagingArea(std::move(folder), mount, shown + "/" + name_);
}

Result<StagingArea*> StagingAreas::of(std::uint16_t root) {
    if (by_root_[root] != nullptr) return by_root_[root];
    TRY_ASSIGN(const int top, folders_.open(root, {}));
    const auto mount = mount_of(top);
    if (mount) {
        for (StagingArea& area : areas_) {
            if (area.mount() == mount) return by_root_[root] = &area;
        }
        for (const auto& path : places_) {
            const Fd place(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            if (!place || mount_of(place.get()) != mount) continue;
            if (auto area = make_in(place.get(), path.native()))
                return by_root_[root] = &areas_.emplace_back(*std::move(area));
        }
    }
    auto area = make_in(top, folders_.name_of(root, {}));
    if (!area) {
        return std::unexpected(std::move(area).error().hint(
            "Make the folder writable for the container's user: images that synchost builds are."));
    }
    return by_root_[root] = &areas_.emplace_back(*std::move(area));
}

protocol::GenerationId StagingAreas::generation() {
    std::optional<protocol::GenerationId> oldest;
    for (std::uint16_t root = 0; root < by_root_.size(); ++root) {
        const auto area = of(root);
        if (!area) continue;
        const protocol::GenerationId id = (*area)->generation();
        oldest = std::min(oldest.value_or(id), id);
    }
    return oldest.value_or(protocol::GenerationId{});
}

Result<> StagingAreas::set_generation(protocol::GenerationId id) {
    for (StagingArea& area : areas_) TRY(area.set_generation(id));
    return {};
}

}  // namespace synchost::agent
