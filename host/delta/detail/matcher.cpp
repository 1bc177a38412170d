#include "host/delta/detail/matcher.hpp"

#include <algorithm>
#include <bit>

#include "host/delta/detail/rolling.hpp"

namespace synchost::host::delta::detail {
namespace {

// A shorter gap is inserted without a search unless there is an index already: making one would cost more.
constexpr std::uint64_t kSearchFromBytes = std::uint64_t{16} << 10;
constexpr std::uint64_t kSegmentBytes = std::uint64_t{128} << 10;  // rolled over at a time
constexpr std::int64_t kFirstCredit = std::int64_t{2} << 20;
constexpr std::int64_t kRollPerHash = 8;    // hashing is at least this much faster than rolling
constexpr std::uint64_t kSampleBlocks = 2;  // enough for one anchor of each run of blocks
constexpr std::uint64_t kSampleEvery = 64;  // blocks
constexpr std::int64_t kChecksPerSample = 4;

// The first number from `from` on that leaves `phase` when divided by `step`, a power of two.
std::uint64_t round_up(std::uint64_t from, std::uint64_t phase, std::uint64_t step) {
    return from + ((phase - from) & (step - 1));
}

}  // namespace

Matcher::Matcher(const Signature& base, const Scan& scan, const StableFile& file)
    : base_(base), scan_(scan), file_(file), block_(base.block_bytes), full_(base.full_blocks()) {}

Result<std::vector<Instruction>> Matcher::run() {
    TRY_ASSIGN(const std::uint64_t front, equal_front());
    TRY_ASSIGN(const std::uint64_t back, equal_back(front));
    const std::uint64_t end = scan_.size() - back;
    copy({0, 0, front});
    TRY(fill(front, end));
    copy({end, base_.size - back, back});
    return std::move(out_);
}

Result<std::uint64_t> Matcher::equal_front() {
    std::uint64_t block = 0;
    while (block < full_ && scan_.strong_at(block * block_) == base_.strong[block]) ++block;
    const std::uint64_t front = block * block_;
    if (block < full_) return front;
    TRY_ASSIGN(const bool whole, has_tail_at(front));
    return whole ? base_.size : front;
}

Result<std::uint64_t> Matcher::equal_back(std::uint64_t front) {
    const std::uint64_t tail = base_.tail_bytes();
    if (scan_.size() < front + tail) return 0;
    std::uint64_t start = scan_.size() - tail;
    if (tail > 0) {
        TRY_ASSIGN(const bool equal, has_tail_at(start));
        if (!equal) return 0;
    }
    std::uint64_t block = full_;
    while (block > 0 && start >= front + block_ &&
           scan_.strong_at(start - block_) == base_.strong[block - 1]) {
        start -= block_;
        --block;
    }
    return scan_.size() - start;
}

Result<> Matcher::fill(std::uint64_t at, std::uint64_t end) {
    max_credit_ = kFirstCredit + static_cast<std::int64_t>((end - at) / 64);
    credit_ = max_credit_;
    while (at < end) {
        TRY_ASSIGN(const auto found, next_match(at, end));
        if (!found) break;
        TRY_ASSIGN(const Match match, extend(*found, at, end));
        credit_ = std::min(max_credit_, credit_ + static_cast<std::int64_t>(match.length));
        insert(at, match.at);
        copy(match);
        at = match.at + match.length;
    }
    insert(at, end);
    return {};
}

Result<std::optional<Matcher::Match>> Matcher::next_match(std::uint64_t at, std::uint64_t end) {
    auto in_place = next_in_place(from_start_, 0, at, end);
    if (scan_.growth() != 0) {
        const auto other = next_in_place(from_end_, scan_.growth(), at, end);
        if (other && (!in_place || other->at < in_place->at)) in_place = other;
    }
    const std::uint64_t gap_end = in_place ? in_place->at : end;
    const std::uint64_t search_from = index_ ? block_ : std::max(kSearchFromBytes, 4 * block_);
    if (full_ == 0 || gap_end - at < search_from) return in_place;
    TRY_ASSIGN(const auto found, search(at, gap_end));
    return found ? found : in_place;
}

// The base's block k is looked for at k * B + growth only.
std::optional<Matcher::Match> Matcher::next_in_place(Cursor& cursor, std::int64_t growth, std::uint64_t at,
                                                     std::uint64_t end) {
    if (cursor.found && cursor.found->at >= at) return cursor.found;
    cursor.found.reset();
    const auto phase = static_cast<std::uint64_t>(growth);
    const std::uint64_t lowest = growth > 0 ? phase : 0;
    std::uint64_t place = round_up(std::max({at, cursor.seen, lowest}), phase, block_);
    for (; place + block_ <= end; place += block_) {
        const std::uint64_t block = (place - phase) / block_;
        if (block >= full_) break;
        if (scan_.strong_at(place) != base_.strong[block]) continue;
        cursor.seen = place + block_;
        cursor.found = Match{place, block * block_, block_};
        return cursor.found;
    }
    cursor.seen = std::max(cursor.seen, place);
    return std::nullopt;
}

std::optional<Matcher::Match> Matcher::next_indexed(Cursor& cursor, std::uint64_t alignment, std::uint64_t at,
                                                    std::uint64_t end) {
    if (cursor.found && cursor.found->at >= at)
        return cursor.found->at + block_ <= end ? cursor.found : std::nullopt;
    cursor.found.reset();
    std::uint64_t place = round_up(std::max(at, cursor.seen), alignment, block_);
    for (; place + block_ <= end; place += block_) {
        const auto strong = scan_.strong_at(place);
        const auto block = strong ? index_->find(*strong) : std::nullopt;
        if (!block) continue;
        cursor.seen = place + block_;
        cursor.found = Match{place, *block * block_, block_};
        return cursor.found;
    }
    cursor.seen = std::max(cursor.seen, place);
    return std::nullopt;
}

Result<std::optional<Matcher::Match>> Matcher::search(std::uint64_t at, std::uint64_t end) {
    if (!index_) index_.emplace(base_);
    auto known = next_indexed(aligned_, 0, at, end);
    if (scan_.shift() != 0) {
        const auto other = next_indexed(shifted_, scan_.shift(), at, end);
        if (other && (!known || other->at < known->at)) known = other;
    }
    TRY_ASSIGN(const auto rolled, roll_over(at, known ? known->at : end));
    return rolled ? rolled : known;
}

Result<std::optional<Matcher::Match>> Matcher::roll_over(std::uint64_t at, std::uint64_t end) {
    for (std::uint64_t place = at; place + block_ <= end;) {
        const bool sampling = credit_ <= 0;
        const std::uint64_t wanted = sampling ? kSampleBlocks * block_ : kSegmentBytes;
        std::uint64_t length = std::min(wanted, end - place);
        // A block that a window stands for starts up to one block before it, and ends up to one behind.
        const std::uint64_t low = place - std::min(place, block_);
        if (low >= buffer_at_ && place + 3 * block_ <= buffer_at_ + buffer_size_) {
            length = std::min(length, buffer_at_ + buffer_size_ - block_ - place);
        }
        const std::uint64_t high = std::min(scan_.size(), place + length + block_);
        TRY_ASSIGN(const std::string_view bytes, bytes_at(low, high - low, 0));
        std::int64_t checks =
            sampling ? kChecksPerSample : credit_ * kRollPerHash / std::int64_t{base_.block_bytes} + 1;
        const auto found = roll_segment(bytes.substr(place - low, length), place, at, end, checks);
        credit_ -= static_cast<std::int64_t>(found ? found->at - std::min(found->at, place) : length);
        if (found) return found;
        place += sampling ? kSampleEvery * block_ : length - (kWindowBytes - 1);
    }
    return std::nullopt;
}

std::optional<Matcher::Match> Matcher::roll_segment(std::string_view segment, std::uint64_t offset,
                                                    std::uint64_t at, std::uint64_t end,
                                                    std::int64_t& checks_left) {
    constexpr std::size_t kBefore = kWindowBytes - 1;
    if (segment.size() < kWindowBytes) return std::nullopt;
    std::uint64_t hash = roll_all(segment.substr(0, kBefore));
    for (std::size_t i = kBefore;; ++i) {
        i = index_->next_candidate(segment, i, hash);
        if (i == segment.size()) return std::nullopt;
        const std::uint8_t anchors = index_->anchors_of(weak_of(hash));
        if (anchors == 0) continue;
        const auto found = check(offset + i - kBefore, anchors, at, end, checks_left);
        if (found || checks_left <= 0) return found;
    }
}

std::optional<Matcher::Match> Matcher::check(std::uint64_t window, std::uint8_t anchors, std::uint64_t at,
                                             std::uint64_t end, std::int64_t& checks_left) {
    for (unsigned left = anchors; left != 0; left &= left - 1) {
        const auto anchor = static_cast<std::uint64_t>(std::countr_zero(left));
        const std::uint64_t before = anchor * (block_ / kAnchorsPerBlock);
        if (window < at + before || window - before + block_ > end) continue;
        const std::uint64_t start = window - before;
        const std::string_view bytes(buffer_.data() + (start - buffer_at_), block_);
        if (const auto block = index_->find(xxh3_64(bytes))) return Match{start, *block * block_, block_};
        credit_ -= std::int64_t{base_.block_bytes} / kRollPerHash;
        --checks_left;
    }
    return std::nullopt;
}

Result<Matcher::Match> Matcher::extend(Match match, std::uint64_t at, std::uint64_t end) {
    while (match.from >= block_ && match.at >= at + block_) {
        TRY_ASSIGN(const std::uint64_t before, strong_at(match.at - block_));
        if (before != base_.strong[match.from / block_ - 1]) break;
        match = {match.at - block_, match.from - block_, match.length + block_};
    }
    std::uint64_t block = (match.from + match.length) / block_;
    while (block < full_ && match.at + match.length + block_ <= end) {
        TRY_ASSIGN(const std::uint64_t behind, strong_at(match.at + match.length));
        if (behind != base_.strong[block]) return match;
        match.length += block_;
        ++block;
    }
    if (block == full_ && match.at + match.length + base_.tail_bytes() <= end) {
        TRY_ASSIGN(const bool tail, has_tail_at(match.at + match.length));
        if (tail) match.length += base_.tail_bytes();
    }
    return match;
}

Result<std::uint64_t> Matcher::strong_at(std::uint64_t offset) {
    if (const auto known = scan_.strong_at(offset)) return *known;
    TRY_ASSIGN(const std::string_view bytes, bytes_at(offset, block_, 4 * block_));
    return xxh3_64(bytes);
}

// Whether the base's last block, if it is a short one, lies at this offset.
Result<bool> Matcher::has_tail_at(std::uint64_t offset) {
    const std::uint64_t length = base_.tail_bytes();
    if (length == 0 || offset + length > scan_.size()) return false;
    TRY_ASSIGN(const std::string_view bytes, bytes_at(offset, length, 0));
    return xxh3_64(bytes) == base_.strong[full_];
}

Result<std::string_view> Matcher::bytes_at(std::uint64_t offset, std::uint64_t length, std::uint64_t around) {
    if (offset < buffer_at_ || offset + length > buffer_at_ + buffer_size_) {
        const std::uint64_t low = offset - std::min(offset, around);
        const std::uint64_t high = std::min(scan_.size(), offset + length + around);
        if (buffer_.size() < high - low) buffer_.resize(high - low);
        buffer_size_ = 0;
        TRY(file_.read(low, std::span(buffer_).first(high - low)));
        buffer_at_ = low;
        buffer_size_ = high - low;
    }
    return std::string_view(buffer_.data() + (offset - buffer_at_), length);
}

void Matcher::copy(const Match& match) {
    if (match.length == 0) return;
    if (!out_.empty() && out_.back().kind == Instruction::Kind::copy &&
        out_.back().offset + out_.back().length == match.from) {
        out_.back().length += match.length;
        return;
    }
    out_.push_back({Instruction::Kind::copy, match.from, match.length});
}

void Matcher::insert(std::uint64_t from, std::uint64_t to) {
    if (from < to) out_.push_back({Instruction::Kind::insert, from, to - from});
}

}  // namespace synchost::host::delta::detail
