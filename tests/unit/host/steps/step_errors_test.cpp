#include "host/steps/detail/step_errors.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include "host/steps/detail/local_ports.hpp"

namespace synchost::host::detail {
namespace {

using testing::Optional;

StepConfig bundle() {
    StepConfig step;
    step.name = "bundle";
    return step;
}

TEST(StepError, HasTheLastTenLinesMadePrintable) {
    LastLines last;
    for (int i = 0; i < 12; ++i) last.add("line " + std::to_string(i));
    last.add("\x1b[31mred");
    last.add(std::string(501, 'x'));
    const Error error = step_error(bundle(), Errc::io, text_of(StepEnd{1, 0}), last, "Correct it");
    EXPECT_EQ(error.code, Errc::io);
    std::string expected = "step bundle: exit code 1";
    for (int i = 4; i < 12; ++i) expected += "\n    line " + std::to_string(i);
    expected += "\n    \\x1b[31mred\n    " + std::string(500, 'x') + "...";
    EXPECT_EQ(error.message, expected);
    EXPECT_EQ(error.next_step, "Correct it");
}

TEST(StepError, NamesTheSignal) {
    EXPECT_EQ(text_of(StepEnd{0, SIGSEGV}), "signal SEGV");
    EXPECT_EQ(text_of(StepEnd{0, SIGRTMIN + 1}), "signal " + std::to_string(SIGRTMIN + 1));
    EXPECT_EQ(text_of(StepEnd{3, 0}), "exit code 3");
}

TEST(StatusLine, IsReadOrRefused) {
    EXPECT_THAT(parse_status_line("HTTP/1.1 200 OK\r\nA: b\r\n"), Optional(200));
    EXPECT_THAT(parse_status_line("HTTP/1.0 404\r\n"), Optional(404));
    EXPECT_THAT(parse_status_line("HTTP/1.1 599"), Optional(599));
    for (const char* wrong : {"", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2x0 ", "HTTP/1.1 -20 a",
                              "HTTP/1.1 099 a", "HTTP/1.1 600 a", "HTTP/1.1 2000", "HTTP/1.1  200",
                              "SSH-2.0-x", "HTTP/2 200 OK", "http/1.1 200 OK", "HTTP/1.1 20\n0"}) {
        EXPECT_EQ(parse_status_line(wrong), std::nullopt) << wrong;
    }
}

}  // namespace
}  // namespace synchost::host::detail
