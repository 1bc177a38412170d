// What a save of each file of a build context would do, in words: the decision of decision.hpp with the
// Dockerfile's lines behind it, and a summary of it by folder. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/plan/after.hpp"
#include "host/plan/decision.hpp"
#include "images/builder.hpp"

namespace synchost::host {

struct SyncTarget {
    std::string image_path;
    int line = 0;  // of the COPY in the Dockerfile
};

struct Explained {
    std::string path;  // relative to the context
    Action action = Action::ignore;
    std::string reason;               // "COPY at line 7 of Dockerfile lays it at /app/a.py"
    std::vector<SyncTarget> targets;  // sorted; of a synced path
    std::string after;                // what follows in a container: "restart"; of a synced path
};

class Explainer {
  public:
    // `dockerfile` is the Dockerfile's name, for messages; empty for an image that is not built here. All are
    // borrowed but for the trace.
    Explainer(images::Trace trace, const DecisionRules& rules, const std::vector<AfterRule>& after,
              std::string dockerfile);

    // Of a file that is there or not: one that is not as if it appeared, as far as that can be told without
    // the others.
    [[nodiscard]] Explained explain(const std::string& path) const;

  private:
    [[nodiscard]] std::vector<SyncTarget> targets_of(const std::string& path) const;
    images::Trace trace_;
    const DecisionRules& rules_;
    const std::vector<AfterRule>& after_;
    std::string dockerfile_;
    std::multimap<std::string, SyncTarget, std::less<>> copied_;  // by source
};

struct PlanLine {
    std::string path;       // a folder ends in '/', and stands for all below
    std::size_t files = 0;  // that it stands for
    Action action = Action::ignore;
    std::string reason;  // "COPY at line 7 of Dockerfile lays it at /app/"
};

// `files` sorted by path. A folder all of whose files have one action for one reason is one line.
std::vector<PlanLine> summarize(const std::vector<Explained>& files);

}  // namespace synchost::host
