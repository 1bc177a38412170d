#include "host/logs/log_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <system_error>
#include <utility>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "host/logs/segments.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostPending = std::size_t{256} << 10;
constexpr std::size_t kMaxSegmentBytes = std::size_t{64} << 20;  // of a file that is read at all

// What was kept of one container before this run. Times rise within a container, so its lines are known until
// one comes that is newer, or is of the newest moment and was not counted there.
struct KeptUntil {
    std::int64_t newest = 0;
    std::size_t at_newest = 0;
    std::size_t again = 0;  // of them, told in this run
    bool is_past = false;
    std::string source;              // of its newest lines
    bool is_told = false;            // in this run
    std::uint32_t source_noted = 0;  // in this segment

    void keep(std::int64_t time) {
        if (time < newest) return;
        at_newest = time == newest ? at_newest + 1 : 1;
        newest = time;
    }
    bool has(std::int64_t time) {
        if (is_past || time < newest) return !is_past;
        if (time == newest && again < at_newest) {
            ++again;
            return true;
        }
        is_past = true;
        return false;
    }
};

std::string container_of(const LogRecord& record) {
    return record.pod + '/' + record.container;
}

std::int64_t last_written(const fs::path& folder) {
    const auto segments = list_segments(folder);
    struct stat info{};
    if (segments.empty() || ::stat(segment_path(folder, segments.back()).c_str(), &info) != 0) return 0;
    return info.st_mtim.tv_sec;
}

std::size_t most_of_one(const LogStore::Limits& limits) {
    return limits.segment_bytes * limits.segments;
}

// Removes the oldest segments until the rest, but for the newest, comes to `most` bytes and `count` files.
void remove_oldest(const fs::path& folder, std::size_t most, std::size_t count) {
    auto segments = list_segments(folder);
    if (segments.empty()) return;
    segments.pop_back();
    std::vector<std::size_t> sizes;
    std::size_t total = 0;
    for (const std::uint32_t segment : segments) {
        struct stat info{};
        const bool is_there = ::stat(segment_path(folder, segment).c_str(), &info) == 0;
        total += sizes.emplace_back(is_there ? static_cast<std::size_t>(info.st_size) : 0);
    }
    for (std::size_t i = 0; i < segments.size() && (total > most || segments.size() - i > count); ++i) {
        ::unlink(segment_path(folder, segments[i]).c_str());
        total -= sizes[i];
    }
}

}  // namespace

struct LogStore::Ring {
    fs::path folder;
    Fd fd;  // of the newest segment; closed where many are written
    std::uint32_t number = 0;
    std::size_t size = 0;
    std::string pending;
    std::map<std::string, KeptUntil> kept;  // by container
    std::int64_t pushed_out_until = 0;      // nothing is known of what is older

    // What is to be written of the record: nothing where it is there already.
    void take(const LogRecord& record, std::string_view source) {
        KeptUntil& until =
            kept.try_emplace(container_of(record), KeptUntil{.newest = pushed_out_until}).first->second;
        const bool is_first = !std::exchange(until.is_told, true);
        const bool has_lost =
            record.kind == LogKind::gap || (is_first && !source.empty() && source == until.source &&
                                            until.at_newest > 0 && record.time_ns > until.newest);
        if (until.has(record.time_ns) && record.kind == LogKind::line) return;
        if (!source.empty() && (source != until.source || until.source_noted != number)) {
            until.source = source;
            until.source_noted = number;
            encode_log_record(note_of(record, LogKind::source, until.source), pending);
        }
        if (has_lost) encode_log_record(note_of(record, LogKind::gap, {}), pending);
        if (record.kind == LogKind::line) encode_log_record(record, pending);
    }
    static LogRecord note_of(const LogRecord& record, LogKind kind, std::string text) {
        return {.time_ns = record.time_ns,
                .pod = record.pod,
                .container = record.container,
                .text = std::move(text),
                .kind = kind};
    }
    // Learns what is in the segment; how many bytes of it are whole records.
    Result<std::size_t> learn(std::uint32_t segment, bool is_oldest) {
        TRY_ASSIGN(const std::string bytes, read_file(segment_path(folder, segment), kMaxSegmentBytes));
        std::size_t at = 0;
        while (true) {
            const DecodedRecord next = decode_log_record(std::string_view(bytes).substr(at));
            if (next.outcome != Decoding::whole) return at;
            if (is_oldest && at == 0 && segment > 1) pushed_out_until = next.record.time_ns;
            KeptUntil& until = kept[container_of(next.record)];
            if (next.record.kind == LogKind::source) until.source = next.record.text;
            if (next.record.kind == LogKind::line) until.keep(next.record.time_ns);
            at += next.bytes;
        }
    }
};

