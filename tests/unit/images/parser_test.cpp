#include "images/dockerfile/parser.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Instruction only(std::string_view text) {
    const auto parsed = parse_dockerfile(text, "Dockerfile");
    EXPECT_OK(parsed);
    if (!parsed || parsed->instructions.size() != 1) {
        ADD_FAILURE() << "not one instruction: " << text;
        return {};
    }
    return parsed->instructions[0];
}

TEST(Parser, NamesAreUpperCasedAndLinesCounted) {
    const auto parsed = parse_dockerfile("# a\n\nfrom scratch\n  Copy a \\\n   b\n\nCMD x\n", "Dockerfile");
    ASSERT_OK(parsed);
    ASSERT_EQ(parsed->instructions.size(), 3u);
    EXPECT_EQ(parsed->instructions[0].name, "FROM");
    EXPECT_EQ(parsed->instructions[0].line, 3);
    EXPECT_EQ(parsed->instructions[1].name, "COPY");
    EXPECT_EQ(parsed->instructions[1].line, 4);
    EXPECT_EQ(parsed->instructions[1].last_line, 5);
    EXPECT_EQ(parsed->instructions[2].line, 7);
}

TEST(Parser, ContinuationDropsCommentsAndEmptyLinesAndKeepsBlanks) {
    EXPECT_EQ(only("CMD a \\\n# no\n\n  # no\n  b\n").args[0], "a   b");
    EXPECT_EQ(only("CMD a \\  \nb").args[0], "a b");
    EXPECT_EQ(only("CMD a\\").args[0], "a");
}

TEST(Parser, TwoBackslashesAtTheEndAreNoContinuation) {
    const auto parsed = parse_dockerfile("CMD a\\\\\nCMD b", "Dockerfile");
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->instructions.size(), 2u);
}

TEST(Parser, DirectivesCountAtTheTopAlone) {
    const auto escaped =
        parse_dockerfile("# syntax=docker/dockerfile:1\n#  ESCAPE = `\nCMD a `\nb", "Dockerfile");
    ASSERT_OK(escaped);
    EXPECT_EQ(escaped->escape, '`');
    EXPECT_EQ(escaped->instructions[0].args[0], "a b");
    EXPECT_EQ(parse_dockerfile("# hello\n# escape=`\nCMD a", "Dockerfile")->escape, '\\');
    EXPECT_EQ(parse_dockerfile("\n# escape=`\nCMD a", "Dockerfile")->escape, '\\');
    EXPECT_EQ(parse_dockerfile("# unknown=1\n# escape=`\nCMD a", "Dockerfile")->escape, '\\');
    EXPECT_ERROR(parse_dockerfile("# escape=`\n# escape=`\nCMD a", "Dockerfile"), Errc::invalid_input,
                 "Dockerfile:2: the directive ESCAPE is given twice");
    EXPECT_ERROR(parse_dockerfile("# escape=x\nCMD a", "Dockerfile"), Errc::invalid_input,
                 "Dockerfile:1: the escape character");
}

TEST(Parser, ByteOrderMarkAndCarriageReturnsAreDropped) {
    EXPECT_THAT(only("\xef\xbb\xbf"
                     "FROM scratch\r\n")
                    .args,
                ElementsAre("scratch"));
}

TEST(Parser, UnknownInstructionNamesLineAndNearestWord) {
    const auto parsed = parse_dockerfile("FROM scratch\n\n\n\n\n\nCOPPY a b\n", "Dockerfile");
    EXPECT_ERROR(parsed, Errc::invalid_input, "Dockerfile:7: unknown instruction COPPY");
    EXPECT_EQ(parsed.error().next_step, "Did you mean COPY?");
    EXPECT_TRUE(parse_dockerfile("XYZZY", "Dockerfile").error().next_step.empty());
}

TEST(Parser, FlagsAreCutOffAndUnquoted) {
    const Instruction copy = only("COPY --from=build --chown=\"a b\" -- --x /y");
    EXPECT_THAT(copy.flags, ElementsAre("--from=build", "--chown=a b"));
    EXPECT_THAT(copy.args, ElementsAre("--x", "/y"));
    EXPECT_THAT(only("CMD --doit [ \"a\", \"b\" ]").args, ElementsAre("a", "b"));
}

