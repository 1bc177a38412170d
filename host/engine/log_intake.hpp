// What becomes of a line that a container wrote: the project's secrets are taken out of it, then it is
// printed and kept.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/engine/reporter.hpp"
#include "host/logs/log_store.hpp"
#include "host/logs/masker.hpp"
#include "host/plan/config.hpp"
#include "host/runtime/runtime.hpp"
#include "k8s/manifest.hpp"

namespace synchost::host {

// The values of `data`, decoded, and `stringData` of every Secret.
std::vector<std::string> secret_values(const std::vector<k8s::Manifest>& manifests);
// Those of build secrets that come from a variable of this process.
std::vector<std::string> secret_values(const Config& config);

// Every function may be called from any thread.
class LogIntake {
  public:
    // Both are borrowed; lines are not kept where there is no store.
    LogIntake(Reporter& reporter, LogStore* store) : reporter_(reporter), store_(store) {}

    // From now on these are masked, and those that were before.
    void learn_secrets(const std::vector<std::string>& values);
    [[nodiscard]] std::string masked(std::string_view text) const;
    void take(const LogLine& line);
    // A line that a build told: kept as one of "Build/IMAGE", and not printed.
    void take_build_line(const std::string& image, const std::string& build, std::string_view line,
                         std::int64_t time_ns);

  private:
    Reporter& reporter_;
    LogStore* store_;
    mutable std::mutex mutex_;
    std::vector<std::string> values_;
    std::shared_ptr<const Masker> masker_ = std::make_shared<Masker>();
};

}  // namespace synchost::host
