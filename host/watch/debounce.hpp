// When does a burst of edits end? Collects touched paths and says at which time the batch is due. Pure: the
// caller brings the time and the touches, so every rule below is tested with a made-up clock.
//
// Two wishes pull apart: a single save must leave within a millisecond or two, and a `git checkout` must stay
// in one piece. The events themselves tell more than a fixed quiet time does. After each touch the batch is
// due once nothing has come for a time that depends on the state of its paths:
//
//   some path is open      written or made, and not closed since: its writer is at work      times.open (50
//   ms) some path is unsure    it was removed, and an editor may be about to put it back;        times.unsure
//   (10 ms)
//                          or it was found in a new folder, written by somebody we did not see
//   every path is settled  closed after writing, or renamed into place                       times.settled  (
//   1 ms)
//                          and a quarter of a millisecond for each path, up to times.unsure: the larger the
//                          burst, the likelier it goes on, and the less a few milliseconds matter
//
// and in any case times.longest (200 ms) after its first touch: a folder that never rests is seen all the
// same. A path that appears and vanishes within the burst (an editor's temporary file) leaves nothing to wait
// for.
//
//   vim, backup by rename     rename a a~ · create a · write a · close a · unlink a~
//   state of a                unsure        open                settled               due 1 ms after the last
//   touch state of a~               settled                                     gone
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
    created,     // a regular file appeared under an open writer
    written,     // bytes changed; the writer may go on
    closed,      // closed by its writer
    arrived,     // renamed or linked into place: whole from the start
    attributes,  // mode, owner or times
    removed,     // unlinked, or renamed away
    found,       // seen while a new folder was scanned
};

struct DebounceTimes {
    std::chrono::microseconds settled{1'000};
    std::chrono::microseconds settled_per_path{250};
    std::chrono::microseconds unsure{10'000};
    std::chrono::microseconds open{50'000};
    std::chrono::microseconds longest{200'000};
    std::size_t max_paths = 100'000;  // beyond, the batch becomes a rescan and its paths are dropped
};

class Debounce {
  public:
    using Time = Batch::Time;

    explicit Debounce(DebounceTimes times = {}) : times_(times) {}

    void touch(PathEvent path, Touch touch, Time now);
    // Events were lost: the batch is a rescan, whatever else it holds.
    void lose(Time now);
    void add_unwatched(Error error, Time now);

    // When the batch is to be taken if nothing else comes; nothing while there is no batch.
    [[nodiscard]] std::optional<Time> due() const;
    // The batch so far; the next touch begins a new one.
    [[nodiscard]] Batch take();

  private:
    struct State {
        bool open = false;
        bool unsure = false;
        bool born = false;  // first seen by its appearance in this burst
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
