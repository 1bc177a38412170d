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
    EXPECT_EQ(escaped->syntax, "docker/dockerfile:1");
    EXPECT_EQ(parse_dockerfile("#check=skip=all\n# escape=`\nCMD a", "Dockerfile")->escape, '`');
    EXPECT_EQ(parse_dockerfile("#!/bin/x\n# escape=`\nCMD a", "Dockerfile")->escape, '\\');
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

TEST(Parser, HeredocsBelongToTheirInstruction) {
    const auto parsed = parse_dockerfile(
        "FROM scratch\nCOPY <<one.txt <<-\"two\" /x/\n\ta $X\n\n# b\none.txt\n\t\tc\n\ttwo\n"
        "CMD d\n",
        "Dockerfile");
    ASSERT_OK(parsed);
    ASSERT_EQ(parsed->instructions.size(), 3u);
    const Instruction& copy = parsed->instructions[1];
    EXPECT_THAT(copy.args, ElementsAre("<<one.txt", "<<-\"two\"", "/x/"));
    EXPECT_EQ(copy.line, 2);
    EXPECT_EQ(copy.last_line, 8);
    ASSERT_EQ(copy.heredocs.size(), 2u);
    EXPECT_EQ(copy.heredocs[0].name, "one.txt");
    EXPECT_EQ(copy.heredocs[0].content, "\ta $X\n\n# b\n");
    EXPECT_TRUE(copy.heredocs[0].expand);
    EXPECT_EQ(copy.heredocs[1].name, "two");
    EXPECT_EQ(copy.heredocs[1].content, "c\n");
    EXPECT_FALSE(copy.heredocs[1].expand);
    EXPECT_EQ(parsed->instructions[2].line, 9);
}

TEST(Parser, HeredocsKeepCarriageReturnsAndMayEndTheFile) {
    const Instruction run = only("RUN \\\n 3<<EOF cat\r\na\r\nEOF");
    ASSERT_EQ(run.heredocs.size(), 1u);
    EXPECT_EQ(run.heredocs[0].content, "a\r\n");
    EXPECT_EQ(run.heredocs[0].descriptor, 3u);
    EXPECT_EQ(only("ADD <<E /x\nE").heredocs[0].content, "");
}

TEST(Parser, WhatLooksLikeAHeredocAndIsNone) {
    for (const char* text :
         {"RUN echo 1 << 2", "RUN [\"cat\", \"<<EOF\"]", "RUN echo '<<EOF'", "CMD cat <<EOF",
          "RUN cat <<<EOF", "RUN cat <<EOF it's", "RUN echo $((1<<2))", "RUN cat <<''"}) {
        EXPECT_THAT(only(text).heredocs, IsEmpty()) << text;
    }
}

TEST(Parser, AHeredocThatNeverEndsIsRefusedWhereItStarts) {
    const auto parsed = parse_dockerfile("FROM scratch\nRUN <<EOF\nhello\n EOF\n", "Dockerfile");
    EXPECT_ERROR(parsed, Errc::invalid_input, "Dockerfile:2: the heredoc EOF never ends");
    EXPECT_EQ(parsed.error().next_step, "End it with a line that holds EOF alone.");
}

TEST(Parser, OnbuildHoldsItsInstructionAndItsHeredocs) {
    const Instruction onbuild = only("onbuild copy --from=a <<-'E' /x\n\tb\n\tE\n");
    EXPECT_EQ(onbuild.name, "ONBUILD");
    ASSERT_EQ(onbuild.trigger.size(), 1u);
    EXPECT_EQ(onbuild.trigger[0].name, "COPY");
    EXPECT_THAT(onbuild.trigger[0].flags, ElementsAre("--from=a"));
    EXPECT_EQ(onbuild.last_line, 3);
    const std::string kept = trigger_text(onbuild.trigger[0]);
    EXPECT_EQ(kept, "copy --from=a <<-'E' /x\nb\nE");
    const auto again = parse_trigger(kept, 7);
    ASSERT_OK(again);
    EXPECT_EQ(again->line, 7);
    EXPECT_EQ(again->heredocs[0].content, "b\n");
    for (const char* inner : {"ONBUILD RUN x", "from a", "MAINTAINER x"}) {
        EXPECT_ERROR(parse_dockerfile(std::string("ONBUILD ") + inner, "Dockerfile"), Errc::invalid_input,
                     "Dockerfile:1: ONBUILD cannot keep ");
        EXPECT_ERROR(parse_trigger(inner, 1), Errc::invalid_input, "ONBUILD cannot keep ");
    }
    EXPECT_ERROR(parse_dockerfile("ONBUILD", "Dockerfile"), Errc::invalid_input, "ONBUILD needs");
    EXPECT_ERROR(parse_dockerfile("ONBUILD CPOY a b", "Dockerfile"), Errc::invalid_input,
                 "unknown instruction CPOY");
    EXPECT_ERROR(parse_trigger("RUN a\nRUN b", 1), Errc::invalid_input, "several instructions");
}

TEST(Parser, HealthcheckHasItsTypeFirst) {
    EXPECT_THAT(only("HEALTHCHECK --retries=3 CMD  a b").args, ElementsAre("CMD", "a b"));
    const Instruction exec = only("HEALTHCHECK CMD [\"a\", \"b\"]");
    EXPECT_TRUE(exec.json);
    EXPECT_THAT(exec.args, ElementsAre("CMD", "a", "b"));
    EXPECT_THAT(only("HEALTHCHECK NONE").args, ElementsAre("NONE"));
    EXPECT_THAT(only("HEALTHCHECK").args, IsEmpty());
}

TEST(Parser, RefusesWhatIsNoDockerfile) {
    EXPECT_ERROR(parse_dockerfile("", "Dockerfile"), Errc::invalid_input, "no instructions");
    EXPECT_ERROR(parse_dockerfile("# only\n", "Dockerfile"), Errc::invalid_input, "no instructions");
    EXPECT_ERROR(parse_dockerfile(std::string_view("CMD a\0b", 7), "Dockerfile"), Errc::invalid_input,
                 "Dockerfile:1: a NUL byte");
    EXPECT_ERROR(parse_dockerfile("CMD " + std::string(70'000, 'a'), "Dockerfile"), Errc::invalid_input,
                 "Dockerfile:1: a line of more than 64 KiB");
    std::string lines = "CMD a";
    for (int i = 0; i < 100; ++i) lines += "\\\n" + std::string(1000, 'a');
    EXPECT_EQ(only(lines).args[0].size(), 100'001u);
    EXPECT_ERROR(parse_dockerfile(std::string(kMaxDockerfileBytes + 1, '\n'), "Dockerfile"),
                 Errc::invalid_input, "1 MiB");
}

TEST(Parser, TruncationAtEveryByteNeverCrashes) {
    const std::string text =
        "# escape=`\nFROM a AS b\nENV A=\"x`\" y\" B='z'\nCOPY --from=b [\"a\",\"b\"]\nCMD [\"x\"]\nLABEL "
        "a=${b:-c} `\n d=e\nONBUILD RUN <<A 2<<-'B'\nx\nA\n\ty\n\tB\n";
    for (std::size_t size = 0; size <= text.size(); ++size)
        (void)parse_dockerfile(text.substr(0, size), "Dockerfile");
}

}  // namespace
}  // namespace synchost::images
