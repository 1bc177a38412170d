// The place of one RUN step while it runs, in the store so that overlayfs can rename within it:
//
//   STORE/steps/XXXXXX/upper    what the step changes
//                     /work     overlayfs's own
//                     /root     where the overlay is mounted, in the step's mount namespace alone
//                     /stubs    folders and files that mounts need as their targets: a layer of its own
//                               between the image's and `upper`, so that nothing of it reaches the image
//                     /shelf    a tmpfs with files that must not reach the disk, likewise
//                     /binds    what --mount=type=bind shows
//
// Removed by the destructor; those of builds that were killed, by the next build: a living one holds a lock.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace synchost::images {

class StepFolder {
  public:
    static Result<StepFolder> make(const std::filesystem::path& store);
    StepFolder(StepFolder&&) noexcept = default;
    StepFolder& operator=(StepFolder&&) = delete;
    ~StepFolder();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] const std::filesystem::path& store() const { return store_; }
    // Of one of the folders above, relative to the store.
    [[nodiscard]] std::string inside(std::string_view folder) const;

  private:
    StepFolder(std::filesystem::path store, std::filesystem::path path, Fd lock)
        : store_(std::move(store)), path_(std::move(path)), lock_(std::move(lock)) {}
    std::filesystem::path store_;
    std::filesystem::path path_;
    Fd lock_;  // -1 once moved from
};

}  // namespace synchost::images
