// A generation as it is written down before it is published: what lies where, and where it goes. Each area
// has the part that concerns the roots on its mount; all are written before the first rename, so that a
// generation whose journal is missing in one area of several has not begun.
//
//     journal = "SYNCJRN3" id:u64 areas:u16 count:u32 item* check:u64      (check: XXH3 of all before it)
//     item    = kind:u8 root:u16 mode:u32 path:text in_area:u8 folder:text name:text inode:u64
//
// `inode` is that of the staged entry: found under its staged name it was not published yet; another one
// there is what it was exchanged with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/rel_path.hpp"
#include "protocol/generation.hpp"

namespace synchost::agent {

// A name in a folder below a root or of the root's staging area: how everything here is addressed.
struct Place {
    std::uint16_t root = 0;
    bool in_area = false;
    std::string folder;  // below the root or the area; "" is that itself
    std::string name;
};

struct JournalItem {
    protocol::ChangeKind kind{};
    std::uint16_t root = 0;
    std::uint32_t mode = 0;
    RelPath path;
    Place staged;             // its name is empty where nothing is staged
    std::uint64_t inode = 0;  // of what is staged; a file's is looked up for the journal
};

struct Journal {
    protocol::GenerationId id{};
    std::uint16_t areas = 1;  // that have a journal of this generation
    std::vector<JournalItem> items;
};

std::string encode_journal(const Journal& journal);
// protocol error for bytes that encode_journal() does not make of items with roots below `roots`.
Result<Journal> parse_journal(std::string_view bytes, std::size_t roots);

// In the area's folder: whole or not at all. nullopt where there is none, or one that is damaged (which was
// never acted on).
Result<> write_journal(int area, const Journal& journal);
Result<std::optional<Journal>> read_journal(int area, std::size_t roots);
Result<> remove_journal(int area);

}  // namespace synchost::agent
