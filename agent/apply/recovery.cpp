// What a process that was killed left behind: journals, each forward, or back where forward fails.
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/apply/transaction.hpp"
#include "base/log.hpp"

namespace synchost::agent {

using protocol::ChangeKind;

void Transaction::resume(std::vector<JournalItem> items) {
    items_ = std::move(items);
    resumed_ = true;
    for (const JournalItem& item : items_) {
        if (!item.staged.name.empty()) garbage_.push_back(item.staged);
    }
}

Result<bool> Transaction::is_waiting(const JournalItem& item) {
    if (!resumed_) return true;
    TRY_ASSIGN(const int staged_folder, open_folder_of(item.staged));
    TRY_ASSIGN(const auto staged, entry_of(staged_folder, item.staged.name));
    if (staged && staged->st_ino == item.inode) return true;
    // It was published before: what would take it back is noted, so that the whole can be.
    const Place target = target_of(item);
    if (staged) {
        undo_.push_back({UndoKind::exchange, target, item.staged, 0});
    } else if (item.kind != ChangeKind::remove) {
        undo_.push_back({UndoKind::move_back, item.staged, target, 0});
    }
    return false;
}

Result<> Transaction::recover(Folders& folders, StagingAreas& areas) {
    for (std::uint16_t root = 0; root < folders.roots().size(); ++root) (void)areas.of(root);
    std::vector<std::optional<Journal>> journals;
    Journal whole;
    std::uint16_t found = 0;
    for (StagingArea& area : areas.all()) {
        TRY_ASSIGN(auto journal, read_journal(area.folder(), folders.roots().size()));
        if (journal) whole.id = std::max(whole.id, journal->id);
        journals.push_back(std::move(journal));
    }
    for (std::size_t i = 0; i < journals.size(); ++i) {
        if (!journals[i] || journals[i]->id != whole.id) continue;
        ++found;
        whole.areas = journals[i]->areas;
        std::ranges::move(journals[i]->items, std::back_inserter(whole.items));
    }
    // An area whose number is that of the journal has nothing left to do. One that has neither came anew with
    // a container's layer: what it lacks is sent again, because its number says so.
    const auto is_done = [&](StagingArea& area) { return area.generation() == whole.id; };
    const auto done = static_cast<std::uint16_t>(std::ranges::count_if(areas.all(), is_done));
    Result<> result;
    if (found > 0 && found + done >= whole.areas) {
        log(LogLevel::warn, "agent", "a generation was cut off: carrying it through",
            {{"generation", std::to_underlying(whole.id)}});
        Transaction transaction(folders, areas, whole.id);
        transaction.resume(std::move(whole.items));
        result = transaction.finish_publishing();
    }
    for (StagingArea& area : areas.all()) {
        TRY(remove_journal(area.folder()));
        area.wipe();
    }
    folders.release();
    return result;
}

}  // namespace synchost::agent
