// Instructions that change the config: HEALTHCHECK, ONBUILD, STOPSIGNAL and their like; and COPY of heredocs.
#include <gmock/gmock.h>

#include "base/subprocess.hpp"
#include "images/builder.hpp"
#include "images/graph/healthcheck.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ConfigSteps : public testing::Test {
  protected:
    Result<Image> image(std::string_view dockerfile, const std::string& target = {}) {
        context_.file("Dockerfile", dockerfile);
        return build({.context = context_.path(), .target = target}, {.store = store_.path()});
    }
    // The config of FROM scratch and these lines.
    std::string config(std::string_view lines) {
        const auto built = image("FROM scratch\n" + std::string(lines));
        EXPECT_OK(built) << lines;
        return built ? built->config : std::string();
    }
    void refuses(std::string_view lines, std::string_view message, std::string_view next_step = "") {
        const auto built = image("FROM scratch\n" + std::string(lines));
        EXPECT_ERROR(built, Errc::invalid_input, "Dockerfile:2: " + std::string(message)) << lines;
        if (!built) EXPECT_THAT(built.error().next_step, HasSubstr(next_step)) << lines;
    }

    ImageContext context_;
    TempDir store_ = TempDir::make("store").value();
};

TEST_F(ConfigSteps, HealthcheckInEveryForm) {
    EXPECT_THAT(
        config("HEALTHCHECK --interval=1m30s --timeout=2.5s --start-period=500ms --start-interval=1s "
               "--retries=3 CMD curl -f x || exit 1\n"),
        HasSubstr(
            R"("Healthcheck":{"Interval":90000000000,"Retries":3,"StartInterval":1000000000,)"
            R"("StartPeriod":500000000,"Test":["CMD-SHELL","curl -f x || exit 1"],"Timeout":2500000000})"));
    EXPECT_THAT(config("HEALTHCHECK CMD [\"a\", \"b\"]\n"),
                HasSubstr(R"("Healthcheck":{"Test":["CMD","a","b"]})"));
    EXPECT_THAT(config("HEALTHCHECK --interval=0s --retries=0 cmd a\n"),
                HasSubstr(R"("Healthcheck":{"Test":["CMD-SHELL","a"]})"));
    const std::string last = config("HEALTHCHECK CMD a\nHEALTHCHECK NONE\n");
    EXPECT_THAT(last, HasSubstr(R"("Healthcheck":{"Test":["NONE"]})"));
}

TEST_F(ConfigSteps, HealthcheckRefusals) {
    refuses("HEALTHCHECK\n", "HEALTHCHECK needs CMD and a command, or NONE");
    refuses("HEALTHCHECK CMD\n", "HEALTHCHECK CMD needs a command");
    refuses("HEALTHCHECK NONE x\n", "HEALTHCHECK NONE takes no command");
    refuses("HEALTHCHECK curl x\n", "HEALTHCHECK knows CMD and NONE, not curl", "before the command");
    refuses("HEALTHCHECK --intervall=1s CMD a\n", "HEALTHCHECK has no flag --intervall",
            "Did you mean --interval?");
    refuses("HEALTHCHECK --interval CMD a\n", "HEALTHCHECK --interval needs a value");
    refuses("HEALTHCHECK --retries=1 --retries=2 CMD a\n", "HEALTHCHECK --retries is given twice");
    refuses("HEALTHCHECK --retries=-1 CMD a\n", "--retries is a number from 0 on, not -1");
    refuses("HEALTHCHECK --retries=3x CMD a\n", "--retries is a number");
    refuses("HEALTHCHECK --timeout=30 CMD a\n", "not a duration: 30", "Write it as 30s");
    refuses("HEALTHCHECK --timeout=10us CMD a\n", "--timeout is at least 1ms");
}