LogStore::LogStore(fs::path root, Hooks hooks, Limits limits)
    : root_(std::move(root)),
      hooks_(std::move(hooks)),
      limits_(limits),
      share_(most_of_one(limits)),
      trimmed_to_(share_) {}

Result<std::unique_ptr<LogStore>> LogStore::open(const fs::path& root, Hooks hooks, Limits limits) {
    TRY(make_folders(root, 0700));
    std::unique_ptr<LogStore> store(new LogStore(root, std::move(hooks), limits));
    store->writer_ = std::thread([raw = store.get()] { raw->run(); });
    return store;
}

LogStore::~LogStore() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    appended_.notify_one();
    writer_.join();
}

void LogStore::append(const std::string& workload, const LogRecord& record, std::string_view source) {
    const std::lock_guard lock(mutex_);
    Ring* ring = ring_of(workload);
    if (ring == nullptr) return;
    const std::size_t before = ring->pending.size();
    ring->take(record, source);
    if (ring->pending.empty()) return;
    pending_bytes_ += ring->pending.size() - before;
    if (ring->pending.size() >= kMostPending) {
        if (auto written = write(*ring); !written) return give_up(workload, written.error());
    }
    const bool was_dirty = std::exchange(dirty_, true);
    if (pending_bytes_ >= limits_.pending_bytes) {
        (void)write_all_rings();
        dirty_ = true;  // it is still to be told
    }
    if (!was_dirty) appended_.notify_one();
}

void LogStore::flush() {
    const std::lock_guard lock(mutex_);
    if (write_all_rings()) hooks_.on_written();
}

void LogStore::run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
        appended_.wait(lock, [&] { return stop_ || dirty_; });
        appended_.wait_for(lock, limits_.delay, [&] { return stop_; });
        if (!write_all_rings()) continue;
        lock.unlock();
        hooks_.on_written();
        lock.lock();
    }
    (void)write_all_rings();
}

bool LogStore::write_all_rings() {
    if (!std::exchange(dirty_, false)) return false;
    for (const auto& [workload, ring] : rings_) {
        if (ring == nullptr || ring->pending.empty()) continue;
        if (auto written = write(*ring); !written) give_up(workload, written.error());
    }
    return true;
}

void LogStore::give_up(const std::string& workload, const Error& error) {
    if (const auto& ring = rings_[workload]) {
        pending_bytes_ -= ring->pending.size();
        open_files_ -= ring->fd ? 1 : 0;
    }
    rings_[workload] = nullptr;
    hooks_.on_problem(workload, Error(error).context("its log is not kept from here on"));
}

LogStore::Ring* LogStore::ring_of(const std::string& workload) {
    const auto [found, is_new] = rings_.try_emplace(workload);
    if (!is_new) return found->second.get();
    auto ring = open_ring(workload);
    if (ring) {
        found->second = *std::move(ring);
    } else {
        give_up(workload, ring.error());
    }
    return found->second.get();
}

