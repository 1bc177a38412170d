#include "host/logs/log_record.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/timestamp.hpp"
#include "base/wire.hpp"
#include "base/xxh3.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kHeadBytes = 12;
constexpr std::size_t kMaxNameBytes = 253;  // of a pod: a DNS subdomain
constexpr std::size_t kMaxPayloadBytes = 8 + 1 + 2 * (2 + kMaxNameBytes) + kMaxLogTextBytes;
constexpr std::size_t kMaxToldBytes = std::size_t{1} << 20;  // each byte of a text as \u00xx, and more
constexpr std::uint8_t kErrorStream = 1;
constexpr std::uint8_t kCut = 2;
constexpr std::uint8_t kGap = 4;
constexpr std::uint8_t kSource = 8;

std::uint8_t flags_of(const LogRecord& record, bool cut) {
    return static_cast<std::uint8_t>((record.error_stream ? kErrorStream : 0) | (cut ? kCut : 0) |
                                     (record.kind == LogKind::gap ? kGap : 0) |
                                     (record.kind == LogKind::source ? kSource : 0));
}

}  // namespace

void encode_log_record(const LogRecord& record, std::string& out) {
    std::string payload;
    WireWriter writer(payload);
    const bool cut = record.cut || record.text.size() > kMaxLogTextBytes;
    writer.number(static_cast<std::uint64_t>(record.time_ns));
    writer.number(flags_of(record, cut));
    writer.text(std::string_view(record.pod).substr(0, kMaxNameBytes));
    writer.text(std::string_view(record.container).substr(0, kMaxNameBytes));
    payload += std::string_view(record.text).substr(0, kMaxLogTextBytes);
    WireWriter head(out);
    head.number(static_cast<std::uint32_t>(payload.size()));
    head.number(xxh3_64(payload));
    out += payload;
}

DecodedRecord decode_log_record(std::string_view bytes) {
    DecodedRecord out;
    if (bytes.size() < kHeadBytes) return out;
    WireReader head(bytes);
    const auto size = head.number<std::uint32_t>();
    const auto check = head.number<std::uint64_t>();
    out.outcome = Decoding::broken;
    if (size > kMaxPayloadBytes) return out;
    if (bytes.size() - kHeadBytes < size) {
        out.outcome = Decoding::partial;
        return out;
    }
    const std::string_view payload = bytes.substr(kHeadBytes, size);
    if (xxh3_64(payload) != check) return out;
    WireReader reader(payload);
    out.record.time_ns = static_cast<std::int64_t>(reader.number<std::uint64_t>());
    const auto flags = reader.number<std::uint8_t>();
    out.record.error_stream = (flags & kErrorStream) != 0;
    out.record.cut = (flags & kCut) != 0;
    out.record.kind = (flags & kSource) != 0 ? LogKind::source
                      : (flags & kGap) != 0  ? LogKind::gap
                                             : LogKind::line;
    out.record.pod = reader.text(kMaxNameBytes);
    out.record.container = reader.text(kMaxNameBytes);
    out.record.text = reader.left();
    if (reader.failed() || out.record.time_ns < 0 || out.record.text.size() > kMaxLogTextBytes) return out;
    out.outcome = Decoding::whole;
    out.bytes = kHeadBytes + size;
    return out;
}

std::string to_json(const LogRecord& record, std::string_view workload) {
    if (record.kind == LogKind::gap) {
        const Json gap = {{"gap", true},
                          {"time", format_timestamp_ns(record.time_ns)},
                          {"service", workload},
                          {"pod", record.pod},
                          {"container", record.container}};
        return gap.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    const Json json = {{"time", format_timestamp_ns(record.time_ns)},
                       {"service", workload},
                       {"pod", record.pod},
                       {"container", record.container},
                       {"stream", record.error_stream ? "stderr" : "stdout"},
                       {"text", record.text},
                       {"cut", record.cut}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ToldRecord> parse_log_record(std::string_view json) {
    const auto wrong = [] {
        return fail(Errc::protocol, "a line of the log of `synchost watch` is no record");
    };
    if (json == kLogGapJson) return ToldRecord{.workload = {}, .record = {}, .gap = true};
    if (json.size() > kMaxToldBytes) return wrong();
    // Flat, or it is none: the parser itself has no bound on its depth.
    bool is_flat = true;
    const auto object = nlohmann::json::parse(
        json,
        [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
            is_flat = is_flat && depth <= 1;
            return is_flat;
        },
        false);
    if (!is_flat) return wrong();
    if (!object.is_object()) return wrong();
    const auto text = [&](const char* key) {
        const auto found = object.find(key);
        return found != object.end() && found->is_string() ? std::optional(found->get<std::string>())
                                                           : std::nullopt;
    };
    const auto time = parse_timestamp_ns(text("time").value_or(""));
    const auto workload = text("service");
    const auto pod = text("pod");
    const auto container = text("container");
    if (object.value("gap", nlohmann::json()) == true) {
        if (!time || !workload || !pod || !container) return wrong();
        return ToldRecord{
            .workload = *workload,
            .record = {.time_ns = *time, .pod = *pod, .container = *container, .kind = LogKind::gap},
            .gap = true};
    }
    const auto stream = text("stream");
    const auto line = text("text");
    const auto cut = object.find("cut");
    if (!time || !workload || !pod || !container || !line || (stream != "stdout" && stream != "stderr") ||
        cut == object.end() || !cut->is_boolean())
        return wrong();
    return ToldRecord{.workload = *workload,
                      .record = {.time_ns = *time,
                                 .pod = *pod,
                                 .container = *container,
                                 .text = *line,
                                 .error_stream = stream == "stderr",
                                 .cut = cut->get<bool>()}};
}

}  // namespace synchost::host
