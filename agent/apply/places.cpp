// How a transaction addresses what it moves: by a handle of the folder, in the tree or in the staging area.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "agent/apply/transaction.hpp"

namespace synchost::agent {

Result<int> Transaction::open_folder_of(const Place& place) {
    if (!place.in_area) return folders_.open(place.root, place.folder);
    TRY_ASSIGN(StagingArea* const area, areas_.of(place.root));
    if (place.folder.empty()) return area->folder();
    if (last_folder_ && last_place_.root == place.root && last_place_.folder == place.folder)
        return last_folder_->get();
    Fd folder = open_beneath(area->folder(), place.folder);
    if (!folder) return fail_errno(name_of(place));
    last_folder_ = std::make_shared<const Fd>(std::move(folder));
    last_place_ = {place.root, true, place.folder, {}};
    return last_folder_->get();
}

std::string Transaction::name_of(const Place& place) const {
    if (place.in_area) return "the staging area's " + printable(place.folder + "/" + place.name);
    return folders_.name_of(place.root, place.folder.empty() ? place.name : place.folder + "/" + place.name);
}

// Where something that lies at the target can be put by a rename: the area, or beside it where the area is on
// another mount.
Result<Place> Transaction::aside_of(const Place& target) {
    TRY_ASSIGN(StagingArea* const area, areas_.of(target.root));
    TRY_ASSIGN(const int folder, folders_.open(target.root, target.folder));
    if (mount_of(folder) == area->mount()) return Place{target.root, true, {}, areas_.new_name()};
    return Place{target.root, false, target.folder,
                 std::string(protocol::kStagingPrefix) + areas_.new_name()};
}

Result<> Transaction::rename(const Place& from, const Place& to, unsigned flags) {
    TRY_ASSIGN(int from_folder, open_folder_of(from));
    // The second open may close the first handle, but for the area's own: a copy of it is kept for the call.
    Fd from_copy;
    if (!from.in_area || !from.folder.empty()) {
        from_copy.reset(::fcntl(from_folder, F_DUPFD_CLOEXEC, 0));
        from_folder = from_copy.get();
    }
    TRY_ASSIGN(const int to_folder, open_folder_of(to));
    if (::renameat2(from_folder, from.name.c_str(), to_folder, to.name.c_str(), flags) != 0) {
        const int why = errno;
        return fail_errno(name_of(to.in_area ? from : to) + ": rename", why);
    }
    return {};
}

}  // namespace synchost::agent
