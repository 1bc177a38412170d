#include "agent/cli/arguments.hpp"

#include "support/result_matchers.hpp"

namespace synchost::agent {
namespace {

using std::chrono::milliseconds;

TEST(Arguments, EndAtTheDoubleDash) {
    std::string words[] = {"--name", "app", "--", "cmd", "--flag"};
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    Arguments arguments(pointers);
    EXPECT_EQ(arguments.next(), "--name");
    EXPECT_EQ(arguments.value_of("--name").value(), "app");
    EXPECT_FALSE(arguments.next());
    EXPECT_ERROR(arguments.value_of("--late"), Errc::invalid_input, "--late needs a value");
    EXPECT_EQ(arguments.rest(), (std::vector<std::string>{"cmd", "--flag"}));
}

TEST(ParseDuration, TakesMillisecondsAndSeconds) {
    EXPECT_EQ(parse_duration("5000ms").value(), milliseconds(5000));
    EXPECT_EQ(parse_duration("5s").value(), milliseconds(5000));
    EXPECT_EQ(parse_duration("0").value(), milliseconds(0));
    EXPECT_EQ(parse_duration("86400s").value(), milliseconds(86'400'000));
    for (const char* bad : {"", "s", "-1s", "5m", "1.5s", "86401s", "99999999999s", " 5s"})
        EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(ParsePort, TakesOneTo65535) {
    EXPECT_EQ(parse_port("65535").value(), 65535);
    for (const char* bad : {"", "0", "65536", "-1", "80x"}) EXPECT_FALSE(parse_port(bad)) << bad;
}

}  // namespace
}  // namespace synchost::agent
