#include "host/logs/log_query.hpp"

#include <re2/re2.h>

#include <limits>

#include "base/rel_path.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kMaxExpressionBytes = 1'000;
constexpr std::int64_t kMaxExpressionMemory = 8 << 20;

RE2::Options options_of_ours() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kMaxExpressionMemory);
    return options;
}

}  // namespace

Result<LogSource> parse_log_source(std::string_view text) {
    if (text.empty() || text == "runtime") return LogSource::runtime;
    if (text == "build") return LogSource::build;
    if (text == "all") return LogSource::all;
    return fail(Errc::invalid_input,
                "source: \"" + printable(text.substr(0, 100)) + "\" is none of runtime, build and all");
}

struct LogMatcher::Expression {
    explicit Expression(const std::string& text) : expression(text, options_of_ours()) {}
    RE2 expression;
};

Result<LogMatcher> LogMatcher::make(const LogQuery& query) {
    LogMatcher out;
    out.pod_ = query.pod;
    out.container_ = query.container;
    out.since_ns_ = query.since_ns.value_or(0);
    out.until_ns_ = query.until_ns.value_or(std::numeric_limits<std::int64_t>::max());
    if (query.grep.empty()) return out;
    const std::string shown = "grep: \"" + printable(query.grep.substr(0, 100)) + '"';
    if (query.grep.size() > kMaxExpressionBytes)
        return fail(Errc::invalid_input,
                    shown + ": longer than " + std::to_string(kMaxExpressionBytes) + " bytes");
    auto expression = std::make_shared<const Expression>(query.grep);
    if (!expression->expression.ok())
        return fail(Errc::invalid_input, shown + ": " + printable(expression->expression.error()),
                    "Put a \\ before a character that stands for itself.");
    out.expression_ = std::move(expression);
    return out;
}

bool LogMatcher::fits(const LogRecord& record) const {
    if (record.time_ns < since_ns_ || record.time_ns >= until_ns_) return false;
    if (!pod_.empty() && record.pod != pod_) return false;
    if (!container_.empty() && record.container != container_) return false;
    if (record.kind == LogKind::gap) return true;
    return !expression_ || RE2::PartialMatch(record.text, expression_->expression);
}

}  // namespace synchost::host
