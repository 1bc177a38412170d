#include "images/store/prune.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <tuple>
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
    bool is_held = false;
};

struct RoomFolder {
    std::string_view path;
    Room room;
};
constexpr std::array<RoomFolder, 11> kRooms = {{{"blobs/sha256", Room::blob},
                                                {"unpacked", Room::unpacked},
                                                {"cache-mounts", Room::cache_mount},
                                                {"layers", Room::record},
                                                {"runs", Room::record},
                                                {"chains", Room::record},
                                                {"index", Room::record},
                                                {"urls", Room::record},
                                                {"explain", Room::record},
                                                {"steps", Room::leftover},
                                                {"trash", Room::leftover}}};
constexpr std::size_t kMaxSizeText = 20;
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

// What a killed program left beside the names: base/file.hpp's temporary files, layers half unpacked, and
// base/temp_dir.hpp's folders.
bool is_temporary(const fs::path& path) {
    const std::string name = path.filename().native();
    return name.contains(".tmp-") || name.starts_with(".new-") || name.starts_with("synchost-");
}

enum class Measure : std::uint8_t { all, counted };  // counted: by the limit, and for keeps

// `item` is an unpacked layer.
void measure_unpacked(const fs::path& store, Measure how, Item& item) {
    const fs::path note = store / kUnpackedSizes / item.path.filename();
    struct stat info{};
    if (::stat(note.c_str(), &info) == 0) {
        const auto text = read_file(note, kMaxSizeText);
        const char* end = text ? text->data() + text->size() : nullptr;
        if (text && !text->empty() && std::from_chars(text->data(), end, item.bytes).ptr == end) {
            item.used = std::max(item.used, info.st_mtim.tv_sec);
            return;
        }
    }
    item.bytes = bytes_below(item.path);
    // Without the lock the layer may be on its way out, and half there.
    if (how == Measure::counted && make_folders(note.parent_path()))
        std::ignore = write_file_atomic(note, std::to_string(item.bytes));
}

Result<std::vector<Item>> list_items(const fs::path& store, Measure how) {
    std::vector<Item> out;
    const auto list = [&](const fs::path& folder, Room room) -> Result<> {
        std::error_code error;
        for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
             at.increment(error)) {
            struct stat info{};
            if (::lstat(at->path().c_str(), &info) != 0) continue;
            Item item{.path = at->path(), .room = is_temporary(at->path()) ? Room::leftover : room};
            if (folder == store / "blobs" && item.room != Room::leftover) continue;
            item.used = std::max(info.st_atim.tv_sec, info.st_mtim.tv_sec);
            if (item.room == Room::unpacked) {
                measure_unpacked(store, how, item);
            } else {
                item.bytes =
                    S_ISDIR(info.st_mode) ? bytes_below(item.path) : static_cast<std::uint64_t>(info.st_size);
            }
            out.push_back(std::move(item));
        }
        if (error && error != std::errc::no_such_file_or_directory)
            return fail_errno(printable(folder.native()), error.value());
        return {};
    };
    TRY(list(store / "blobs", Room::blob));
    for (const auto& [folder, room] : kRooms) {
        if (room != Room::cache_mount || how == Measure::all) TRY(list(store / folder, room));
    }
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

bool counts(const Item& item) {
    return item.room == Room::blob || item.room == Room::unpacked;
}

bool is_held(const fs::path& blob) {
    const auto file = open_file(blob, O_RDONLY | O_NOFOLLOW);
    return file && ::flock(file->get(), LOCK_EX | LOCK_NB) != 0;
}

class Pruner {
  public:
    Pruner(fs::path store, PruneScope scope, std::uint64_t keep_bytes)
        : store_(std::move(store)), scope_(scope), keep_(keep_bytes) {}
    Result<PruneReport> run();

  private:
    void find_held(std::vector<Item>& items, std::uint64_t& kept);
    [[nodiscard]] bool goes(const Item& item, std::uint64_t& kept) const;
    Result<> remove(const Item& item);
    [[nodiscard]] bool leads_nowhere(const Item& record) const;
    fs::path store_;
    PruneScope scope_;
    std::uint64_t keep_;
    std::int64_t newest_ = 0;
    PruneReport report_;
};

void Pruner::find_held(std::vector<Item>& items, std::uint64_t& kept) {
    std::uint64_t sum = 0;
    for (const Item& item : items) sum += counts(item) ? item.bytes : 0;
    if (scope_ == PruneScope::least_used && sum <= keep_) return;
    for (Item& item : items) {
        if (item.room != Room::blob || !is_held(item.path)) continue;
        item.is_held = true;
        report_.held_bytes += item.bytes;
    }
    kept += report_.held_bytes;
}

// By the newest use of anything here, not by the clock: a store that was long unused is not an old one.
bool Pruner::goes(const Item& item, std::uint64_t& kept) const {
    if (item.is_held) return false;
    if (scope_ == PruneScope::everything || item.room == Room::leftover) return true;
    if (item.room == Room::cache_mount) return false;
    if (item.room == Room::record) return item.used < newest_ - kRecordLife;
    if (kept + item.bytes > keep_) return true;
    kept += item.bytes;
    return false;
}

bool Pruner::leads_nowhere(const Item& record) const {
    if (record.room != Room::record || record.path.parent_path() != store_ / "layers") return false;
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
    if (item.room == Room::unpacked) fs::remove(store_ / kUnpackedSizes / item.path.filename(), error);
    ++report_.removed;
    report_.removed_bytes += item.bytes;
    return {};
}

Result<PruneReport> Pruner::run() {
    const bool all = scope_ == PruneScope::everything;
    TRY_ASSIGN(std::vector<Item> items, list_items(store_, all ? Measure::all : Measure::counted));
    std::ranges::sort(items, [](const Item& a, const Item& b) {
        return a.used != b.used ? a.used > b.used : a.path < b.path;
    });
    if (!items.empty()) newest_ = items.front().used;
    std::vector<Item> left;
    std::uint64_t kept = 0;
    find_held(items, kept);
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
    TRY_ASSIGN(const std::vector<Item> items, list_items(store, Measure::all));
    return sum_of(items);
}

void sweep_store(const fs::path& store) {
    const auto lock = open_file(store / kStoreLock, O_RDWR);
    if (!lock || ::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) return;
    constexpr std::array<std::string_view, 11> kFolders = {"",         "blobs",   "blobs/sha256", "layers",
                                                           "runs",     "chains",  "index",        "urls",
                                                           "unpacked", "explain", kUnpackedSizes};
    std::error_code ignored;  // what stays is taken by the next one
    for (const std::string_view folder : kFolders) {
        for (const auto& entry : fs::directory_iterator(store / folder, ignored)) {
            if (is_temporary(entry.path())) fs::remove_all(entry.path(), ignored);
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
        return fail(Errc::conflict, "a build uses " + printable(store.native()),
                    "Try again when it has ended.");
    }
    return Pruner(store, scope, keep_bytes).run();
}

}  // namespace synchost::images
