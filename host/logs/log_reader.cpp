#include "host/logs/log_reader.hpp"

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "host/logs/segments.hpp"

namespace synchost::host {
namespace {

// Where many workloads are read at once, each holds what it needs: little, and no file.
constexpr std::size_t kLeastReadBytes = std::size_t{16} << 10;
constexpr std::size_t kReadBytes = std::size_t{256} << 10;  // holds the longest record
constexpr std::size_t kManyCursors = 32;
constexpr std::size_t kBatchBytes = std::size_t{64} << 10;
constexpr std::size_t kMostLookedAt = std::size_t{8} << 20;

}  // namespace

// A place in one workload's ring.
class LogReader::Cursor {
  public:
    struct Place {
        std::uint32_t segment = 0;
        std::uint64_t offset = 0;
    };

    Cursor(std::string name, std::filesystem::path folder)
        : workload(std::move(name)), folder_(std::move(folder)) {}

    // Whether it is one of many.
    void be_frugal(bool frugal) { is_frugal_ = frugal; }

    // The next record, where there is one by now; where there was none, look_again() comes before the next
    // try.
    const LogRecord* peek() {
        if (is_at_end_) return nullptr;
        while (!head_) {
            DecodedRecord next = decode_log_record(std::string_view(buffer_).substr(used_));
            if (next.outcome == Decoding::whole && next.record.kind == LogKind::source) {
                used_ += next.bytes;
                continue;
            }
            if (next.outcome == Decoding::whole) {
                head_ = std::move(next.record);
                head_bytes_ = next.bytes;
                break;
            }
            if (next.outcome == Decoding::partial && fill()) continue;
            if (!open_next(next.outcome == Decoding::broken)) {
                is_at_end_ = true;
                return nullptr;
            }
        }
        return &*head_;
    }
    void look_again() { is_at_end_ = false; }
    LogRecord take() {
        LogRecord out = *std::exchange(head_, std::nullopt);
        used_ += head_bytes_;
        return out;
    }
    [[nodiscard]] std::size_t head_bytes() const { return head_bytes_; }
    // Of the record that peek() gave.
    [[nodiscard]] Place place() const { return {segment_, offset_ - (buffer_.size() - used_)}; }
    void go_to(const Place& place) {
        is_at_end_ = false;
        head_.reset();
        buffer_.clear();
        used_ = 0;
        offset_ = place.offset;
        segment_ = place.segment;
        fd_.reset();
        (void)reopen();
    }
    bool take_gap() { return std::exchange(gap_, false); }

    const std::string workload;

  private:
    // False where the segment is gone: that is told as a gap.
    bool reopen() {
        if (auto opened = open_file(segment_path(folder_, segment_), O_RDONLY)) {
            fd_ = *std::move(opened);
            is_open_ = true;
            return true;
        }
        is_open_ = false;
        gap_ = true;  // pushed out meanwhile
        return false;
    }
    // More of the segment; false where there is none by now.
    bool fill() {
        if (!is_open_ || (!fd_ && !reopen())) return false;
        buffer_.erase(0, used_);
        used_ = 0;
        const std::size_t had = buffer_.size();
        buffer_.resize(is_frugal_ ? std::clamp(had * 2, kLeastReadBytes, kReadBytes) : kReadBytes);
        const auto got = read_at(fd_.get(), offset_, std::span(buffer_).subspan(had));
        buffer_.resize(had + got.value_or(0));
        offset_ += got.value_or(0);
        if (is_frugal_) {
            fd_.reset();
            buffer_.shrink_to_fit();
        }
        return buffer_.size() > had;
    }
    // The segment after the open one, whose rest is nothing that can be read; false where it is the newest.
    bool open_next(bool is_broken) {
        const auto segments = list_segments(folder_);
        const auto next = std::ranges::upper_bound(segments, segment_);
        if (next == segments.end()) return false;
        // It may have grown between the read that found its end and the one that begins the next.
        if (!is_broken && fill()) return true;
        auto opened = open_file(segment_path(folder_, *next), O_RDONLY);
        if (!opened) return false;  // pushed out just now: the next call finds another
        gap_ = gap_ || is_broken || (segment_ != 0 && *next != segment_ + 1);
        fd_ = *std::move(opened);
        is_open_ = true;
        segment_ = *next;
        offset_ = 0;
        buffer_.clear();
        used_ = 0;
        return true;
    }

