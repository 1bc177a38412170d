// What the live area shows of each image, from what the engine knows (Status), what was told last and what
// builds are busy with. Pure.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "host/control/status.hpp"
#include "host/view/build_work.hpp"
#include "host/view/live_state.hpp"

namespace synchost::host {

// What a line told, in a few words: of "synced", "app.py -> 2 containers in 7.1 ms (seen 2.0 ms, sent and
// applied 5.1 ms), restarted in 12 ms" it is "synced in 7.1 ms, restarted in 12 ms"; of "ready" after it,
// "app.py -> 2 containers in 110 ms (synced in 7.1 ms, restarted in 12 ms)", "synced in 7.1 ms, serving in
// 110 ms".
[[nodiscard]] std::string in_short(std::string_view verb, std::string_view text);

using LastTold = std::map<std::string, std::string, std::less<>>;  // subject to in_short()
using WorkOfImages = std::map<std::string, BuildWork, std::less<>>;

// Why a container is held, or refused a generation, comes before what was told of its image.
[[nodiscard]] LiveState live_state(const Status& status, const LastTold& told, const WorkOfImages& work,
                                   BuildWork::Time now);

}  // namespace synchost::host
