#include "k8s/detail/json_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace synchost::k8s {
namespace {

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

std::string object_of(int keys) {
    std::string out = "{";
    for (int i = 0; i < keys; ++i) out += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
    return out + "}";
}

TEST(ParseJson, GivesNothingForWhatIsNoJson) {
    EXPECT_EQ(parse_json(R"({"a":[1,"x",null]})"), Json::parse(R"({"a":[1,"x",null]})"));
    for (const char* text : {"", "{", "{\"a\"}", "[1,]", "nul", "{} {}", "\"\xff\"", "1e999"})
        EXPECT_FALSE(parse_json(text)) << text;
}

TEST(ParseJson, BoundsDepthAndKeys) {
    EXPECT_TRUE(parse_json(repeated("[", 64) + repeated("]", 64)));
    EXPECT_FALSE(parse_json(repeated("[", 66) + repeated("]", 66)));
    EXPECT_FALSE(parse_json(repeated("[", 1'000'000)));
    EXPECT_FALSE(parse_json(repeated("{\"a\":", 66) + "1" + repeated("}", 66)));
    EXPECT_TRUE(parse_json(object_of(5'000)));
    EXPECT_FALSE(parse_json(object_of(5'001)));
    EXPECT_TRUE(parse_json("[" + object_of(3'000) + "," + object_of(3'000) + "]"));
}

TEST(JsonText, TakesWrongTypesForAbsent) {
    const Json object =
        Json::parse(R"({"a":{"b":"x","n":5,"f":true,"l":[{"c":1},5,{"c":2}],"z":null,"big":1e30,
                                        "huge":18446744073709551615,"neg":-7}})");
    EXPECT_EQ(text_at(object, {"a", "b"}), "x");
    for (const auto& path :
         std::vector<std::initializer_list<const char*>>{{"a"}, {"a", "n"}, {"a", "b", "c"}, {"x", "y"}})
        EXPECT_EQ(text_at(object, path), "");
    EXPECT_EQ(number_at(object, {"a", "n"}, 1), 5);
    EXPECT_EQ(number_at(object, {"a", "neg"}, 1), -7);
    for (const char* key : {"b", "z", "big", "huge", "none", "l"})
        EXPECT_EQ(number_at(object, {"a", key}, 1), 1) << key;
    EXPECT_TRUE(flag_at(object, {"a", "f"}));
    EXPECT_FALSE(flag_at(object, {"a", "n"}));
    EXPECT_EQ(items_at(object, {"a", "l"}).size(), 2U);
    EXPECT_TRUE(items_at(object, {"a"}).empty());
    EXPECT_TRUE(items_at(Json(5), {"a"}).empty());
}

TEST(OneLine, FoldsWhiteSpaceAndCutsAtCharacters) {
    EXPECT_EQ(one_line("  a \r\n\t b  ", 100), "a b");
    EXPECT_EQ(one_line("a\x1b[0m", 100), "a\\x1b[0m");
    EXPECT_EQ(one_line("abc", 3), "abc");
    EXPECT_EQ(one_line("abc  \n", 3), "abc");
    EXPECT_EQ(one_line("abcd", 3), "abc...");
    EXPECT_EQ(one_line("ab cd", 3), "ab...");
    EXPECT_EQ(one_line("ab\xC3\xA9", 3), "ab...");
    EXPECT_EQ(one_line("", 3), "");
}

}  // namespace
}  // namespace synchost::k8s
