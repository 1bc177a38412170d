#include "host/logs/log_record.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

LogRecord example() {
    return {.time_ns = 1'767'225'600'123'456'789,
            .pod = "api-0",
            .container = "app",
            .text = std::string("hello\0 \xff you", 12),
            .error_stream = true};
}

std::string encoded(const LogRecord& record) {
    std::string out;
    encode_log_record(record, out);
    return out;
}

TEST(LogRecord, IsReadBackAsItWas) {
    for (const LogRecord& record :
         {example(), LogRecord{}, LogRecord{.text = std::string(kMaxLogTextBytes, 'x'), .cut = true}}) {
        const std::string bytes = encoded(record);
        const DecodedRecord back = decode_log_record(bytes + "more");
        EXPECT_EQ(back.outcome, Decoding::whole);
        EXPECT_EQ(back.bytes, bytes.size());
        EXPECT_EQ(back.record, record);
    }
}

TEST(LogRecord, LongTextIsCutAndSaysSo) {
    LogRecord record = example();
    record.text = std::string(kMaxLogTextBytes + 1, 'x');
    const DecodedRecord back = decode_log_record(encoded(record));
    EXPECT_EQ(back.record.text.size(), kMaxLogTextBytes);
    EXPECT_TRUE(back.record.cut);
}

TEST(LogRecord, EveryTruncationIsPartial) {
    const std::string bytes = encoded(example());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(decode_log_record(bytes.substr(0, size)).outcome, Decoding::partial) << size;
}

TEST(LogRecord, EveryFlippedBitIsNoticed) {
    const std::string bytes = encoded(example());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string broken = bytes;
            broken[at] = static_cast<char>(broken[at] ^ (1 << bit));
            EXPECT_NE(decode_log_record(broken).outcome, Decoding::whole) << at << "/" << bit;
        }
    }
}

TEST(LogRecord, ASizeOverTheLimitIsBrokenAtOnce) {
    EXPECT_EQ(decode_log_record(std::string(12, '\xff')).outcome, Decoding::broken);
    EXPECT_EQ(decode_log_record(std::string(12, '\0')).outcome, Decoding::broken);
}

TEST(LogRecord, JsonIsOneLineAndReadBack) {
    LogRecord record = example();
    record.text = "a\n\"b\" \xc3\xa9";
    const std::string json = to_json(record, "Deployment/api");
    EXPECT_EQ(json, R"({"time":"2026-01-01T00:00:00.123456789Z","service":"Deployment/api","pod":"api-0",)"
                    R"("container":"app","stream":"stderr","text":"a\n\"b\" é","cut":false})");
    const auto back = parse_log_record(json);
    ASSERT_OK(back);
    EXPECT_EQ(back->record, record);
    EXPECT_EQ(back->workload, "Deployment/api");
    EXPECT_FALSE(back->gap);
    record.kind = LogKind::gap;
    const auto own_gap = parse_log_record(to_json(record, "Deployment/api"));
    ASSERT_OK(own_gap);
    EXPECT_TRUE(own_gap->gap);
    EXPECT_EQ(own_gap->workload, "Deployment/api");
    EXPECT_EQ(own_gap->record.container, "app");
    EXPECT_EQ(own_gap->record.time_ns, record.time_ns);
    EXPECT_ERROR(parse_log_record(R"({"gap":true,"time":"soon"})"), Errc::protocol, "is no record");
    record.kind = LogKind::line;
    const auto gap = parse_log_record(kLogGapJson);
    ASSERT_OK(gap);
    EXPECT_TRUE(gap->gap);
    for (std::size_t size = 0; size < json.size(); ++size)
        EXPECT_ERROR(parse_log_record(json.substr(0, size)), Errc::protocol, "is no record");
    EXPECT_ERROR(parse_log_record(std::string(100'000, '[')), Errc::protocol, "is no record");
    EXPECT_ERROR(parse_log_record(R"({"a":)" + std::string(100'000, '[')), Errc::protocol, "is no record");
    EXPECT_ERROR(parse_log_record(R"({"time":"2026-01-01T00:00:00Z"})"), Errc::protocol, "is no record");
}

}  // namespace
}  // namespace synchost::host
