// What an image's build and push are busy with, from what they tell on their way (images::BuildTools). Pure:
// lines, events and times in, LiveWork out.
//
// A RUN step is told when it begins and the next step when that is over, so the last line names what is going
// on; the step's own output ("7| added 120 packages") says nothing new. Copies are told when they are made,
// and are no work; nor is an empty line, by which a build begins. The blobs of a push are summed up from when
// the first begins until none is under way.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "host/view/live_state.hpp"
#include "registry-client/transfer.hpp"

namespace synchost::host {

// Work that takes less than this is not shown: it would flicker.
inline constexpr std::chrono::seconds kLongWork{1};

class BuildWork {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // True where it is busy with something else now.
    bool take_line(std::string_view line, Time now);
    bool take_blob(const registry::BlobEvent& event, Time now);

    // Empty where it is busy with nothing, or not for long enough.
    [[nodiscard]] LiveWork at(Time now) const;
    // When at() will differ though nothing is told: once the work is long, then each second, or ten times in
    // a second while bytes move. Nothing where it never will.
    [[nodiscard]] std::optional<Time> next_change(Time now) const;

  private:
    struct Push {
        Time began;
        std::map<std::string, std::uint64_t> under_way;  // digest to bytes so far
        std::uint64_t done = 0;                          // bytes of blobs that have ended
        std::uint64_t size = 0;                          // of all that were begun
    };
    [[nodiscard]] std::optional<Time> began() const;

    std::string step_;
    Time step_began_{};
    std::optional<Push> push_;
};

}  // namespace synchost::host
