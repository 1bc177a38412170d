// One line per event to stderr: "level component event key=value ...". For boundaries (a connection, a batch,
// a push, a restart), never in pure code. Own code and not spdlog, because Debian ships spdlog and fmt as
// shared objects only, and this must link into the static agent. A line is one write(2), so lines of threads
// do not mix.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace synchost {

enum class LogLevel { debug, info, warn, error, off };

struct LogField {
    std::string_view key;
    std::string value;
    LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
    LogField(std::string_view k, const char* v) : key(k), value(v) {}
    LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
    LogField(std::string_view k, auto number)
        requires(!std::is_convertible_v<decltype(number), std::string_view>)
        : key(k), value(std::to_string(number)) {}
};

void set_log_level(LogLevel level);  // info until set
// Takes each line, with its end, by the thread that logs.
using LogSink = void (*)(std::string_view line);
// Where lines go from now on; to stderr where it is null, as at first.
void set_log_sink(LogSink sink);
void log(LogLevel level, std::string_view component, std::string_view event,
         std::initializer_list<LogField> fields = {});

// The line without its newline: values with blanks, quotes or control characters are quoted and escaped.
[[nodiscard]] std::string format_log_line(LogLevel level, std::string_view component, std::string_view event,
                                          std::initializer_list<LogField> fields);

}  // namespace synchost
