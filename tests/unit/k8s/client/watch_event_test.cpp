#include "k8s/client/detail/watch_event.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "k8s/client/api_error.hpp"
#include "support/result_matchers.hpp"

namespace synchost::k8s::detail {
namespace {

constexpr std::string_view kAdded =
    R"({"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a","resourceVersion":"12"}}})";

TEST(WatchEvent, IsReadWithItsVersion) {
    const auto event = parse_watch_event(kAdded);
    ASSERT_OK(event);
    EXPECT_EQ(event->type, "ADDED");
    EXPECT_EQ(event->version, "12");
    EXPECT_EQ(event->object.at("metadata").at("name"), "a");
}

TEST(WatchEvent, CutAtAnyByteIsNone) {
    for (std::size_t size = 0; size < kAdded.size(); ++size)
        EXPECT_ERROR(parse_watch_event(kAdded.substr(0, size)), Errc::protocol, "not an event");
}

TEST(WatchEvent, OfAnotherShapeIsNone) {
    for (const char* line :
         {"[]", "null", "{}", R"({"type":"ADDED"})", R"({"type":"ADDED","object":[]})",
          R"({"type":1,"object":{}})", R"({"type":"RENAMED","object":{}})", R"({"object":{}})"})
        EXPECT_ERROR(parse_watch_event(line), Errc::protocol, "not an event");
}

TEST(WatchEvent, WithoutAVersionCannotBeGoneOnFrom) {
    for (const char* object :
         {"{}", R"({"metadata":{}})", R"({"metadata":{"resourceVersion":12}})", R"({"metadata":7})"})
        EXPECT_ERROR(parse_watch_event(R"({"type":"BOOKMARK","object":)" + std::string(object) + "}"),
                     Errc::protocol, "no resourceVersion");
}

TEST(WatchEvent, ErrorsAreThoseOfTheirStatus) {
    const auto gone = parse_watch_event(
        R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})");
    EXPECT_ERROR(gone, Errc::cluster, "too old");
    EXPECT_TRUE(is_gone(gone.error()));
    const auto other =
        parse_watch_event(R"({"type":"ERROR","object":{"kind":"Status","code":500,"message":"m"}})");
    EXPECT_ERROR(other, Errc::cluster, "m");
    EXPECT_FALSE(is_gone(other.error()));
    EXPECT_FALSE(parse_watch_event(R"({"type":"ERROR","object":{}})").has_value());
}

}  // namespace
}  // namespace synchost::k8s::detail
