#include "images/store/prune.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/cache/layer_records.hpp"
#include "images/store/blob_store.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;

enum class Room : std::uint8_t { blob, unpacked, cache_mount, record, leftover };

struct Item {
    fs::path path;
    Room room = Room::blob;
    std::uint64_t bytes = 0;
    std::int64_t used = 0;  // seconds
};

struct RoomFolder {
    std::string_view path;
    Room room;
};
constexpr std::array<RoomFolder, 7> kRooms = {{{"blobs/sha256", Room::blob},
                                               {"unpacked", Room::unpacked},
                                               {"cache-mounts", Room::cache_mount},
                                               {"layers", Room::record},
                                               {"runs", Room::record},
                                               {"index", Room::record},
                                               {"trash", Room::leftover}}};
constexpr std::int64_t kRecordLife = std::int64_t{90} * 24 * 3600;

std::uint64_t bytes_below(const fs::path& path) {
    std::uint64_t sum = 0;
    std::error_code error;
    struct stat info{};
    for (auto at =
             fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error);
         !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
        if (::lstat(at->path().c_str(), &info) == 0) sum += static_cast<std::uint64_t>(info.st_blocks) * 512;
    }
    return sum;
}

// What a killed program left beside the names: base/file.hpp's temporary files.
bool is_temporary(const fs::path& path) {
    return path.filename().native().contains(".tmp-");
}

// The same, and what exec/layer_folders.hpp and base/temp_dir.hpp name so.
bool is_half_made(const fs::path& path) {
    const std::string& name = path.filename().native();
    return is_temporary(path) || name.starts_with(".new-") || name.starts_with("synchost-");
}

Result<std::vector<Item>> list_items(const fs::path& store) {
    std::vector<Item> out;
    const auto list = [&](const fs::path& folder, Room room) -> Result<> {
        std::error_code error;
        for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
             at.increment(error)) {
            struct stat info{};
            if (::lstat(at->path().c_str(), &info) != 0) continue;
            Item item{.path = at->path(), .room = is_temporary(at->path()) ? Room::leftover : room};
            if (folder == store / "blobs" && item.room != Room::leftover) continue;
            item.bytes =
                S_ISDIR(info.st_mode) ? bytes_below(item.path) : static_cast<std::uint64_t>(info.st_size);
            item.used = std::max(info.st_atim.tv_sec, info.st_mtim.tv_sec);
            out.push_back(std::move(item));
        }
        if (error && error != std::errc::no_such_file_or_directory)
            return fail_errno(printable(folder.native()), error.value());
        return {};
    };
    TRY(list(store / "blobs", Room::blob));
    for (const auto& [folder, room] : kRooms) TRY(list(store / folder, room));
    return out;
}

StoreUsage sum_of(const std::vector<Item>& items) {
    StoreUsage out;
    for (const Item& item : items) {
        switch (item.room) {
            case Room::blob:
                ++out.blobs;
                out.blob_bytes += item.bytes;
                break;
            case Room::unpacked:
                out.unpacked_bytes += item.bytes;
                break;
            case Room::cache_mount:
                out.cache_mount_bytes += item.bytes;
                break;
            case Room::record:
            case Room::leftover:
                out.record_bytes += item.bytes;
                break;
        }
    }
    return out;
}

class Pruner {
  public:
    Pruner(fs::path store, PruneScope scope, std::uint64_t keep_bytes)
        : store_(std::move(store)), scope_(scope), keep_(keep_bytes) {}
    Result<PruneReport> run();

  private:
    [[nodiscard]] bool goes(const Item& item, std::uint64_t& kept) const;
    Result<> remove(const Item& item);
    [[nodiscard]] bool leads_nowhere(const Item& record) const;
    fs::path store_;
    PruneScope scope_;
    std::uint64_t keep_;
    std::int64_t newest_ = 0;
    PruneReport report_;
};

