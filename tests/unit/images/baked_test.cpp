// Which saves need a build: what a RUN may have read, told by a trace, which executes nothing.
#include "images/graph/baked.hpp"

#include <gmock/gmock.h>

#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(MayName, IsTrueForWhatLiesAtBelowOrAboveAPattern) {
    EXPECT_TRUE(may_name("", "any/file"));
    EXPECT_TRUE(may_name("src", "src/a/b"));
    EXPECT_TRUE(may_name("src/a", "src"));
    EXPECT_TRUE(may_name("package*.json", "package-lock.json"));
    EXPECT_TRUE(may_name("*/conf", "a/conf/x"));
    EXPECT_TRUE(may_name("a/**/c", "a/x"));
    EXPECT_FALSE(may_name("src", "src2/a"));
    EXPECT_FALSE(may_name("package*.json", "server.js"));
    EXPECT_FALSE(may_name("*/conf", "a/other"));
}

class Baked : public testing::Test {
  protected:
    Baked() {
        context_.file("package.json", "{}")
            .file("package-lock.json", "{}")
            .file("src/a.js", "a")
            .file("src/b.js", "b")
            .file("README", "r");
    }
    Trace trace_of(const std::string& dockerfile) {
        context_.file("Dockerfile", dockerfile);
        auto out = trace({.context = context_.path()});
        EXPECT_OK(out);
        return out.value_or(Trace{});
    }
    static std::vector<std::string> synced(const Trace& trace) {
        std::vector<std::string> out;
        for (const CopiedPath& copied : trace.copied) {
            if (copied.kind == FileKind::file) out.push_back(copied.source + " " + copied.image_path);
        }
        return out;
    }
    static std::string reason(const Trace& trace, std::string_view path) {
        const BakedSource* found = find_baked(trace.baked, path);
        return found == nullptr ? "" : found->reason;
    }
    ImageContext context_;
};

TEST_F(Baked, WhatIsCopiedBeforeARunIsBakedAndWhatComesAfterIsSynced) {
    const Trace out = trace_of("FROM node\nWORKDIR /app\nCOPY package*.json .\nRUN npm ci\nCOPY src/ src/\n");
    EXPECT_THAT(synced(out), ElementsAre("src/a.js /app/src/a.js", "src/b.js /app/src/b.js"));
    EXPECT_THAT(out.managed_paths, ElementsAre("/app/src/"));
    EXPECT_EQ(reason(out, "package.json"), "RUN at line 4 of Dockerfile may have read it");
    EXPECT_NE(reason(out, "package-new.json"), "");
    EXPECT_EQ(reason(out, "src/a.js"), "");
    EXPECT_EQ(reason(out, "README"), "");
    EXPECT_THAT(out.baked_files, ElementsAre("package-lock.json", "package.json"));
    EXPECT_THAT(out.rules.places("src/new.js"), testing::Optional(ElementsAre("/app/src/new.js")));
}

TEST_F(Baked, ARunAtTheEndBakesAll) {
    const Trace out = trace_of("FROM node\nCOPY . /app/\nRUN npm run build\n");
    EXPECT_THAT(synced(out), IsEmpty());
    EXPECT_THAT(out.managed_paths, IsEmpty());
    EXPECT_NE(reason(out, "src/a.js"), "");
    EXPECT_NE(reason(out, "src/new/folder/file"), "");
}

TEST_F(Baked, AFileThatIsAlsoCopiedLaterIsBaked) {
    const Trace out = trace_of("FROM node\nCOPY package.json /app/\nRUN npm ci\nCOPY . /app/\n");
    EXPECT_NE(reason(out, "package.json"), "");
    EXPECT_EQ(reason(out, "src/a.js"), "");
    EXPECT_THAT(out.managed_paths, ElementsAre("/app/"));
}

