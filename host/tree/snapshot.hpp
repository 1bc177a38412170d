// All entries of a folder tree at once, by what stat(2) tells: for the first look at a tree, and for the look
// after the watcher lost events. Contents are not read; FileIndex does that where a stamp is new.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/tree/entry.hpp"

namespace synchost::host {

struct SnapshotEntry {
    std::string path;                   // relative to the root, bytes as they are, components joined by '/'
    EntryKind kind = EntryKind::other;  // never absent
    std::uint32_t mode = 0;             // permission bits, 07777
    FileStamp stamp;
};

struct Snapshot {
    std::vector<SnapshotEntry> entries;  // sorted by path, byte by byte; the root itself is not among them
    std::vector<Error> unread;           // folders that could not be read; their entries are missing
};

// Walks through folder handles, follows no symlink below the root, and leaves out folders for which `ignored`
// (may be empty) says so, with all below them. What vanishes during the walk is left out. io or not_found
// where the root cannot be read. Measured: 100,000 files in 1,000 folders take 0.2 to 0.3 s (2 cores, warm,
// -O2).
Result<Snapshot> take_snapshot(const std::filesystem::path& root,
                               const std::function<bool(std::string_view relative)>& ignored);

}  // namespace synchost::host