// By the newest use of anything here, not by the clock: a store that was long unused is not an old one.
bool Pruner::goes(const Item& item, std::uint64_t& kept) const {
    if (scope_ == PruneScope::everything || item.room == Room::leftover) return true;
    if (item.room == Room::cache_mount) return false;
    if (item.room == Room::record) return item.used < newest_ - kRecordLife;
    if (kept + item.bytes > keep_) return true;
    kept += item.bytes;
    return false;
}

bool Pruner::leads_nowhere(const Item& record) const {
    if (record.path.parent_path() != store_ / "layers") return false;
    const auto text = read_file(record.path, 512);
    const auto layer = text ? parse_layer_record(*text) : std::unexpected(text.error());
    return !layer || !fs::exists(store_ / "blobs" / "sha256" / layer->blob.digest.hex());
}

Result<> Pruner::remove(const Item& item) {
    std::error_code error;
    fs::path path = item.path;
    if (fs::is_directory(fs::symlink_status(path, error)) && item.room != Room::leftover) {
        TRY(make_folders(store_ / "trash"));
        path = store_ / "trash" /
               (item.path.parent_path().filename().native() + "-" + item.path.filename().native());
        fs::rename(item.path, path, error);
        if (error) return fail_errno(printable(item.path.native()), error.value());
    }
    fs::remove_all(path, error);
    if (error) return fail_errno(printable(path.native()), error.value());
    ++report_.removed;
    report_.removed_bytes += item.bytes;
    return {};
}

Result<PruneReport> Pruner::run() {
    TRY_ASSIGN(std::vector<Item> items, list_items(store_));
    std::ranges::sort(items, [](const Item& a, const Item& b) {
        return a.used != b.used ? a.used > b.used : a.path < b.path;
    });
    if (!items.empty()) newest_ = items.front().used;
    std::vector<Item> left;
    std::uint64_t kept = 0;
    for (Item& item : items) {
        if (goes(item, kept)) {
            TRY(remove(item));
        } else {
            left.push_back(std::move(item));
        }
    }
    for (const Item& item : left) {
        if (leads_nowhere(item)) TRY(remove(item));
    }
    std::erase_if(left, [](const Item& item) { return !fs::exists(fs::symlink_status(item.path)); });
    report_.left = sum_of(left);
    return report_;
}

}  // namespace

Result<StoreUsage> measure_store(const fs::path& store) {
    TRY_ASSIGN(const std::vector<Item> items, list_items(store));
    return sum_of(items);
}

void sweep_store(const fs::path& store) {
    const auto lock = open_file(store / kStoreLock, O_RDWR);
    if (!lock || ::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) return;
    constexpr std::array<std::string_view, 8> kFolders = {"",     "blobs", "blobs/sha256", "layers",
                                                          "runs", "index", "urls",         "unpacked"};
    std::error_code ignored;  // what stays is taken by the next one
    for (const std::string_view folder : kFolders) {
        for (const auto& entry : fs::directory_iterator(store / folder, ignored)) {
            if (is_half_made(entry.path())) fs::remove_all(entry.path(), ignored);
        }
    }
    for (const std::string_view folder : {"steps", "trash"}) {
        for (const auto& entry : fs::directory_iterator(store / folder, ignored))
            fs::remove_all(entry.path(), ignored);
    }
}

Result<PruneReport> prune_store(const fs::path& store, PruneScope scope, std::uint64_t keep_bytes) {
    std::error_code error;
    if (!fs::exists(store, error)) return PruneReport{};
    TRY_ASSIGN(const Fd lock, open_file(store / kStoreLock, O_RDWR | O_CREAT, 0644));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return fail_errno("locking " + printable(store.native()));
        return fail(Errc::conflict, "a build or a watch uses " + printable(store.native()),
                    "Try again when it has ended.");
    }
    return Pruner(store, scope, keep_bytes).run();
}

}  // namespace synchost::images