    std::filesystem::path folder_;
    std::uint32_t segment_ = 0;  // 0: before the oldest
    bool is_open_ = false;       // there is more to read of the segment, or may be
    Fd fd_;                      // of it; none while a frugal one does not read
    bool is_frugal_ = false;
    bool is_at_end_ = false;
    std::uint64_t offset_ = 0;  // of the end of buffer_
    std::string buffer_;
    std::size_t used_ = 0;
    std::optional<LogRecord> head_;
    std::size_t head_bytes_ = 0;
    bool gap_ = false;
};

LogReader::LogReader(std::filesystem::path root, LogQuery query, LogMatcher matcher)
    : root_(std::move(root)), query_(std::move(query)), matcher_(std::move(matcher)) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

Result<LogReader> LogReader::open(const std::filesystem::path& root, LogQuery query) {
    TRY_ASSIGN(LogMatcher matcher, LogMatcher::make(query));
    LogReader reader(root, std::move(query), std::move(matcher));
    reader.find_workloads();
    if (reader.query_.tail) reader.skip_to_tail(std::min(*reader.query_.tail, kMaxLogTail));
    return reader;
}

void LogReader::find_workloads() {
    auto wanted = query_.workloads;
    if (wanted.empty()) {
        wanted = list_log_workloads(root_);
        std::erase_if(wanted, [&](const std::string& workload) {
            return query_.source != LogSource::all &&
                   is_build_log(workload) != (query_.source == LogSource::build);
        });
    }
    for (const std::string& workload : wanted) {
        const auto folder = log_folder_name(workload);
        const auto same = [&](const auto& cursor) { return cursor->workload == workload; };
        if (folder && std::ranges::none_of(cursors_, same))
            cursors_.push_back(std::make_unique<Cursor>(workload, root_ / *folder));
    }
    for (const auto& cursor : cursors_) cursor->be_frugal(cursors_.size() > kManyCursors);
}

LogReader::Cursor* LogReader::oldest() {
    Cursor* out = nullptr;
    std::int64_t time = 0;
    for (const auto& cursor : cursors_) {
        const LogRecord* record = cursor->peek();
        if (record == nullptr || (out != nullptr && record->time_ns >= time)) continue;
        out = cursor.get();
        time = record->time_ns;
    }
    return out;
}

// Once through all, keeping the places of the last records that fit; then each cursor goes to its first of
// them, or stays at the end.
void LogReader::skip_to_tail(std::uint64_t count) {
    struct Kept {
        Cursor* cursor;
        Cursor::Place place;
    };
    std::deque<Kept> last;
    while (Cursor* cursor = oldest()) {
        const Cursor::Place place = cursor->place();
        if (!matcher_.fits(cursor->take()) || count == 0) continue;
        last.push_back({cursor, place});
        if (last.size() > count) last.pop_front();
    }
    for (auto it = last.rbegin(); it != last.rend(); ++it) it->cursor->go_to(it->place);
    for (const auto& cursor : cursors_) (void)cursor->take_gap();  // nobody was promised what came before
}

LogReader::Batch LogReader::next() {
    Batch out;
    out.gap = std::exchange(gap_follows_, false);
    if (query_.workloads.empty()) find_workloads();
    for (const auto& cursor : cursors_) cursor->look_again();
    std::size_t looked_at = 0;
    std::size_t bytes = 0;
    while (bytes < kBatchBytes && looked_at < kMostLookedAt) {
        Cursor* cursor = oldest();
        bool gap = false;
        for (const auto& one : cursors_) gap = one->take_gap() || gap;
        // It is told before what follows it.
        if (gap && !out.items.empty()) {
            gap_follows_ = true;
            break;
        }
        out.gap = out.gap || gap;
        if (cursor == nullptr) {
            out.at_end = true;
            break;
        }
        looked_at += cursor->head_bytes();
        LogRecord record = cursor->take();
        if (!matcher_.fits(record)) continue;
        bytes += record.text.size() + 1;
        out.items.push_back({cursor->workload, std::move(record)});
    }
    return out;
}

}  // namespace synchost::host
