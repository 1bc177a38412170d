#include "agent/probe/checks.hpp"

#include "support/result_matchers.hpp"

namespace synchost::agent {
namespace {

using State = GrpcHealthCheck::State;

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint8_t stream, std::string_view payload) {
    std::string out{'\0',
                    static_cast<char>(payload.size() >> 8),
                    static_cast<char>(payload.size() & 0xFF),
                    static_cast<char>(type),
                    static_cast<char>(flags),
                    '\0',
                    '\0',
                    '\0',
                    static_cast<char>(stream)};
    return out += payload;
}

std::string answer(std::string_view body) {
    std::string message{'\0', '\0', '\0', '\0', static_cast<char>(body.size())};
    return frame(4, 0, 0, "") + frame(1, 4, 1, "headers") + frame(0, 0, 1, message + std::string(body));
}

TEST(HttpStatus, ReadsTheStatusLine) {
    EXPECT_EQ(parse_http_status("HTTP/1.1 200 OK\r\n").value(), 200);
    EXPECT_EQ(parse_http_status("HTTP/1.0 503 No\r\n").value(), 503);
    for (const char* bad : {"", "HTTP/1.1 20", "HTTP/2 200 x\r\n", "SSH-2.0-x 200 ok", "HTTP/1.1 abc",
                            "HTTP/1.1 099 x", "HTTP/1.1\t200"}) {
        EXPECT_FALSE(parse_http_status(bad)) << bad;
    }
}

TEST(GrpcHealth, ServingInOnePieceOrMany) {
    const std::string bytes = answer("\x08\x01");
    EXPECT_EQ(GrpcHealthCheck("s", "a").receive(bytes).value(), State::serving);
    GrpcHealthCheck check("s", "a");
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i)
        ASSERT_EQ(check.receive(bytes.substr(i, 1)).value(), State::waiting) << i;
    EXPECT_EQ(check.receive(bytes.substr(bytes.size() - 1)).value(), State::serving);
}

TEST(GrpcHealth, AnythingElseIsNotServing) {
    EXPECT_EQ(GrpcHealthCheck("", "a").receive(answer("\x08\x02")).value(), State::not_serving);
    EXPECT_EQ(GrpcHealthCheck("", "a").receive(answer("")).value(), State::not_serving);
}

TEST(GrpcHealth, AcknowledgesSettingsAndPings) {
    GrpcHealthCheck check("", "a");
    EXPECT_TRUE(check.take_output().starts_with("PRI * HTTP/2.0"));
    ASSERT_OK(check.receive(frame(4, 0, 0, "") + frame(6, 0, 0, "12345678")));
    EXPECT_EQ(check.take_output(), frame(4, 1, 0, "") + frame(6, 1, 0, "12345678"));
}

TEST(GrpcHealth, RefusalsAreErrors) {
    EXPECT_ERROR(GrpcHealthCheck("", "a").receive(frame(1, 5, 1, "trailers")), Errc::protocol,
                 "does not know this service");
    EXPECT_ERROR(GrpcHealthCheck("", "a").receive(frame(3, 0, 1, "1234")), Errc::protocol, "refused");
    EXPECT_ERROR(GrpcHealthCheck("", "a").receive(frame(7, 0, 0, "12345678")), Errc::protocol, "ended");
    EXPECT_ERROR(GrpcHealthCheck("", "a").receive("HTTP/1.1 400 Bad Request\r\n\r\n"), Errc::protocol,
                 "not HTTP/2");
    EXPECT_ERROR(GrpcHealthCheck("", "a").receive(frame(0, 8, 1, "\xFF")), Errc::protocol, "not HTTP/2");
}

}  // namespace
}  // namespace synchost::agent