TEST(Duration, IsGos) {
    EXPECT_EQ(parse_duration("1h2m3s4ms5us6ns"), 3'723'004'005'006);
    EXPECT_EQ(parse_duration("+1.5h"), 5'400'000'000'000);
    EXPECT_EQ(parse_duration(".5s"), 500'000'000);
    EXPECT_EQ(parse_duration("1.000000001s"), 1'000'000'001);
    EXPECT_EQ(parse_duration("3\xc2\xb5s"), 3'000);
    EXPECT_EQ(parse_duration("0"), 0);
    for (const char* text : {"", "+", "s", ".s", "1", "1x", "-1s", "1s 2s", "9999999999h", "2562047h48m",
                             "1.2.3s", "99999999999999999999s"}) {
        EXPECT_ERROR(parse_duration(text), Errc::invalid_input, "not a duration") << text;
    }
}

TEST_F(ConfigSteps, StopsignalIsASignal) {
    for (const char* signal : {"SIGTERM", "term", "SIGRTMIN+3", "RTMAX-1", "9", "64"})
        EXPECT_THAT(config("STOPSIGNAL " + std::string(signal) + "\n"),
                    HasSubstr("\"StopSignal\":\"" + std::string(signal) + "\""));
    for (const char* signal : {"SIGTREM", "0", "65", "RTMIN+16", "SIGRTMAX-", "SIG", "9x"})
        refuses("STOPSIGNAL " + std::string(signal) + "\n", "not a signal: " + std::string(signal),
                "SIGTERM");
}

TEST_F(ConfigSteps, ExposeExpandsRangesAndDefaultsToTcp) {
    EXPECT_THAT(
        config("EXPOSE 9001 8000-8002/UDP 80/tcp 80\n"),
        HasSubstr(R"("ExposedPorts":{"80/tcp":{},"8000/udp":{},"8001/udp":{},"8002/udp":{},"9001/tcp":{}})"));
    refuses("EXPOSE 10-9\n", "a range of ports that ends before it starts");
    refuses("EXPOSE\n", "EXPOSE needs a port");
}

TEST_F(ConfigSteps, VolumeShellAndMaintainer) {
    EXPECT_THAT(config("VOLUME /a /b\nVOLUME [\"/c d\"]\n"),
                HasSubstr(R"("Volumes":{"/a":{},"/b":{},"/c d":{}})"));
    EXPECT_THAT(config("SHELL [\"/bin/bash\", \"-c\"]\nENTRYPOINT x\n"),
                testing::AllOf(HasSubstr(R"("Shell":["/bin/bash","-c"])"),
                               HasSubstr(R"("Entrypoint":["/bin/bash","-c","x"])")));
    EXPECT_THAT(config("MAINTAINER A <a@b>\n"), HasSubstr(R"("author":"A <a@b>")"));
    refuses("SHELL /bin/bash\n", "SHELL needs a JSON array", "Write SHELL [\"");
    refuses("SHELL []\n", "SHELL needs a JSON array");
    refuses("VOLUME\n", "VOLUME needs a path");
    refuses("VOLUME \"\"\n", "VOLUME with an empty path");
}

TEST_F(ConfigSteps, ConfigOnlyImagesHaveAnEmptyListOfLayersAndHistoryThatSaysSo) {
    const auto built = image("FROM scratch\nENV A=1\nWORKDIR /\nCMD [\"x\"]\n");
    ASSERT_OK(built);
    EXPECT_THAT(built->manifest, HasSubstr(R"("layers":[])"));
    EXPECT_THAT(built->config, HasSubstr(R"("diff_ids":[])"));
    EXPECT_THAT(built->config, Not(HasSubstr("null")));
    std::size_t entries = 0;
    for (std::size_t at = built->config.find("empty_layer\":true"); at != std::string::npos;
         at = built->config.find("empty_layer\":true", at + 1))
        ++entries;
    EXPECT_EQ(entries, 3u);
}

TEST_F(ConfigSteps, OnbuildIsKeptAndRunsInTheStageOnTop) {
    context_.file("f", "1");
    const std::string text =
        "FROM scratch AS tools\nCOPY f /tool\nFROM scratch AS base\nONBUILD ENV A=$B\nONBUILD COPY "
        "--from=tools /tool "
        "/t\nONBUILD COPY <<E /h\nx\nE\nENV B=1\nFROM base AS child\nLABEL a=$A\nFROM child AS "
        "grandchild\nENV B=2\n";
    const auto base = image(text, "base");
    ASSERT_OK(base);
    EXPECT_THAT(base->config,
                HasSubstr(R"("OnBuild":["ENV A=$B","COPY --from=tools /tool /t","COPY <<E /h\nx\nE"])"));
    EXPECT_EQ(base->layers.size(), 0u);
    const auto child = image(text, "child");
    ASSERT_OK(child);
    EXPECT_THAT(child->config, Not(HasSubstr("OnBuild")));
    EXPECT_EQ(child->run.labels.at("a"), "1");
    EXPECT_EQ(child->layers.size(), 2u);
    const auto grandchild = image(text, "grandchild");
    ASSERT_OK(grandchild);
    EXPECT_THAT(grandchild->run.env, testing::Contains("A=1"));
    EXPECT_EQ(grandchild->layers.size(), 2u);
}

TEST_F(ConfigSteps, OnbuildRefusals) {
    refuses("ONBUILD\n", "ONBUILD needs an instruction");
    refuses("ONBUILD FROM x\n", "ONBUILD cannot keep FROM");
    refuses("ONBUILD ONBUILD RUN x\n", "ONBUILD cannot keep ONBUILD");
    refuses("ONBUILD --x RUN y\n", "ONBUILD has no flag --x");
    EXPECT_ERROR(image("FROM scratch AS a\nONBUILD COPY nope /\nFROM a\n"), Errc::invalid_input,
                 "Dockerfile:2: COPY: nope does not exist");
}

TEST_F(ConfigSteps, HeredocsBecomeFiles) {
    context_.file("f", "1");
    const auto built = image(
        "FROM scratch\nARG V=v\nWORKDIR /w\nCOPY --chmod=755 f <<one <<-'t*o' d/\n$V \"q\" "
        "\\$V\none\n\t$V\n\tt*o\n"
        "COPY <<E /w/renamed\nE\n");
    ASSERT_OK(built);
    EXPECT_EQ(built->layers.size(), 3u);
    ASSERT_EQ(built->copied.size(), 1u);
    EXPECT_EQ(built->copied[0].image_path, "/w/d/f");
    const auto listing = check_output(
        {.argv = {"tar", "--zstd", "--numeric-owner", "-tvf", built->layers[1].file.string()}}, Errc::io);
    ASSERT_OK(listing);
    EXPECT_THAT(*listing, HasSubstr("-rwxr-xr-x 0/0               9 1970-01-01 00:00 w/d/one"));
    EXPECT_THAT(*listing, HasSubstr("w/d/t*o"));
    const auto file = [&](std::size_t layer, const char* path) {
        return check_output({.argv = {"tar", "--zstd", "--no-wildcards", "-xOf",
                                      built->layers[layer].file.string(), path}},
                            Errc::io)
            .value_or("error");
    };
    EXPECT_EQ(file(1, "w/d/one"), "v \"q\" $V\n");
    EXPECT_EQ(file(1, "w/d/t*o"), "$V\n");
    EXPECT_EQ(file(2, "w/renamed"), "");
}

TEST_F(ConfigSteps, HeredocRefusals) {
    refuses("COPY a <<E\nE\n", "COPY: a heredoc cannot be the destination");
    refuses("COPY <<a/b /x/\na/b\n", "the heredoc a/b is no file's name");
    refuses("COPY Dockerfile <<E /x\nE\n", "several sources need a folder", "End the destination");
    refuses("COPY <<E <<F /x\nE\nF\n", "several sources need a folder", "End the destination");
    refuses("COPY <<E /x\n${A:?none}\nE\n", "A: none");
}

}  // namespace
}  // namespace synchost::images
