// One generation: what one burst of edits changes in the managed paths of a container. Applied as a whole or
// not at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/rel_path.hpp"
#include "base/xxh3.hpp"

namespace synchost::protocol {

// A generation's number; 0 is the image as it was built. Rises by one with each generation that a container
// gets.
enum class GenerationId : std::uint64_t {};

enum class ChangeKind : std::uint8_t { put_file = 1, make_folder = 2, put_symlink = 3, remove = 4 };

// One path that changes. `root` indexes Generation::roots; `path` lies below that root.
struct Change {
    ChangeKind kind = ChangeKind::put_file;
    std::uint16_t root = 0;
    RelPath path;
    std::uint32_t mode = 0;  // permission bits, 07777; files and folders
    std::shared_ptr<const std::string>
        content;  // put_file: the bytes; put_symlink: the target, kept as it is
    Xxh3 hash;    // put_file: of the bytes
};

// What follows once the files are in place.
enum class AfterApply : std::uint8_t { nothing = 0, restart = 1 };

struct Generation {
    GenerationId id{};
    std::vector<std::string>
        roots;  // absolute paths in the container; each must be one of the agent's managed paths
    std::vector<Change> changes;  // any order; the agent makes folders first and removes last
    AfterApply after = AfterApply::restart;
};

// The agent's acknowledgement. Times are the agent's own, in microseconds.
struct Applied {
    GenerationId id{};
    std::chrono::microseconds received{};   // first byte to last byte of the generation
    std::chrono::microseconds staged{};     // temporary files written and verified
    std::chrono::microseconds published{};  // renamed into place, removals done
    std::chrono::microseconds restarted{};  // old process ended and new one started; 0 where none was
};

// What lies at one managed path; hash of content (file) or of the link target (symlink).
struct InventoryEntry {
    std::uint16_t root = 0;
    RelPath path;
    ChangeKind kind = ChangeKind::put_file;  // never remove
    std::uint32_t mode = 0;
    Xxh3 hash;
};
struct Inventory {
    GenerationId id{};
    std::vector<std::string> roots;
    std::vector<InventoryEntry> entries;
};

enum class ProcessState : std::uint8_t {
    gated = 1,  // not started yet: waits for the host, or for the gate to open by itself
    running = 2,
    held = 3,    // it died; the container is kept, the next generation or a restart starts it again
    exited = 4,  // it ended and so does the container (Jobs, or the pod is stopping)
};

// What a supervisor says of its container, at the start of a session and at every change.
struct ContainerReport {
    std::string container;  // name in the pod
    ProcessState state = ProcessState::gated;
    GenerationId generation{};
    std::uint32_t starts = 0;        // how often the process was started
    std::optional<int> exit_code;    // of the last end; 128 + n for signal n
    std::string last_output;         // last lines of stdout and stderr before that end; at most 16 KiB
    std::vector<std::string> roots;  // its managed paths
};

}  // namespace synchost::protocol
