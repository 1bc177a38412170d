#include <gmock/gmock.h>

#include <algorithm>

#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::Contains;
using testing::ElementsAre;

std::vector<std::string> lines(const std::vector<CopiedPath>& copied) {
    std::vector<std::string> out;
    for (const CopiedPath& path : copied) {
        const char* kind = path.kind == FileKind::folder ? "/" : path.kind == FileKind::symlink ? "@" : "";
        out.push_back(path.source + " -> " + path.image_path + kind + ":" + std::to_string(path.line));
    }
    return out;
}

TEST(Trace, FollowsWorkdirStagesRenamesAndPatterns) {
    ImageContext context;
    context
        .file("Dockerfile",
              "FROM r.io/base AS deps\nWORKDIR /src\nCOPY app .\nCOPY a.txt renamed.txt\nCOPY *.md docs/\n"
              "FROM r.io/other\nWORKDIR /srv\nCOPY --from=deps /src ./app\nCOPY --from=deps /src/renamed.txt "
              "/etc/one\nCOPY --from=r.io/x /y /z\n")
        .file("app/m.py", "")
        .file("app/sub/n.py", "")
        .link("app/ln", "m.py")
        .file("a.txt", "")
        .file("R.md", "")
        .file("unused", "");
    const auto traced = trace({.context = context.path()});
    ASSERT_OK(traced);
    EXPECT_THAT(lines(traced->copied),
                ElementsAre("a.txt -> /etc/one:9", "app -> /srv/app/:8", "R.md -> /srv/app/docs/R.md:8",
                            "app/ln -> /srv/app/ln@:8", "app/m.py -> /srv/app/m.py:8",
                            "a.txt -> /srv/app/renamed.txt:8", "app/sub -> /srv/app/sub/:8",
                            "app/sub/n.py -> /srv/app/sub/n.py:8"));
    EXPECT_THAT(traced->managed_paths, ElementsAre("/etc/one", "/srv/app/"));
}

TEST(Trace, AnIgnoredDockerfileIsReadAllTheSameAndItsOwnIgnoreFileIsInTheContext) {
    ImageContext context;
    context.file("app.df", "FROM scratch\nCOPY . /x\n")
        .file("app.df.dockerignore", "app.df\n")
        .file(".dockerignore", "*\n")
        .file("a", "");
    const auto traced = trace({.context = context.path(), .dockerfile = context.path() / "app.df"});
    ASSERT_OK(traced);
    EXPECT_THAT(lines(traced->copied),
                ElementsAre(" -> /x/:2", ".dockerignore -> /x/.dockerignore:2", "a -> /x/a:2",
                            "app.df.dockerignore -> /x/app.df.dockerignore:2"));
}

TEST(Trace, IsWhatTheBuildSays) {
    ImageContext context;
    context
        .file("Dockerfile",
              "FROM scratch AS a\nCOPY . /x\nFROM scratch\nCOPY --from=a /x/src/ /y/\nCOPY f /z/\n")
        .file(".dockerignore", "src/*.o\n")
        .file("src/a", "1")
        .file("src/b.o", "")
        .folder("src/e")
        .file("f", "");
    const auto store = TempDir::make("store");
    const auto image =
        build({.context = context.path(), .managed_owner = Owner{1000, 1000}}, {.store = store->path()});
    const auto traced = trace({.context = context.path()});
    ASSERT_OK(image);
    ASSERT_OK(traced);
    EXPECT_EQ(lines(image->copied), lines(traced->copied));
    EXPECT_EQ(image->managed_paths, traced->managed_paths);
    EXPECT_THAT(lines(image->copied),
                ElementsAre("src -> /y/:4", "src/a -> /y/a:4", "src/e -> /y/e/:4", "f -> /z/f:5"));
}

TEST(Trace, TheFolderOfAWholeContextIsNamedToo) {
    ImageContext context;
    context.file("Dockerfile", "FROM scratch\nCOPY . /app\n");
    EXPECT_THAT(lines(trace({.context = context.path()})->copied),
                ElementsAre(" -> /app/:2", "Dockerfile -> /app/Dockerfile:2"));
}

TEST(Build, TwiceIsTheSameImage) {
    ImageContext context;
    context.file("Dockerfile",
                 "FROM scratch\nARG V=1\nENV A=$V B=$A\nENV A=2 C=$A\nWORKDIR /w\nWORKDIR sub\nCOPY "
                 "Dockerfile .\nCMD [\"x\"]\n");
    const auto store = TempDir::make("store");
    const auto other = TempDir::make("store");
    const auto one = build({.context = context.path()}, {.store = store->path()});
    const auto two = build({.context = context.path()}, {.store = other->path()});
    ASSERT_OK(one);
    ASSERT_OK(two);
    EXPECT_EQ(one->digest, two->digest);
    EXPECT_THAT(one->run.env, testing::IsSupersetOf({"A=2", "B=", "C=1"}));
    EXPECT_EQ(one->run.working_dir, "/w/sub");
    EXPECT_EQ(one->layers.size(), 3u);
    const auto later = build({.context = context.path(), .build_args = {{"V", "9"}}, .source_date_epoch = 5},
                             {.store = store->path()});
    EXPECT_NE(later->digest, one->digest);
    EXPECT_THAT(later->run.env, Contains("C=9"));
}

