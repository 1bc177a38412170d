// The live area as lines of text. Pure.
//
//     -- todo ------------------------------------------------------------------
//     todo-api  running   2/2 current  generation 14  synced in 7.1 ms, restarted in 110 ms
//     todo-ui   building  1/1 current  generation 3   12 s  Dockerfile:7: RUN npm ci
//     worker    building                              [######----]  60 %  pushing 72.0 MB of 120.0 MB
//     and 12 more
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "host/view/live_state.hpp"

namespace synchost::host {

// For a screen of `width` columns and `height` rows: at most a third of its rows, each at most width - 1
// columns by cells_of().most, without a line's end. Names and texts are made printable. Where not all images
// fit, those with trouble come first, then those that something is done for. With `colour`, sequences
// CSI ... m stand around words, and each line ends without one in force.
[[nodiscard]] std::vector<std::string> render(const LiveState& state, std::size_t width, std::size_t height,
                                              bool colour);

}  // namespace synchost::host
