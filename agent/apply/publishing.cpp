// The second half of a transaction: journal, publish, undo, and the removal of folders.
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <ranges>
#include <set>
#include <utility>

#include "agent/apply/transaction.hpp"

namespace synchost::agent {

using protocol::Change;
using protocol::ChangeKind;

namespace {

using Paths = std::set<std::pair<std::uint16_t, std::string_view>>;

bool is_at_or_below(const Paths& paths, std::uint16_t root, std::string_view path) {
    for (std::size_t end = path.size(); end != std::string_view::npos && end > 0;
         end = path.rfind('/', end - 1)) {
        if (paths.contains({root, path.substr(0, end)})) return true;
    }
    return false;
}

}  // namespace

Result<> Transaction::commit() {
    TRY(check_targets());
    // One rename is whole by itself. Killed before the number is written, it is done once more.
    TRY_ASSIGN(const bool is_one_step, is_one_rename());
    if (is_one_step && items_.front().kind != ChangeKind::make_folder) {
        TRY(rename(items_.front().staged, target_of(items_.front()), 0));
        return areas_.set_generation(id_);
    }
    if (!is_one_step) TRY(write_journals());
    TRY(finish_publishing());
    if (is_one_step) return {};
    for (StagingArea& area : areas_.all()) TRY(remove_journal(area.folder()));
    return {};
}

Result<bool> Transaction::is_one_rename() {
    if (items_.size() != 1 || items_.front().kind == ChangeKind::remove) return false;
    const Place target = target_of(items_.front());
    const auto folder = folders_.open(target.root, target.folder);
    if (!folder) return false;
    TRY_ASSIGN(const auto entry, entry_of(*folder, target.name));
    return !entry || !S_ISDIR(entry->st_mode);
}

Result<> Transaction::write_journals() {
    std::map<StagingArea*, Journal> journals;
    for (JournalItem& item : items_) {
        if (item.kind == ChangeKind::put_file || item.kind == ChangeKind::put_symlink) {
            TRY_ASSIGN(const int folder, open_folder_of(item.staged));
            TRY_ASSIGN(const auto entry, entry_of(folder, item.staged.name));
            item.inode = entry ? std::uint64_t{entry->st_ino} : 0;
        }
        TRY_ASSIGN(StagingArea* const area, areas_.of(item.root));
        journals[area].items.push_back(item);
    }
    for (auto& [area, journal] : journals) {
        journal.id = id_;
        journal.areas = static_cast<std::uint16_t>(journals.size());
        if (auto written = write_journal(area->folder(), journal); !written) {
            for (const auto& [other, ignored] : journals) (void)remove_journal(other->folder());
            return std::unexpected(std::move(written).error().context(area->shown()));
        }
    }
    return {};
}

Result<> Transaction::finish_publishing() {
    if (auto published = publish(); !published) {
        Error error = std::move(published).error();
        error.message += undo_all();
        for (StagingArea& area : areas_.all()) (void)remove_journal(area.folder());
        return std::unexpected(std::move(error));
    }
    undo_.clear();
    auto removed = remove_folders();
    TRY(areas_.set_generation(id_));
    return removed;
}

Result<> Transaction::publish() {
    std::vector<const JournalItem*> puts;
    std::vector<const JournalItem*> folders;
    std::vector<const JournalItem*> removals;
    Paths made;
    Paths replaced;
    for (const JournalItem& item : items_) {
        if (item.kind == ChangeKind::remove) {
            removals.push_back(&item);
        } else if (item.kind == ChangeKind::make_folder) {
            folders.push_back(&item);
            made.emplace(item.root, item.path.str());
        } else {
            puts.push_back(&item);
            replaced.emplace(item.root, item.path.str());
        }
    }
    // A folder that becomes a file or a symlink may be named twice, put and removed, and what it held goes
    // with it: below the new symlink nothing is looked for.
    std::erase_if(removals, [&](const JournalItem* item) {
        return made.contains({item->root, item->path.str()}) ||
               is_at_or_below(replaced, item->root, item->path.str());
    });
    const auto by_path = [](const JournalItem* a, const JournalItem* b) { return a->path < b->path; };
    std::sort(folders.begin(), folders.end(), by_path);      // a folder before what it holds
    std::sort(removals.rbegin(), removals.rend(), by_path);  // and after it
    for (const JournalItem* item : folders) TRY(publish_folder(*item));
    const bool puts_are_last = removals.empty() && folders.empty();
    for (const JournalItem* item : puts) TRY(publish_item(*item, item == puts.back() && puts_are_last));
    for (const JournalItem* item : removals) TRY(publish_removal(*item));
    // Last and from below: a folder's mode may forbid what is still to be done in it.
    for (const JournalItem* item : std::views::reverse(folders)) TRY(set_folder_mode(*item));
    return {};
}

Place Transaction::target_of(const JournalItem& item) {
    return {item.root, false, std::string(item.path.parent()), std::string(item.path.name())};
}

Result<> Transaction::publish_folder(const JournalItem& item) {
    const Place target = target_of(item);
    TRY(make_parents(target.root, target.folder));
    TRY_ASSIGN(const int folder, folders_.open(target.root, target.folder));
    TRY_ASSIGN(const auto entry, entry_of(folder, target.name));
    if (!item.staged.name.empty()) {
        TRY_ASSIGN(const bool waits, is_waiting(item));
        if (!waits) return {};
        if (entry && S_ISDIR(entry->st_mode)) {
            return std::unexpected(
                Error{Errc::io, name_of(target) + ": the app made this folder meanwhile", EAGAIN, {}});
        }
        if (entry) return replace(item, target);
        TRY(rename(item.staged, target, RENAME_NOREPLACE));
        undo_.push_back({UndoKind::move_back, item.staged, target, 0});
        return {};
    }
    if (entry && S_ISDIR(entry->st_mode)) return {};
    if (entry) TRY(move_aside(target));
    return make_folder_at(target, item.mode | 0700);
}

Result<> Transaction::set_folder_mode(const JournalItem& item) {
    const Place place = target_of(item);
    TRY_ASSIGN(const int folder, folders_.open(place.root, place.folder));
    TRY_ASSIGN(const auto entry, entry_of(folder, place.name));
    if (!entry || !S_ISDIR(entry->st_mode) || (entry->st_mode & 07777) == item.mode) return {};
    if (::fchmodat(folder, place.name.c_str(), item.mode, 0) != 0)
        return fail_errno(name_of(place) + ": chmod");
    undo_.push_back({UndoKind::restore_mode, place, {}, entry->st_mode & 07777});
    return {};
}

Result<> Transaction::make_folder_at(const Place& place, std::uint32_t mode) {
    TRY_ASSIGN(const int folder, folders_.open(place.root, place.folder));
    if (::mkdirat(folder, place.name.c_str(), 0700) != 0) return fail_errno(name_of(place) + ": mkdir");
    undo_.push_back({UndoKind::remove_folder, place, {}, 0});
    if (::fchmodat(folder, place.name.c_str(), mode, 0) != 0) return fail_errno(name_of(place) + ": chmod");
    return {};
}

Result<> Transaction::make_parents(std::uint16_t root, std::string_view folder) {
    const auto handle = folders_.open(root, folder);
    if (handle || folder.empty()) return handle ? Result<>{} : std::unexpected(handle.error());
    if (handle.error().code != Errc::not_found) return std::unexpected(handle.error());
    const std::size_t slash = folder.rfind('/');
    const std::string_view above =
        slash == std::string_view::npos ? std::string_view() : folder.substr(0, slash);
    TRY(make_parents(root, above));
    return make_folder_at({root, false, std::string(above), std::string(folder.substr(slash + 1))}, 0755);
}

Result<> Transaction::publish_item(const JournalItem& item, bool is_last) {
    const Place target = target_of(item);
    TRY_ASSIGN(const bool waits, is_waiting(item));
    if (!waits) return {};
    TRY(make_parents(target.root, target.folder));
    TRY_ASSIGN(const int folder, folders_.open(target.root, target.folder));
    TRY_ASSIGN(const auto entry, entry_of(folder, target.name));
    if (entry && S_ISDIR(entry->st_mode)) return replace_folder(item, target);
    // After the last step nothing can fail: it needs no undo, and a plain rename copies nothing up on
    // overlayfs.
    if (is_last) return rename(item.staged, target, 0);
    if (entry) return replace(item, target);
    TRY(rename(item.staged, target, RENAME_NOREPLACE));
    undo_.push_back({UndoKind::move_back, item.staged, target, 0});
    return {};
}

Result<> Transaction::replace(const JournalItem& item, const Place& target) {
    auto exchanged = rename(item.staged, target, RENAME_EXCHANGE);
    if (exchanged) {
        undo_.push_back({UndoKind::exchange, target, item.staged, 0});
        return {};
    }
    if (exchanged.error().sys_errno != EINVAL) return exchanged;
    if (item.kind == ChangeKind::make_folder) {
        TRY(move_aside(target));
    } else {
        TRY(keep_by_link(target));
    }
    TRY(rename(item.staged, target, 0));
    undo_.push_back({UndoKind::move_back, item.staged, target, 0});
    return {};
}

// A file system that cannot exchange: keep the old file by a second name, and rename over the first.
Result<> Transaction::keep_by_link(const Place& target) {
    TRY_ASSIGN(const Place old, aside_of(target));
    TRY_ASSIGN(const int to_folder, open_folder_of(old));
    const Fd to_copy(::fcntl(to_folder, F_DUPFD_CLOEXEC, 0));
    TRY_ASSIGN(const int folder, folders_.open(target.root, target.folder));
    if (::linkat(folder, target.name.c_str(), to_copy.get(), old.name.c_str(), 0) != 0)
        return fail_errno(name_of(target) + ": link");
    garbage_.push_back(old);
    undo_.push_back({UndoKind::move_back, target, old, 0});
    return {};
}

// A file where a folder was. overlayfs cannot move a folder of a lower layer: there the folder is deleted
// first, which cannot be undone.
Result<> Transaction::replace_folder(const JournalItem& item, const Place& target) {
    auto exchanged = rename(item.staged, target, RENAME_EXCHANGE);
    folders_.forget(target.root, item.path.str());
    if (exchanged) {
        undo_.push_back({UndoKind::exchange, target, item.staged, 0});
        return {};
    }
    if (exchanged.error().sys_errno != EXDEV && exchanged.error().sys_errno != EINVAL) return exchanged;
    TRY_ASSIGN(const int folder, folders_.open(target.root, target.folder));
    if (auto removed = remove_tree(folder, target.name); !removed) {
        return std::unexpected(std::move(removed).error().context(name_of(target)));
    }
    TRY(rename(item.staged, target, 0));
    undo_.push_back({UndoKind::move_back, item.staged, target, 0});
    return {};
}

Result<> Transaction::move_aside(const Place& target) {
    TRY_ASSIGN(const Place aside, aside_of(target));
    if (auto moved = rename(target, aside, 0); !moved) {
        return fail_errno(name_of(target) + ": remove", moved.error().sys_errno);
    }
    garbage_.push_back(aside);
    undo_.push_back({UndoKind::move_back, target, aside, 0});
    return {};
}

Result<> Transaction::publish_removal(const JournalItem& item) {
    const Place place = target_of(item);
    const auto folder = folders_.open(place.root, place.folder);
    if (!folder) {
        // With its folder gone, or become a file, there is nothing left to remove; a symlink is not looked
        // through.
        const Error& error = folder.error();
        if (error.code == Errc::not_found || error.sys_errno == ENOTDIR) return {};
        return std::unexpected(error);
    }
    TRY_ASSIGN(const auto entry, entry_of(*folder, place.name));
    if (!entry) return {};
    if (!S_ISDIR(entry->st_mode)) return move_aside(place);
    doomed_folders_.push_back(place);
    return {};
}

Result<> Transaction::remove_folders() {
    Result<> result;
    for (const Place& place : doomed_folders_) {
        const auto folder = folders_.open(place.root, place.folder);
        if (!folder) continue;
        auto removed = remove_tree(*folder, place.name);
        if (!removed && result) {
            result = std::unexpected(std::move(removed).error().context(name_of(place)));
            result.error().message += "; all else of this generation is in place";
        }
    }
    return result;
}

std::string Transaction::undo_all() {
    std::string left;
    for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) {
        folders_.release();
        if (auto undone = undo(*step); !undone)
            left += "; could not be taken back: " + undone.error().message;
    }
    undo_.clear();
    return left;
}

Result<> Transaction::undo(const Undo& step) {
    switch (step.kind) {
        case UndoKind::exchange:
            return rename(step.other, step.target, RENAME_EXCHANGE);
        case UndoKind::move_back:
            return rename(step.other, step.target, 0);
        case UndoKind::remove_folder:
        case UndoKind::restore_mode:
            break;
    }
    TRY_ASSIGN(const int folder, folders_.open(step.target.root, step.target.folder));
    const char* name = step.target.name.c_str();
    const int result = step.kind == UndoKind::remove_folder ? ::unlinkat(folder, name, AT_REMOVEDIR)
                                                            : ::fchmodat(folder, name, step.mode, 0);
    if (result != 0) return fail_errno(name_of(step.target));
    return {};
}

}  // namespace synchost::agent
