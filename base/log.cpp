#include "base/log.hpp"

#include <unistd.h>

#include <atomic>

#include "base/rel_path.hpp"

namespace synchost {
namespace {

std::atomic<LogLevel> threshold = LogLevel::info;
std::atomic<LogSink> log_sink = nullptr;

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warn:
            return "warn";
        case LogLevel::error:
            return "error";
        case LogLevel::off:
            return "off";
    }
    return "?";
}

std::string quoted_where_needed(const std::string& value) {
    const std::string safe = printable(value);
    const bool plain = !safe.empty() && safe == value && safe.find_first_of(" \"=\\") == std::string::npos;
    if (plain) return safe;
    std::string out = "\"";
    for (const char c : safe) {
        if (c == '"') out += '\\';
        out += c;
    }
    return out += '"';
}

}  // namespace

void set_log_level(LogLevel level) {
    threshold = level;
}

void set_log_sink(LogSink sink) {
    log_sink = sink;
}

std::string format_log_line(LogLevel level, std::string_view component, std::string_view event,
                            std::initializer_list<LogField> fields) {
    std::string line(name_of(level));
    ((line += ' ') += component) += ' ';
    line += event;
    for (const LogField& field : fields) {
        (line += ' ') += field.key;
        (line += '=') += quoted_where_needed(field.value);
    }
    return line;
}

void log(LogLevel level, std::string_view component, std::string_view event,
         std::initializer_list<LogField> fields) {
    if (level < threshold.load(std::memory_order_relaxed)) return;
    const std::string line = format_log_line(level, component, event, fields) + '\n';
    if (const LogSink sink = log_sink.load()) return sink(line);
    // A log line that cannot be written has nowhere to be reported.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace synchost
