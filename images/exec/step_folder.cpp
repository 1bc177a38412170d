#include "images/exec/step_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdlib>
#include <system_error>

#include "base/file.hpp"
#include "images/exec/detail/beneath.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSteps = "steps";

// Whoever gets the lock of a folder knows that its build is gone.
void sweep(const fs::path& steps) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(steps, ignored)) {
        if (!entry.is_directory(ignored)) continue;
        const auto lock = open_file(entry.path(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (lock && ::flock(lock->get(), LOCK_EX | LOCK_NB) == 0) detail::remove_tree(entry.path());
    }
}

}  // namespace

Result<StepFolder> StepFolder::make(const fs::path& store) {
    const fs::path steps = store / kSteps;
    TRY(make_folders(steps, 0700));
    // A folder is never seen before its lock is held.
    TRY_ASSIGN(const Fd gate, open_file(store / "steps.lock", O_RDWR | O_CREAT, 0600));
    while (::flock(gate.get(), LOCK_EX) != 0) {
        if (errno != EINTR) return fail_errno("locking " + (store / "steps.lock").native());
    }
    sweep(steps);
    std::string pattern = (steps / "XXXXXX").native();
    if (::mkdtemp(pattern.data()) == nullptr) return fail_errno("a folder for a RUN step");
    TRY_ASSIGN(Fd lock, open_file(pattern, O_RDONLY | O_DIRECTORY));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return fail_errno("locking " + pattern);
    StepFolder out(store, pattern, std::move(lock));
    for (const char* name : {"upper", "work", "root", "stubs", "shelf", "binds"}) {
        TRY(make_folders(out.path() / name));
        if (::chmod((out.path() / name).c_str(), 0755) != 0) return fail_errno(name);
    }
    return out;
}

StepFolder::~StepFolder() {
    if (lock_) detail::remove_tree(path_);
}

std::string StepFolder::inside(std::string_view folder) const {
    return std::string(kSteps) + "/" + path_.filename().native() + "/" + std::string(folder);
}

}  // namespace synchost::images
