// One generation on its way into the managed paths: all of it or nothing.
//
//   stage()   puts every new file and symlink beside its target, under a temporary name. Nothing that has a
//   name of
//             the user's is touched: whatever fails up to here leaves no trace.
//   commit()  checks the targets again, makes folders, exchanges each temporary file with its target (the old
//   file
//             then has the temporary name), and moves aside what is removed. Up to here a failure is undone,
//             in reverse order. Only then are the old files deleted.
//
// Example, of a generation that replaces a.js and removes b.js, and whose second step fails:
//     stage:   .synchost-tmp-7-0 (new a.js)         commit: exchange a.js <-> .synchost-tmp-7-0
//     failure: b.js cannot be moved: EACCES         undo:   exchange a.js <-> .synchost-tmp-7-0
//     discard: .synchost-tmp-7-0 is deleted, a.js and b.js are as they were
//
// A destructor discards; only commit() publishes. What rename cannot do whole is listed in PROTOCOL.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/apply/folders.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/xxh3.hpp"
#include "protocol/generation_decoder.hpp"

namespace synchost::agent {

class Transaction {
  public:
    Transaction(Folders& folders, protocol::GenerationId id) : folders_(folders), id_(id) {}
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    // The next change; a file's content follows by write(), none where its size is 0.
    Result<> stage(protocol::ChangeStart start);
    Result<> write(protocol::FileBytes bytes);
    // Errors name the file and the cause, and say where something could not be undone.
    Result<> commit();

  private:
    // A name in a folder below a root: how everything here is addressed.
    struct Place {
        std::uint16_t root = 0;
        std::string folder;
        std::string name;
    };
    struct Item {
        protocol::Change change;
        Place staged;  // its temporary file; the name is empty where it has none
    };
    enum class UndoKind : std::uint8_t { exchange, move_back, remove_folder, restore_mode };
    struct Undo {
        UndoKind kind{};
        Place target;
        Place other;
        std::uint32_t mode = 0;
    };

    Result<Place> make_staging_place(const protocol::Change& change);
    Result<> finish_file();
    Result<> check_targets();
    Result<> publish();
    Result<> publish_folder(const protocol::Change& change);
    Result<> make_folder_at(const Place& place, std::uint32_t mode);
    Result<> make_parents(std::uint16_t root, std::string_view folder);
    Result<> publish_item(Item& item, bool is_last);
    Result<> replace(Item& item, const Place& target);
    Result<> replace_folder(Item& item, const Place& target);
    Result<> move_aside(const Place& target);
    Result<> publish_removal(const protocol::Change& change);
    Result<> remove_old();
    std::string undo_all();
    Result<> undo(const Undo& step);
    Place aside_of(const Place& target);
    Result<> rename(const Place& from, const Place& to, unsigned flags);
    void discard(const Place& place);
    [[nodiscard]] std::string name_of(const Place& place) const;

    Folders& folders_;
    protocol::GenerationId id_;
    std::uint64_t names_ = 0;
    std::vector<Item> items_;
    std::vector<Undo> undo_;
    std::vector<Place> garbage_;         // temporary names to delete at the end, whatever the end is
    std::vector<Place> doomed_folders_;  // to remove once nothing can fail any more, deepest first
    Fd file_;                            // that is being written
    Xxh3Hasher hasher_;
};

// Removes an entry of a folder, a folder with all that it holds; what is gone already is no error.
Result<> remove_tree(int folder, const std::string& name);

}  // namespace synchost::agent
