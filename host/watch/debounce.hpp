// When does a burst of edits end? Collects touched paths and says at which time the batch is due. Pure: the
// caller brings the time and the touches, so every rule below is tested with a made-up clock.
//
// Two wishes pull apart: a single save must leave within a millisecond or two, and a `git checkout` must stay
// in one piece. The events themselves tell more than a fixed quiet time does. After each touch the batch is
// due once nothing has come for a time that depends on the state of its paths:
//
//   50 ms  some path is open: written or made, and not closed since. Its writer is at work.
//   10 ms  some path is unsure: removed, and an editor may be about to put it back; or found in a new
//          folder, written by somebody whom we did not see.
//    1 ms  every path is settled: closed after writing, or renamed into place. A quarter of a millisecond
//          for each path, where that is more, up to 10 ms: the larger the burst, the likelier it goes on,
//          and the less a few milliseconds matter.
//
// A path that appears and vanishes within the burst (an editor's temporary file) leaves nothing to wait for.
// In any case the batch is due 200 ms after its first touch: a folder that never rests is seen all the same.
// Who knows of a writer in the middle of a larger change, as git's lock tells of a checkout, waits until
// nothing has come for a second, 10 s in all: some locks mean nothing to the tree (`git commit -a` holds one
// while its message is written), and a save beside them must not wait for long.
//
//   vim saves a:   rename a a~   create a   write a   close a   unlink a~
//   a is           unsure        open       open      settled   settled     due 1 ms after the unlink
//   a~ is          settled       settled    settled   settled   gone
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "host/watch/batch.hpp"

namespace synchost::host {

enum class Touch : std::uint8_t {
    created,      // a regular file appeared under an open writer
    written,      // bytes changed; the writer may go on
    closed,       // closed by its writer
    arrived,      // renamed or linked into place: whole from the start
    all_arrived,  // a folder that was, with all that it holds
    attributes,   // mode, owner or times
    removed,      // unlinked, or renamed away
    found,        // seen while a new folder was scanned
};

struct DebounceTimes {
    std::chrono::microseconds settled{1'000};
    std::chrono::microseconds settled_per_path{250};
    std::chrono::microseconds unsure{10'000};
    std::chrono::microseconds open{50'000};
    std::chrono::microseconds longest{200'000};
    std::chrono::microseconds known{1'000'000};
    std::chrono::microseconds longest_known{10'000'000};
    std::size_t max_paths = 100'000;  // beyond, the batch becomes a rescan and its paths are dropped
};

// What is known of the writers beyond their touches.
enum class Outlook : std::uint8_t { unknown, more_comes };

class Debounce {
  public:
    using Time = Batch::Time;

    explicit Debounce(DebounceTimes times = {}) : times_(times) {}

    void touch(PathEvent path, Touch touch, Time now);
    // Events were lost: the batch is a rescan, whatever else it holds.
    void lose(Time now);
    void add_unwatched(Error error, Time now);

    // When the batch is to be taken if nothing else comes; nothing while there is no batch.
    [[nodiscard]] std::optional<Time> due(Outlook outlook = Outlook::unknown) const;
    // The batch so far; the next touch begins a new one.
    [[nodiscard]] Batch take();

  private:
    struct State {
        bool open = false;
        bool unsure = false;
        bool born = false;  // first seen by its appearance in this burst
        bool with_all_below = false;
    };
    void see(Time now);
    void set(State& state, bool open, bool unsure);
    [[nodiscard]] std::chrono::microseconds quiet() const;

    DebounceTimes times_;
    std::map<PathEvent, State> paths_;
    std::size_t open_ = 0;  // paths whose state says so
    std::size_t unsure_ = 0;
    bool any_ = false;
    bool rescan_ = false;
    Time first_{};
    Time last_{};
    std::vector<Error> unwatched_;
};

}  // namespace synchost::host
