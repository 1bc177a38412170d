#include "images/cache/file_index.hpp"

#include <time.h>

#include <algorithm>
#include <vector>

#include "base/file.hpp"
#include "base/wire.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kMagic = "SHFILEX2";
constexpr std::size_t kEntryBytes = 64;
constexpr std::size_t kFrameBytes = kMagic.size() + sizeof(std::uint32_t) + sizeof(std::uint64_t);
constexpr std::size_t kMaxFile = kFrameBytes + kMaxIndexEntries * kEntryBytes;
constexpr std::uint32_t kMaxAge = 8;
constexpr std::uint32_t kNoXattrs = 1;

// Kernels stamp files with the time of the last tick, 10 ms at most; file systems that keep whole seconds may
// keep even ones alone.
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kTick = 20'000'000;

}  // namespace

std::int64_t wall_clock_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * kSecond + now.tv_nsec;
}

bool is_settled(const FileStamp& stamp, std::int64_t now_ns) {
    const bool whole_seconds = stamp.ctime_ns % kSecond == 0;
    return stamp.inode != 0 && stamp.ctime_ns < now_ns - (whole_seconds ? 3 * kSecond : kTick);
}

FileIndex::FileIndex(std::filesystem::path path) : path_(std::move(path)) {
    const auto bytes = read_file(path_, kMaxFile);
    if (bytes) changed_ = !parse(*bytes);
}

std::optional<Xxh3> FileIndex::find(const FileStamp& stamp) {
    if (stamp.inode == 0) return std::nullopt;
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(stamp);
    if (found == entries_.end()) return std::nullopt;
    found->second.age = 0;
    return found->second.hash;
}

void FileIndex::learn(const FileStamp& before, const FileStamp& after, const Xxh3& hash,
                      std::int64_t now_ns) {
    if (before != after || !is_settled(before, now_ns)) return;
    const std::scoped_lock lock(mutex_);
    entries_[before] = {.hash = hash};
    changed_ = true;
}

bool FileIndex::has_no_xattrs(const FileStamp& stamp) {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(stamp);
    return found != entries_.end() && found->second.no_xattrs;
}

void FileIndex::note_no_xattrs(const FileStamp& stamp) {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(stamp);
    if (found == entries_.end()) return;
    found->second.no_xattrs = true;
    changed_ = true;
}

Result<> FileIndex::parse(std::string_view bytes) {
    const auto damaged = [] { return fail(Errc::protocol, "the index of files is damaged"); };
    const std::scoped_lock lock(mutex_);
    entries_.clear();
    if (bytes.size() < kFrameBytes || bytes.size() > kMaxFile || !bytes.starts_with(kMagic)) return damaged();
    const std::size_t body = bytes.size() - sizeof(std::uint64_t);
    if (WireReader(bytes.substr(body)).number<std::uint64_t>() != xxh3_64(bytes.substr(0, body)))
        return damaged();
    WireReader reader(bytes.substr(kMagic.size(), body - kMagic.size()));
    const auto count = reader.number<std::uint32_t>();
    if (reader.left().size() != count * kEntryBytes) return damaged();
    entries_.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        FileStamp stamp;
        stamp.device = reader.number<std::uint64_t>();
        stamp.inode = reader.number<std::uint64_t>();
        stamp.size = reader.number<std::uint64_t>();
        stamp.mtime_ns = static_cast<std::int64_t>(reader.number<std::uint64_t>());
        stamp.ctime_ns = static_cast<std::int64_t>(reader.number<std::uint64_t>());
        const Xxh3 hash = reader.hash();
        // One more than it was written with, so that what nobody asks for grows older.
        const std::uint32_t age = std::min(reader.number<std::uint32_t>(), kMaxAge) + 1;
        entries_[stamp] = {hash, age, (reader.number<std::uint32_t>() & kNoXattrs) != 0};
    }
    return {};
}

std::string FileIndex::serialize() {
    const std::scoped_lock lock(mutex_);
    std::erase_if(entries_, [](const auto& entry) { return entry.second.age > kMaxAge; });
    std::vector<const std::pair<const FileStamp, Entry>*> kept;
    kept.reserve(entries_.size());
    for (const auto& entry : entries_) kept.push_back(&entry);
    if (kept.size() > kMaxIndexEntries) {
        const auto last = kept.begin() + static_cast<std::ptrdiff_t>(kMaxIndexEntries);
        std::ranges::nth_element(kept, last, {}, [](const auto* entry) { return entry->second.age; });
        kept.erase(last, kept.end());
    }
    std::string out;
    out.reserve(kFrameBytes + kept.size() * kEntryBytes);
    out += kMagic;
    WireWriter writer(out);
    writer.number(static_cast<std::uint32_t>(kept.size()));
    for (const auto* entry : kept) {
        const FileStamp& stamp = entry->first;
        writer.number(stamp.device);
        writer.number(stamp.inode);
        writer.number(stamp.size);
        writer.number(static_cast<std::uint64_t>(stamp.mtime_ns));
        writer.number(static_cast<std::uint64_t>(stamp.ctime_ns));
        writer.hash(entry->second.hash);
        writer.number(entry->second.age);
        writer.number(entry->second.no_xattrs ? kNoXattrs : 0U);
    }
    writer.number(xxh3_64(out));
    return out;
}

Result<> FileIndex::save() {
    if (!changed_) return {};
    TRY(write_file_atomic(path_, serialize()));
    changed_ = false;
    return {};
}

}  // namespace synchost::images
