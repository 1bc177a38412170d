// Which records somebody wants to read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/logs/log_record.hpp"

namespace synchost::host {

inline constexpr std::uint64_t kMaxLogTail = 100'000;

// Lines of containers, of builds, or both.
enum class LogSource : std::uint8_t { runtime, build, all };
// "runtime", "build" and "all"; runtime where it is empty.
Result<LogSource> parse_log_source(std::string_view text);

struct LogQuery {
    std::vector<std::string> workloads;  // those of `source` where empty
    LogSource source = LogSource::runtime;
    std::string pod;  // any where empty
    std::string container;
    std::string grep;  // a regular expression of RE2 that is found in the text; all where empty
    std::optional<std::int64_t> since_ns;
    std::optional<std::int64_t> until_ns;  // records before this time
    std::optional<std::uint64_t> tail;     // the last so many of those that fit, at most kMaxLogTail
};

// Decides for single records; what an expression costs is linear in the text, whatever it says.
class LogMatcher {
  public:
    // invalid_input, with what is wrong, for an expression that RE2 does not take.
    static Result<LogMatcher> make(const LogQuery& query);
    [[nodiscard]] bool fits(const LogRecord& record) const;

  private:
    struct Expression;
    LogMatcher() = default;
    std::string pod_;
    std::string container_;
    std::int64_t since_ns_ = 0;
    std::int64_t until_ns_ = 0;
    std::shared_ptr<const Expression> expression_;  // none: every text
};

}  // namespace synchost::host
