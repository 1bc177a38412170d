// What happens when a file of the build context is saved: synced, rebuilt or ignored, and why.
// In this order: the Dockerfile and the ignore file rebuild; so does what a `rebuild:` pattern of
// synchost.yaml names, and what a RUN may have read (images/graph/baked.hpp); what a COPY lays into the image
// is synced; anything else is ignored. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/plan/config.hpp"
#include "host/plan/patterns.hpp"
#include "images/context/ignore.hpp"
#include "images/graph/baked.hpp"

namespace synchost::host {

enum class Action : std::uint8_t { sync, rebuild, ignore };
std::string_view to_string(Action action);

struct Decision {
    Action action = Action::ignore;
    std::string reason;  // completes "because ..."
};

struct DecisionRules {
    std::string dockerfile;  // relative to the context, or absolute where it lies outside of it
    std::string target;      // for messages; empty is the last stage
    std::vector<std::string> ignore_files;  // relative to the context
    PathPatterns rebuild;
    images::IgnoreRules ignore;
    std::vector<images::BakedSource> baked;  // of the Dockerfile that the image was built by
};

// What the configuration says of it; `baked` is left empty. Errors are those of the ignore file.
Result<DecisionRules> decision_rules(const ImageConfig& image);

// `path` is relative to the context. `copied_to` are the image paths that come from it now or did before the
// save.
Decision decide(std::string_view path, const std::vector<std::string>& copied_to, const DecisionRules& rules);
// The same where it rebuilds, else nothing.
std::optional<Decision> why_rebuild(std::string_view path, const DecisionRules& rules);
// False: whatever lies below the folder, no path there rebuilds.
[[nodiscard]] bool may_rebuild_below(std::string_view folder, const DecisionRules& rules);

}  // namespace synchost::host