Result<std::unique_ptr<LogStore::Ring>> LogStore::open_ring(const std::string& workload) {
    const auto name = log_folder_name(workload);
    if (!name) return fail(Errc::invalid_input, printable(workload) + " names no workload");
    auto ring = std::make_unique<Ring>();
    ring->folder = root_ / *name;
    if (std::error_code error; !fs::exists(ring->folder, error)) TRY(make_room());
    TRY(make_folders(ring->folder, 0700));
    const auto segments = list_segments(ring->folder);
    for (const std::uint32_t segment : segments) {
        TRY_ASSIGN(ring->size, ring->learn(segment, segment == segments.front()));
    }
    ring->number = segments.empty() ? 1 : segments.back();
    TRY(open_for_writing(*ring));
    share_among(list_log_workloads(root_).size());
    return ring;
}

Result<> LogStore::open_for_writing(Ring& ring) {
    if (open_files_ >= limits_.open_files) {
        for (const auto& [workload, other] : rings_) {
            if (other != nullptr) other->fd.reset();
        }
        open_files_ = 0;
    }
    TRY_ASSIGN(ring.fd, open_file(segment_path(ring.folder, ring.number), O_WRONLY | O_CREAT, 0600));
    ++open_files_;
    // What a writer that was killed, or a full disk, left of a record is gone.
    if (::ftruncate(ring.fd.get(), static_cast<off_t>(ring.size)) != 0 ||
        ::lseek(ring.fd.get(), 0, SEEK_END) < 0)
        return fail_errno(printable(ring.folder.native()));
    return {};
}

void LogStore::share_among(std::size_t workloads) {
    const std::size_t fair = limits_.total_bytes / std::max<std::size_t>(workloads, 1);
    share_ = std::min(most_of_one(limits_), std::max(fair, limits_.least_bytes));
    // Not for each new one: the others would be looked at as often as there are any.
    if (share_ > trimmed_to_ - trimmed_to_ / 8) return;
    trimmed_to_ = share_;
    for (const std::string& workload : list_log_workloads(root_))
        trim(root_ / log_folder_name(workload).value_or(""));
}

// While nobody's share has shrunk all segments are of one size, and their number says enough.
void LogStore::trim(const fs::path& folder) const {
    const bool is_whole = share_ == most_of_one(limits_);
    remove_oldest(folder, is_whole ? std::numeric_limits<std::size_t>::max() : share_ - segment_bytes(),
                  limits_.segments - 1);
}

// A workload that nobody writes any more makes room for a new one.
Result<> LogStore::make_room() const {
    const auto workloads = list_log_workloads(root_);
    if (workloads.size() < limits_.workloads) return {};
    fs::path oldest;
    std::int64_t oldest_time = std::numeric_limits<std::int64_t>::max();
    for (const std::string& workload : workloads) {
        if (rings_.contains(workload)) continue;
        const fs::path folder = root_ / log_folder_name(workload).value_or("");
        const std::int64_t time = last_written(folder);
        if (time < oldest_time) {
            oldest = folder;
            oldest_time = time;
        }
    }
    if (oldest.empty())
        return fail(Errc::unsupported, "the logs of " + std::to_string(limits_.workloads) +
                                           " workloads are kept, and of no more");
    std::error_code error;
    fs::remove_all(oldest, error);
    if (error) return fail_errno(printable(oldest.native()), error.value());
    return {};
}

Result<> LogStore::write(Ring& ring) {
    if (ring.size > 0 && ring.size + ring.pending.size() > segment_bytes()) {
        if (ring.number == std::numeric_limits<std::uint32_t>::max())
            return fail(Errc::unsupported, "no number is left for a segment");
        open_files_ -= ring.fd ? 1 : 0;
        ring.fd.reset();
        ++ring.number;
        ring.size = 0;
        TRY(open_for_writing(ring));
        trim(ring.folder);
    }
    if (!ring.fd) TRY(open_for_writing(ring));
    TRY(write_all(ring.fd.get(), ring.pending));
    ring.size += ring.pending.size();
    pending_bytes_ -= ring.pending.size();
    ring.pending.clear();
    return {};
}

}  // namespace synchost::host