TEST_F(Baked, ABuilderStageBakesWhatItReadAndTheFinalStageSyncsItsOwn) {
    const Trace out = trace_of(
        "FROM node AS builder\nWORKDIR /app\nCOPY package.json .\nRUN npm ci\nFROM node\nWORKDIR /app\n"
        "COPY --from=builder /app/node_modules node_modules\nCOPY src/ src/\n");
    EXPECT_EQ(reason(out, "package.json"), "RUN at line 4 of Dockerfile may have read it");
    EXPECT_EQ(reason(out, "src/a.js"), "");
    EXPECT_THAT(synced(out), ElementsAre("src/a.js /app/src/a.js", "src/b.js /app/src/b.js"));
}

TEST_F(Baked, WhatABuilderCopiedAfterItsRunIsBakedWhereItIsTakenFromThere) {
    const Trace out = trace_of(
        "FROM node AS builder\nRUN mkdir /out\nCOPY src/ /out/\nFROM scratch\nCOPY --from=builder /out "
        "/app/\n");
    EXPECT_THAT(reason(out, "src/a.js"), HasSubstr("COPY --from at line 5"));
    EXPECT_THAT(synced(out), IsEmpty());
    EXPECT_THAT(out.managed_paths, IsEmpty());
}

TEST_F(Baked, AStageWithoutARunPassesItsFilesOnAsSynced) {
    const Trace out =
        trace_of("FROM scratch AS files\nCOPY src/ /out/\nFROM node\nRUN x\nCOPY --from=files /out /app/\n");
    EXPECT_EQ(reason(out, "src/a.js"), "");
    EXPECT_THAT(synced(out), ElementsAre("src/a.js /app/a.js", "src/b.js /app/b.js"));
}

TEST_F(Baked, WhatABuilderMayLayOverIsBaked) {
    const Trace out = trace_of(
        "FROM node AS builder\nRUN x\nFROM node\nCOPY src/ /app/src/\nCOPY README /app/dist/\n"
        "COPY --from=builder /out /app/dist\n");
    EXPECT_THAT(reason(out, "README"), HasSubstr("COPY --from at line 6 of Dockerfile may lie over it"));
    EXPECT_EQ(reason(out, "src/a.js"), "");
    EXPECT_THAT(synced(out), ElementsAre("src/a.js /app/src/a.js", "src/b.js /app/src/b.js"));
    EXPECT_THAT(out.managed_paths, ElementsAre("/app/src/"));
}

TEST_F(Baked, AStageThatStartsFromAnotherTakesItsBakedOver) {
    const Trace out =
        trace_of("FROM node AS deps\nCOPY package.json /app/\nRUN npm ci\nFROM deps\nCOPY src /app/src\n");
    EXPECT_NE(reason(out, "package.json"), "");
    EXPECT_EQ(reason(out, "src/a.js"), "");
}

TEST_F(Baked, BindMountsBakeWhatTheyShow) {
    EXPECT_NE(reason(trace_of("FROM node\nRUN --mount=source=src,target=/s x\n"), "src/a.js"), "");
    EXPECT_EQ(reason(trace_of("FROM node\nRUN --mount=source=src,target=/s x\n"), "README"), "");
    const Trace out =
        trace_of("FROM scratch AS files\nCOPY README /\nFROM node\nRUN --mount=from=files,target=/f x\n");
    EXPECT_THAT(reason(out, "README"), HasSubstr("RUN --mount at line 4"));
}

TEST_F(Baked, IgnoredFilesAreNoneOfTheContext) {
    context_.file(".dockerignore", "README\n");
    EXPECT_THAT(trace_of("FROM node\nCOPY . /app/\nRUN x\n").baked_files,
                ElementsAre(".dockerignore", "Dockerfile", "package-lock.json", "package.json", "src/a.js",
                            "src/b.js"));
}

TEST_F(Baked, ASymlinkAsASourceBakesWhereItLeads) {
    context_.link("link", "src");
    EXPECT_NE(reason(trace_of("FROM node\nCOPY link /app/\nRUN x\n"), "src/a.js"), "");
}

TEST_F(Baked, WithoutARunNothingIsBaked) {
    const Trace out = trace_of("FROM node\nCOPY . /app/\n");
    EXPECT_THAT(out.baked, IsEmpty());
    EXPECT_THAT(out.baked_files, IsEmpty());
}

}  // namespace
}  // namespace synchost::images
