// From hashes to instructions: which ranges of the new content the base has.
//
// 1. The blocks from the start that are equal, and those from the end: an edit in one place needs no more.
// 2. Between them, from left to right. Where a block has been matched, the base's next one is tried right
//    behind it. Where that fails, the next place is taken at which the base's block is in its old place, seen
//    from the start or from the end: all of this is comparing numbers that the scan has made.
// 3. A gap that this leaves, when it is worth it, is searched for any block of the base at any offset: first
//    the hashes that the scan made are looked up (pages that moved, blocks of zeros), then the bytes before
//    the first such place are rolled over (rsync's idea: Tridgell, "Efficient Algorithms for Sorting and
//    Synchronization", 1999, chapter 3), and a place that the rolling hash points at is checked by the strong
//    one. What is found is extended to both sides.
//
// What a search costs is bounded: rolling runs at a tenth of the speed of reading, so it has a credit of 2
// MiB and 1/64 of the middle. A byte rolled over costs one, a check that fails costs what hashing its block
// takes, and what is matched is earned. Without credit it rolls over samples only: two blocks' length of each
// 64, long enough to hold the anchor of a run of blocks that passes through. A run of 66 equal blocks is
// still found, and extended back to where it starts; and a content that has nothing in common with the base,
// or pretends to have much, costs at most about twice what signing it costs.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/delta/compare.hpp"
#include "host/delta/detail/block_index.hpp"
#include "host/delta/detail/scan.hpp"

namespace synchost::host::delta::detail {

class Matcher {
  public:
    // All of them outlive it.
    Matcher(const Signature& base, const Scan& scan, const StableFile& file);
    Result<std::vector<Instruction>> run();

  private:
    // A range of the new content at `at`, and of the base at `from`.
    struct Match {
        std::uint64_t at = 0;
        std::uint64_t from = 0;
        std::uint64_t length = 0;
    };
    // Remembers how far a scan for the next match went, so that no block is looked at twice.
    struct Cursor {
        std::uint64_t seen = 0;
        std::optional<Match> found;
    };

    Result<std::uint64_t> equal_front();
    Result<std::uint64_t> equal_back(std::uint64_t front);
    Result<> fill(std::uint64_t at, std::uint64_t end);
    Result<std::optional<Match>> next_match(std::uint64_t at, std::uint64_t end);
    std::optional<Match> next_in_place(Cursor& cursor, std::int64_t growth, std::uint64_t at,
                                       std::uint64_t end);
    std::optional<Match> next_indexed(Cursor& cursor, std::uint64_t alignment, std::uint64_t at,
                                      std::uint64_t end);
    Result<std::optional<Match>> search(std::uint64_t at, std::uint64_t end);
    Result<std::optional<Match>> roll_over(std::uint64_t at, std::uint64_t end);
    std::optional<Match> roll_segment(std::string_view segment, std::uint64_t offset, std::uint64_t at,
                                      std::uint64_t end, std::int64_t& checks_left);
    std::optional<Match> check(std::uint64_t window, std::uint8_t anchors, std::uint64_t at,
                               std::uint64_t end, std::int64_t& checks_left);
    Result<Match> extend(Match match, std::uint64_t at, std::uint64_t end);

    Result<std::uint64_t> strong_at(std::uint64_t offset);
    Result<bool> has_tail_at(std::uint64_t offset);
    // The bytes, valid until the next call; up to `around` more on each side are read with them.
    Result<std::string_view> bytes_at(std::uint64_t offset, std::uint64_t length, std::uint64_t around);
    void copy(const Match& match);
    void insert(std::uint64_t from, std::uint64_t to);

    const Signature& base_;
    const Scan& scan_;
    const StableFile& file_;
    std::uint64_t block_;
    std::uint64_t full_;  // blocks of the base
    std::vector<Instruction> out_;
    Cursor from_start_, from_end_, aligned_, shifted_;
    std::optional<BlockIndex> index_;
    std::int64_t credit_ = 0;
    std::int64_t max_credit_ = 0;
    std::vector<char> buffer_;
    std::uint64_t buffer_at_ = 0;
    std::uint64_t buffer_size_ = 0;
};

}  // namespace synchost::host::delta::detail
