// One line of a container as the store keeps it, or what must be known between lines. A record in a file, all
// numbers little-endian:
//
//     size    u32   of the payload, at most kMaxPayloadBytes
//     check   u64   XXH3 of the payload
//     payload       time u64 (nanoseconds since the epoch), flags u8 (1: stderr, 2: cut, 4: gap, 8: source),
//     pod
//                   (u16 length and bytes), container (likewise), text (the rest)
//
// A file is what a process that was killed left: a record that is cut off, or does not fit its check, ends
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::host {

inline constexpr std::size_t kMaxLogTextBytes = std::size_t{64} << 10;

enum class LogKind : std::uint8_t {
    line,
    gap,     // lines of this container, before this time, may be missing: their source had them no more
    source,  // what the next lines of this container come from, in the text; for the store alone
};

struct LogRecord {
    std::int64_t time_ns = 0;  // since the epoch
    std::string pod;
    std::string container;
    std::string text;  // without its newline
    bool error_stream = false;
    bool cut = false;  // it was longer than kMaxLogTextBytes
    LogKind kind = LogKind::line;
    bool operator==(const LogRecord&) const = default;
};

// Appends it; what is longer than allowed is cut.
void encode_log_record(const LogRecord& record, std::string& out);

enum class Decoding : std::uint8_t {
    whole,
    partial,  // more bytes may make it whole
    broken,
};
struct DecodedRecord {
    Decoding outcome = Decoding::partial;
    std::size_t bytes = 0;  // of a whole one
    LogRecord record;
};
// The record that `bytes` begin with.
DecodedRecord decode_log_record(std::string_view bytes);

// One line of JSON, LogRecord or LogGap of openapi.json. Bytes that are not UTF-8 are replaced.
std::string to_json(const LogRecord& record, std::string_view workload);
// The same for records of whatever container that were pushed out of the store.
inline constexpr std::string_view kLogGapJson = R"({"gap":true})";

struct ToldRecord {
    std::string workload;
    LogRecord record;
    bool gap = false;  // whose container and time `record` has where `workload` is not empty
};
// What these two write; protocol for anything else.
Result<ToldRecord> parse_log_record(std::string_view json);

}  // namespace synchost::host