TEST(Parser, JsonFormAndItsFallBackToTheShell) {
    EXPECT_TRUE(only("CMD [\"a\", \"b\"]").json);
    EXPECT_THAT(only("CMD []").args, IsEmpty());
    EXPECT_FALSE(only("CMD ['a','b']").json);
    EXPECT_THAT(only("CMD ['a','b']").args, ElementsAre("['a','b']"));
    EXPECT_FALSE(only("CMD [\"a\"] x").json);
    EXPECT_THAT(only("COPY [\"a b\", \"/c d/\"]").args, ElementsAre("a b", "/c d/"));
    EXPECT_ERROR(parse_dockerfile("CMD [1]", "Dockerfile"), Errc::invalid_input,
                 "Dockerfile:1: a JSON array of strings");
}

TEST(Parser, EnvInBothForms) {
    EXPECT_THAT(only("ENV A 1  2  ").args, ElementsAre("A", "1  2", ""));
    EXPECT_THAT(only("ENV A=1 B='x y' C=\"z\"").args,
                ElementsAre("A", "1", "=", "B", "'x y'", "=", "C", "\"z\"", "="));
    EXPECT_ERROR(parse_dockerfile("ENV A=1 B", "Dockerfile"), Errc::invalid_input,
                 "Dockerfile:1: no '=' in \"B\"");
    EXPECT_ERROR(parse_dockerfile("ENV A", "Dockerfile"), Errc::invalid_input, "needs a name and a value");
    EXPECT_ERROR(parse_dockerfile("ENV", "Dockerfile"), Errc::invalid_input, "needs a name and a value");
}

TEST(Parser, ArgTakesSeveralNames) {
    EXPECT_THAT(only("ARG a=1 b c=\"x y\"").args, ElementsAre("a=1", "b", "c=\"x y\""));
}

TEST(Parser, HeredocsAreRefusedAtTheirLine) {
    EXPECT_ERROR(parse_dockerfile("FROM scratch\nCOPY <<EOF /x\nhello\nEOF\n", "Dockerfile"),
                 Errc::unsupported, "Dockerfile:2: COPY with a heredoc");
    EXPECT_ERROR(parse_dockerfile("FROM scratch\nRUN <<-'EOF'\nhello\nEOF\n", "Dockerfile"),
                 Errc::unsupported, "Dockerfile:2: RUN with a heredoc");
    EXPECT_OK(parse_dockerfile("FROM scratch\nRUN echo 1 << 2\n", "Dockerfile"));
}

TEST(Parser, RefusesWhatIsNoDockerfile) {
    EXPECT_ERROR(parse_dockerfile("", "Dockerfile"), Errc::invalid_input, "no instructions");
    EXPECT_ERROR(parse_dockerfile("# only\n", "Dockerfile"), Errc::invalid_input, "no instructions");
    EXPECT_ERROR(parse_dockerfile(std::string_view("CMD a\0b", 7), "Dockerfile"), Errc::invalid_input,
                 "Dockerfile:1: a NUL byte");
    EXPECT_ERROR(parse_dockerfile("CMD " + std::string(70'000, 'a'), "Dockerfile"), Errc::invalid_input,
                 "64 KiB");
    EXPECT_ERROR(parse_dockerfile(std::string(kMaxDockerfileBytes + 1, '\n'), "Dockerfile"),
                 Errc::invalid_input, "1 MiB");
}

TEST(Parser, TruncationAtEveryByteNeverCrashes) {
    const std::string text =
        "# escape=`\nFROM a AS b\nENV A=\"x`\" y\" B='z'\nCOPY --from=b [\"a\",\"b\"]\nCMD [\"x\"]\nLABEL "
        "a=${b:-c} `\n d=e";
    for (std::size_t size = 0; size <= text.size(); ++size)
        (void)parse_dockerfile(text.substr(0, size), "Dockerfile");
}

}  // namespace
}  // namespace synchost::images
