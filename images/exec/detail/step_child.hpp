// The part of a RUN step that runs between clone and exec. Its parent has many threads, of which the copy has
// one: nothing here may allocate, lock, or call what is not async-signal-safe (signal-safety(7)); glibc's own
// setresuid, which speaks to other threads, is among the forbidden. All it needs was made before.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace synchost::images::detail {

struct ChildMount {
    int kind = 0;  // StepMount::Kind
    const char* target = nullptr;
    const char* source = nullptr;  // of a file its name on the shelf
    bool read_only = false;
    const char* size = nullptr;  // of a tmpfs; nullptr for its default
    const char* bytes = nullptr;
    std::size_t byte_count = 0;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

struct ChildPlan {
    const char* store = nullptr;
    const char* const* lowers = nullptr;  // top first, relative to the store
    std::size_t lower_count = 0;
    const char* upper = nullptr;
    const char* work = nullptr;
    const char* root = nullptr;
    const char* shelf = nullptr;
    const ChildMount* mounts = nullptr;
    std::size_t mount_count = 0;
    const char* const* candidates = nullptr;  // of the program, in the order of PATH; nullptr ends
    char* const* argv = nullptr;
    char* const* env = nullptr;
    const char* working_dir = nullptr;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    const gid_t* groups = nullptr;
    std::size_t group_count = 0;
    bool own_network = false;
    bool user_namespace = false;  // not that of root of the machine
    int output = -1;
    int terminal = -1;  // in place of output, and of an empty input; -1 for none
    int report = -1;    // a ChildFault, where the command was not started
    int alive = -1;     // hangs up with the parent
};

// Pointers are those of the parent, whose memory this is a copy of.
struct ChildFault {
    const char* what = nullptr;
    const char* detail = nullptr;
    int error = 0;
    bool is_program = false;
};

[[noreturn]] void run_child(const ChildPlan& plan);

}  // namespace synchost::images::detail
