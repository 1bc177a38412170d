// One generation on its way into the managed paths: all of it or nothing.
//
//   stage()   puts every new file and symlink into the staging area, a folder that is new with all that it
//             holds. Nothing that has a name of the user's is touched: whatever fails up to here leaves no
//             trace.
//   commit()  checks the targets again and writes the journal; renames each staged entry to its target (one
//             that replaces something is exchanged with it, so that the old one lies in the area then), and
//             moves aside what is removed. Up to here a failure is undone, in reverse order. Then folders are
//             removed, and the number of the generation is written down.
//   clean_up() deletes what is old. Nobody waits for it.
//
// Example, of a generation that replaces a.js and removes b.js, and whose second step fails:
//     stage:   7-0 (new a.js)                       commit: exchange a.js <-> 7-0
//     failure: b.js cannot be moved: EACCES         undo:   exchange a.js <-> 7-0
//     discard: 7-0 is deleted, a.js and b.js are as they were
//
// A process that is killed between the journal and the number leaves a journal: recover() carries the
// generation through before anything else happens, or takes it back where that fails.
//
// A destructor discards; only commit() publishes. What rename cannot do whole is listed in PROTOCOL.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/apply/file_writer.hpp"
#include "agent/apply/folders.hpp"
#include "agent/apply/journal.hpp"
#include "agent/apply/staging_area.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/xxh3.hpp"
#include "protocol/generation_decoder.hpp"

namespace synchost::agent {

class Transaction {
  public:
    Transaction(Folders& folders, StagingAreas& areas, protocol::GenerationId id)
        : folders_(folders), areas_(areas), id_(id) {}
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    // The next change. The content of a file follows, up to finish().
    Result<> stage(protocol::ChangeStart start);
    Result<> write(protocol::FileBytes bytes);
    // conflict with protocol::kBaseDiffers, here and from stage() and finish(), where the file is not the
    // announced base.
    Result<> copy(protocol::CopyRange range);
    Result<> finish(protocol::FileEnd end);
    // Whichever of the above the step is; nothing for start and end of a generation.
    Result<> take(protocol::GenerationStep step);
    // Errors name the file and the cause, and say where something could not be undone.
    Result<> commit();
    void clean_up();

    [[nodiscard]] protocol::GenerationId id() const { return id_; }
    // What was put and removed, once committed; a folder that was new stands for all that it holds.
    [[nodiscard]] const std::vector<JournalItem>& items() const { return items_; }

    // Ends what a killed process left in the areas' journals, and empties the areas. An error says what could
    // not be carried through; it was taken back then as far as that went.
    static Result<> recover(Folders& folders, StagingAreas& areas);

  private:
    enum class UndoKind : std::uint8_t { exchange, move_back, remove_folder, restore_mode };
    struct Undo {
        UndoKind kind{};
        Place target;
        Place other;
        std::uint32_t mode = 0;
    };
    using FreshFolders = std::map<std::pair<std::uint16_t, std::string>, Place>;

    // staging.cpp
    Result<Place> place_beside_or_in_area(const protocol::Change& change);
    [[nodiscard]] std::optional<Place> place_in_fresh_folder(std::uint16_t root, std::string_view path) const;
    Result<> stage_folder(const protocol::Change& change);
    Result<> stage_symlink(const protocol::Change& change, const Place& place);
    Result<> stage_file(const protocol::Change& change, const Place& place, bool in_fresh_folder);
    Result<> open_file(int folder, const std::string& name, std::uint32_t mode);
    bool writes_behind(std::uint64_t more);
    Result<> open_base(const protocol::Change& change, const protocol::FileBase& base);
    Result<int> open_or_make_folder_of(const Place& place);
    Result<> check_targets();
    void discard(const Place& place);

    // publishing.cpp
    Result<bool> is_one_rename();
    Result<> write_journals();
    Result<> publish();
    Result<> finish_publishing();
    static Place target_of(const JournalItem& item);
    Result<> publish_folder(const JournalItem& item);
    Result<> set_folder_mode(const JournalItem& item);
    Result<> make_folder_at(const Place& place, std::uint32_t mode);
    Result<> make_parents(std::uint16_t root, std::string_view folder);
    Result<> publish_item(const JournalItem& item, bool is_last);
    Result<> replace(const JournalItem& item, const Place& target);
    Result<> keep_by_link(const Place& target);
    Result<> replace_folder(const JournalItem& item, const Place& target);
    Result<> move_aside(const Place& target);
    Result<> publish_removal(const JournalItem& item);
    Result<> remove_folders();
    std::string undo_all();
    Result<> undo(const Undo& step);

    // recovery.cpp
    void resume(std::vector<JournalItem> items);
    // Whether the item is still in its staged place: always, but for a transaction that was resumed.
    Result<bool> is_waiting(const JournalItem& item);

    // places.cpp
    Result<int> open_folder_of(const Place& place);
    Result<Place> aside_of(const Place& target);
    Result<> rename(const Place& from, const Place& to, unsigned flags);
    [[nodiscard]] std::string name_of(const Place& place) const;

    Folders& folders_;
    StagingAreas& areas_;
    protocol::GenerationId id_;
    std::vector<JournalItem> items_;
    FreshFolders fresh_;  // made in the area, with the folders below them
    std::vector<Undo> undo_;
    std::vector<Place> garbage_;         // in the area, to delete at the end, whatever the end is
    std::vector<Place> doomed_folders_;  // to remove once nothing can fail any more, deepest first
    bool resumed_ = false;               // from a journal: an item may be published already

    // The file that is being written
    std::shared_ptr<const Fd> file_;
    std::uint64_t written_ = 0;  // bytes of it
    bool is_behind_ = false;     // they go through writer_
    Fd base_;
    bool has_base_ = false;
    bool reserves_ = false;  // the first bytes' blocks
    std::string file_name_;  // for messages
    std::uint32_t file_mode_ = 0;
    // Or the one that is not made before it is here whole
    std::optional<WholeFile> whole_file_;
    FileWriter writer_;
    Xxh3Hasher hasher_;
    // The staged folder that was opened last: most files follow one of the same folder.
    std::shared_ptr<const Fd> last_folder_;
    Place last_place_;
};

// Removes an entry of a folder, a folder with all that it holds; what is gone already is no error.
Result<> remove_tree(int folder, const std::string& name);

}  // namespace synchost::agent
