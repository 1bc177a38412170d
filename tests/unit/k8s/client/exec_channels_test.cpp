#include "k8s/client/detail/exec_channels.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace synchost::k8s::detail {
namespace {

using namespace std::string_literals;

std::string failed_with(const std::string& code) {
    return R"({"status":"Failure","reason":"NonZeroExitCode","message":"m","details":{"causes":[)"
           R"({"reason":"Other","message":"1"},{"reason":"ExitCode","message":")" +
           code + "\"}]}}";
}

TEST(ExecStatus, IsTheExitCode) {
    EXPECT_EQ(parse_exec_status(R"({"metadata":{},"status":"Success"})").value(), 0);
    EXPECT_EQ(parse_exec_status(failed_with("1")).value(), 1);
    EXPECT_EQ(parse_exec_status(failed_with("255")).value(), 255);
}

TEST(ExecStatus, OfNoExitCodeIsRefused) {
    for (const char* code : {"", "256", "-1", "1 ", "0x1", "one"})
        EXPECT_ERROR(parse_exec_status(failed_with(code)), Errc::protocol, "not an exit code");
    EXPECT_ERROR(parse_exec_status(R"({"status":"Failure","reason":"NonZeroExitCode"})"), Errc::protocol,
                 "exit code is not told");
}

TEST(ExecStatus, OfAnotherFailureIsAnError) {
    EXPECT_ERROR(
        parse_exec_status(R"({"status":"Failure","reason":"InternalError","message":"no such program"})"),
        Errc::cluster, "no such program");
    EXPECT_FALSE(parse_exec_status(R"({"status":"Failure"})").has_value());
    const auto without_kind =
        parse_exec_status(R"({"metadata":{},"status":"Failure","message":"gone","code":404})");
    EXPECT_ERROR(without_kind, Errc::not_found, "exec: gone (HTTP 404)");
}

TEST(ExecStatus, ThatIsNoneIsRefused) {
    for (const char* text : {"", "text", "{}", "[]", R"({"status":7})", R"({"status":"Maybe"})"})
        EXPECT_ERROR(parse_exec_status(text), Errc::protocol, "not a Status");
}

TEST(ExecOutput, CutAtAnyByteIsNoVerdict) {
    const std::string status = failed_with("7");
    for (std::size_t size = 0; size < status.size(); ++size) {
        ExecOutput output(10);
        ASSERT_OK(output.take("\x03" + status.substr(0, size)));
        EXPECT_FALSE(output.verdict().has_value()) << size;
        EXPECT_FALSE(output.final_verdict().has_value());
        ASSERT_OK(output.take("\x03" + status.substr(size)));
        ASSERT_TRUE(output.verdict().has_value());
        EXPECT_EQ(output.final_verdict().value(), 7);
    }
}

TEST(ExecOutput, KeepsTheOutputsApartAndWithinBounds) {
    ExecOutput output(4);
    ASSERT_OK(output.take("\x01"s));
    ASSERT_OK(output.take(""s));
    ASSERT_OK(
        output.take("\x01"s
                    "ab"));
    ASSERT_OK(
        output.take("\x02"s
                    "wxyz"));
    ASSERT_OK(
        output.take("\x01"s
                    "cd"));
    EXPECT_FALSE(output.cut);
    ASSERT_OK(
        output.take("\x01"s
                    "e"));
    EXPECT_TRUE(output.cut);
    EXPECT_EQ(output.out, "abcd");
    EXPECT_EQ(output.err, "wxyz");
    EXPECT_OK(output.take("\xFF\x01"s));
}

TEST(ExecOutput, RefusesOtherChannelsAndEndlessVerdicts) {
    for (const std::string& message : {"\0x"s, "\x04x"s, "\x05x"s, "\xFEx"s})
        EXPECT_ERROR(ExecOutput(4).take(message), Errc::protocol, "unknown channel");
    ExecOutput output(4);
    ASSERT_OK(output.take("\x03" + std::string(65'536, ' ')));
    EXPECT_ERROR(output.take("\x03 "), Errc::protocol, "more than 65536 bytes");
}

TEST(ExecOutput, WithoutAVerdictWasCutOff) {
    EXPECT_ERROR(ExecOutput(4).final_verdict(), Errc::io, "before the command's exit code came");
}

}  // namespace
}  // namespace synchost::k8s::detail