TEST(Build, EntrypointDropsAnInheritedCmdAndKeepsItsOwn) {
    ImageContext context;
    context.file("Dockerfile",
                 "FROM scratch AS a\nCMD [\"inherited\"]\nFROM a AS b\nENTRYPOINT [\"e\"]\nFROM a AS c\nCMD "
                 "[\"own\"]\nENTRYPOINT [\"e\"]\n"
                 "FROM c AS d\nENTRYPOINT []\nFROM scratch AS s\nSHELL [\"/sh\", \"-x\"]\nCMD echo hi\n");
    const auto store = TempDir::make("store");
    const auto at = [&](const std::string& target) {
        return build({.context = context.path(), .target = target}, {.store = store->path()}).value().run;
    };
    EXPECT_THAT(at("b").cmd, testing::IsEmpty());
    EXPECT_THAT(at("c").cmd, ElementsAre("own"));
    EXPECT_THAT(at("d").entrypoint, testing::IsEmpty());
    EXPECT_THAT(at("s").cmd, ElementsAre("/sh", "-x", "echo hi"));
}

struct Refusal {
    std::string dockerfile, message, next_step;
    Errc code = Errc::invalid_input;
};

TEST(Build, RefusalsNameLineCauseAndNextStep) {
    ImageContext context;
    context.file(".dockerignore", "hidden\n").file("hidden", "").file("main.py", "").file("two", "");
    const auto store = TempDir::make("store");
    for (const auto& [text, message, next_step, code] : std::vector<Refusal>{
            {"FROM scratch\nRUN --mont=x y\n", "Dockerfile:2: RUN has no flag --mont",
             "Did you mean --mount?"},
            {"FROM scratch\nADD --keep-git-dir https://x/a.git b\n", "Dockerfile:2: ADD --keep-git-dir",
             "--build-arg", Errc::unsupported},
            {"FROM scratch\nADD git@-x:a b\n", "Dockerfile:2: git@-x:a: it names no host", "#branch:folder"},
             {"FROM scratch\nCOPY --chmod=9 a b\n", "Dockerfile:2: --chmod=9 is no mode of files",
              "Give an octal number"},
             {"FROM scratch\nCOPY --form=x a b\n", "Dockerfile:2: COPY has no flag --form",
              "Did you mean --from?"},
             {"FROM scratch\nCOPY --from=$X a b\n", "Dockerfile:2: COPY --from cannot hold a variable",
              "FROM line"},
             {"FROM scratch\nCOPY a\n", "Dockerfile:2: COPY needs a source and a destination", ""},
             {"FROM scratch\nCOPY mian.py /\n",
              "Dockerfile:2: COPY: mian.py does not exist in the build context", "Did you mean main.py?"},
             {"FROM scratch\nCOPY hidden /\n",
              "Dockerfile:2: COPY: hidden is not in the build context: .dockerignore:1: hidden leaves it out",
              "!hidden"},
             {"FROM scratch\nCOPY main.py two /x\n", "Dockerfile:2: several sources need a folder",
              "End the destination"},
             {"FROM scratch\nCOPY --chown=app two /x\n",
              "Dockerfile:2: the user app is not in the image's /etc/passwd", "by its number"},
             {"FROM scratch\nENV A=${B:?must-be-set}\n", "Dockerfile:2: B: must-be-set", ""},
             {"FROM scratch\nEXPOSE 80/icmp\n", "Dockerfile:2: not a protocol: icmp", "Known are"},
             {"FROM scratch\nEXPOSE 70000\n", "Dockerfile:2: not a port", ""},
             {"FROM scratch\nWORKDIR\n", "Dockerfile:2: WORKDIR takes one path", ""},
             {"FROM scratch\nWORKDIR --x /\n", "Dockerfile:2: WORKDIR has no flag --x", ""},
             {"FROM scratch\nUSER nobody\n", "Dockerfile: the user nobody is not in", "by its number"},
             {"FROM UPPER\n", "Dockerfile:1: image name \"UPPER\": a repository must be lower-case", ""}}) {
        context.file("Dockerfile", text);
        const auto image = build({.context = context.path()}, {.store = store->path()});
        EXPECT_ERROR(image, code, message);
        if (!image && !next_step.empty())
            EXPECT_THAT(image.error().next_step, testing::HasSubstr(next_step)) << text;
    }
    EXPECT_TRUE(std::filesystem::is_empty(store->path() / "blobs/sha256"));
}

TEST(Build, StagesThatNobodyNeedsAreNotRun) {
    ImageContext context;
    context.file("Dockerfile", "FROM scratch AS test\nRUN x\nFROM scratch\nCOPY Dockerfile /\n");
    const auto store = TempDir::make("store");
    EXPECT_OK(build({.context = context.path()}, {.store = store->path()}));
}

TEST(Build, MissingDockerfileAndContextAreNamed) {
    ImageContext context;
    EXPECT_ERROR(build({.context = context.path()}, {.store = context.path() / "store"}), Errc::not_found,
                 "Dockerfile: No such file");
    context.file("D", "FROM scratch\nCOPY a /\n");
    EXPECT_ERROR(build({.context = "/nonexistent", .dockerfile = context.path() / "D"},
                       {.store = context.path() / "store"}),
                 Errc::not_found, "D:2: build context: /nonexistent");
}

}  // namespace
}  // namespace synchost::images
