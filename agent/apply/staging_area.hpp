// Where new files wait until they are renamed into place, old ones until they are deleted, and what the
// container holds is written down. It is a private folder (0700) on the same mount as the managed folder,
// because rename(2) crosses no mount; and outside of it where one of the usual places allows that, so that
// what happens there wakes no watcher of the app. Only where none does (a volume that is mounted at the
// managed folder itself) it lies in the managed folder, under a name that inventories leave out.
//
//     /app/                      on the container's layer:  /tmp/.synchost-tmp-api/
//     /data/ (a seeded volume)   on a mount of its own:     /data/.synchost-tmp-api/
//
//     state      the number of the generation that is in place
//     journal    a generation that is being published, see journal.hpp
//     5f3a-7     a staged file, or an old one
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/apply/folders.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "protocol/generation.hpp"

namespace synchost::agent {

// The mount that a handle lies on (statx(2), STATX_MNT_ID); nothing where the kernel does not tell.
std::optional<std::uint64_t> mount_of(int handle);

class StagingArea {
  public:
    StagingArea(Fd folder, std::optional<std::uint64_t> mount, std::string shown)
        : folder_(std::move(folder)), mount_(mount), shown_(std::move(shown)) {}

    [[nodiscard]] int folder() const { return folder_.get(); }
    [[nodiscard]] std::optional<std::uint64_t> mount() const { return mount_; }
    [[nodiscard]] const std::string& shown() const { return shown_; }  // for messages

    // The generation that was in place when it was last written; 0 where none was, or the file is damaged.
    [[nodiscard]] protocol::GenerationId generation();
    Result<> set_generation(protocol::GenerationId id);
    // Deletes all but `state` and `journal`. What cannot be deleted stays: no name is used twice.
    void wipe();

  private:
    Result<> open_state();
    Fd folder_;
    std::optional<std::uint64_t> mount_;
    std::string shown_;
    Fd state_;
};

class StagingAreas {
  public:
    // `container` names the folders, so that two containers which share a volume have one each. `places` are
    // tried in their order before the managed folder itself.
    StagingAreas(Folders& folders, std::string container,
                 std::vector<std::filesystem::path> places = usual());
    static std::vector<std::filesystem::path> usual();

    // The area of a managed path's folder, made where it is missing. Valid as long as this object. Errors
    // name the folder and say what to do.
    Result<StagingArea*> of(std::uint16_t root);
    // Those that were asked for.
    [[nodiscard]] std::deque<StagingArea>& all() { return areas_; }
    // The oldest generation of all roots' areas. A root without a folder yet does not count.
    protocol::GenerationId generation();
    Result<> set_generation(protocol::GenerationId id);
    // For an entry of an area: never given twice, not by a process before this one either.
    std::string new_name();

  private:
    Result<StagingArea> make_in(int place, const std::string& shown) const;
    Folders& folders_;
    std::string name_;
    std::vector<std::filesystem::path> places_;
    std::deque<StagingArea> areas_;
    std::vector<StagingArea*> by_root_;
    std::string first_name_;  // of this process
    std::uint64_t names_ = 0;
};

}  // namespace synchost::agent
