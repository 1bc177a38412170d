// One generation: what one burst of edits changes in the managed paths of a container. Applied as a whole or
// not at all.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/rel_path.hpp"
#include "base/xxh3.hpp"

namespace synchost::protocol {

// A generation's number; 0 is the image as it was built. Rises by one with each generation that a container
// gets.
enum class GenerationId : std::uint64_t {};

enum class ChangeKind : std::uint8_t { put_file = 1, make_folder = 2, put_symlink = 3, remove = 4 };

// The version of a file that differences are against: what the container holds, as far as the host knows.
struct FileBase {
    std::uint64_t size = 0;  // bytes
    Xxh3 hash;
};
// The errno of the error by which a host learns that a base is not what it believes: it sends the whole then.
inline constexpr int kBaseDiffers = ESTALE;
// Bytes of the base that stand in the new content unchanged.
struct CopyRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;  // at least 1
};

// A file's new content as its encoder reads it, once and in order. Pieces are bytes to insert or ranges of
// the base.
class ContentReader {
  public:
    using Piece = std::variant<std::string_view, CopyRange>;
    ContentReader() = default;
    ContentReader(const ContentReader&) = delete;
    ContentReader& operator=(const ContentReader&) = delete;
    virtual ~ContentReader() = default;
    [[nodiscard]] virtual std::optional<FileBase> base() const { return std::nullopt; }
    // Valid until the next call; nothing at the end. Bytes may be of any length.
    virtual Result<std::optional<Piece>> next() = 0;
    // Of the whole new content; once next() has come to its end.
    [[nodiscard]] virtual Xxh3 hash() const = 0;
};
// Opens it anew for each call, from any thread; nullptr where the file is gone: the change is left out.
using OpenContent = std::function<Result<std::unique_ptr<ContentReader>>()>;
// Of bytes in memory, sent whole.
[[nodiscard]] OpenContent content_of(std::shared_ptr<const std::string> bytes);
[[nodiscard]] OpenContent content_of(std::shared_ptr<const std::string> bytes, Xxh3 hash);

// One path that changes. `root` indexes Generation::roots; `path` lies below that root.
struct Change {
    ChangeKind kind = ChangeKind::put_file;
    std::uint16_t root = 0;
    RelPath path;
    std::uint32_t mode = 0;   // permission bits, 07777; files and folders
    std::string link_target;  // put_symlink: kept as it is
    OpenContent content;      // put_file, at its sender
};

// What follows once the files are in place, one step after the other.
enum class AfterKind : std::uint8_t {
    restart = 1,  // the process; one that is gated or held is started
    signal = 2,   // to the process alone; one that does not run is started instead
    command = 3,  // run in the container beside the process, to its end
    pause = 4,    // before the next step
};
struct AfterApply {
    AfterKind kind = AfterKind::restart;
    std::uint8_t number = 0;           // kind signal: it, 1 to 64; kind pause: milliseconds, 1 to 100
    std::vector<std::string> command;  // kind command: 1 to 64 words, 16 KiB in all, none with a NUL
    bool operator==(const AfterApply&) const = default;
};

struct Generation {
    GenerationId id{};
    std::vector<std::string>
        roots;  // absolute paths in the container; each must be one of the agent's managed paths
    std::vector<Change> changes;  // any order; the agent makes folders first and removes last
    // At most 16. Empty: the process is left alone; one that is gated is started all the same by `release`.
    std::vector<AfterApply> after;
};

// The agent's acknowledgement. Times are the agent's own, in microseconds.
struct Applied {
    GenerationId id{};
    std::chrono::microseconds received{};   // first byte to last byte of the generation
    std::chrono::microseconds staged{};     // temporary files written and verified
    std::chrono::microseconds published{};  // renamed into place, removals done
    std::chrono::microseconds restarted{};  // what `after` asked for; 0 where it was nothing
    std::optional<Error> after;             // why that failed; the files are in place all the same
};

// What lies at one managed path; hash of content (file) or of the link target (symlink).
struct InventoryEntry {
    std::uint16_t root = 0;
    RelPath path;
    ChangeKind kind = ChangeKind::put_file;  // never remove
    std::uint32_t mode = 0;
    Xxh3 hash;
    bool ours = false;  // put there by a generation
};
struct Inventory {
    GenerationId id{};
    std::vector<std::string> roots;
    std::vector<InventoryEntry> entries;
};

// What lies at the managed paths, in one number: the sum modulo 2^128 of digest_of() over an inventory's
// entries, so that it depends on no order.
struct TreeDigest {
    GenerationId id{};
    std::uint32_t entries = 0;
    Xxh3 digest;
    bool operator==(const TreeDigest&) const = default;
};
// Of one entry: its root's name, path, kind, mode (0 of symlinks) and hash (0 of folders).
[[nodiscard]] Xxh3 digest_of(std::string_view root, const InventoryEntry& entry);
void add_to(TreeDigest& digest, std::string_view root, const InventoryEntry& entry);

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
    std::uint32_t starts = 0;  // how often the process was started
    // From the last start until it took TCP connections where the process before it did; nothing until then,
    // and where that is not known. Of one microsecond or more.
    std::optional<std::chrono::microseconds> listening;
    std::optional<int> exit_code;    // of the last end; 128 + n for signal n
    std::string last_output;         // last lines of stdout and stderr before that end; at most 48 KiB
    std::vector<std::string> roots;  // its managed paths
};

}  // namespace synchost::protocol
