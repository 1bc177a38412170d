// What happens in a container once a generation's files are in place, by the files that changed: the process
// is restarted, gets a signal, a command runs, or nothing happens. Rules come from synchost.yaml, in order;
// the first whose patterns match a file decides for it, and a file that none matches asks for a restart.
//
//     after:
//       - {paths: ["templates/**"], do: nothing}
//       - {paths: ["locale/*.po"], do: {command: [/app/bin/compile, --all]}}
//       - {paths: [nginx.conf], do: {signal: HUP}}
//
// A burst that touches several of them runs each command once, then restarts the process if any file asks for
// it, and sends it the signals otherwise: what is started anew has read everything.
//
//     locale/de.po, nginx.conf, templates/a.html   ->   command, signal HUP
//     locale/de.po, nginx.conf, app.py             ->   command, restart
//
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/plan/patterns.hpp"
#include "protocol/generation_decoder.hpp"

namespace synchost::host {

using protocol::AfterApply;
using protocol::AfterKind;

inline constexpr std::size_t kMaxAfterRules = 15;  // of an image; with the restart of other files, 16 steps
using protocol::kMaxCommandBytes;
using protocol::kMaxCommandWords;

struct AfterRule {
    PathPatterns paths;              // relative to the context
    std::optional<AfterApply> does;  // none: nothing happens
    bool operator==(const AfterRule&) const = default;
};

// The steps that follow when these files of the context changed, in order. Commands come in the order of
// their rules. Empty where no file asks for any, and where none changed.
[[nodiscard]] std::vector<AfterApply> plan_after(const std::vector<AfterRule>& rules,
                                                 const std::vector<std::string>& sources);

// The steps of two bursts that are applied as one, the earlier one first.
[[nodiscard]] std::vector<AfterApply> merge_after(std::vector<AfterApply> earlier,
                                                  const std::vector<AfterApply>& later);

// "restart", "signal HUP", "command /app/bin/compile", "nothing"; several with commas between.
[[nodiscard]] std::string to_string(const std::vector<AfterApply>& steps);

}  // namespace synchost::host
