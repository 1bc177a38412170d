#include <gmock/gmock.h>

#include "base/subprocess.hpp"
#include "images/builder.hpp"
#include "images/layer/tar_reader.hpp"
#include "images/layer/tar_writer.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;

std::string member(const TarHeader& header, std::string_view content = {}) {
    TarHeader sized = header;
    if (sized.type == '0') sized.size = content.size();
    return tar_header(sized) + std::string(content) + std::string(tar_padding(content.size()));
}

std::string tar_of(std::initializer_list<std::string> members) {
    std::string out;
    for (const std::string& one : members) out += one;
    return out + std::string(tar_end());
}

class Add : public testing::Test {
  protected:
    Result<Image> build_it(const std::string& steps, std::map<std::string, std::string> args = {}) {
        context.file("Dockerfile", "FROM scratch\n" + steps);
        return build({.context = context.path(), .build_args = std::move(args)}, {.store = store_->path()});
    }
    // "path kind mode uid:gid mtime" of the last layer's entries, and the text of plain files.
    std::vector<std::string> last_layer(const std::string& steps,
                                        std::map<std::string, std::string> args = {}) {
        const auto image = build_it(steps, std::move(args));
        EXPECT_OK(image);
        std::vector<std::string> out;
        if (!image) return out;
        EXPECT_OK(read_tar(image->layers.back().file,
                           [&](const TarEntry& entry, TarContent& content) -> Result<TarWalk> {
                               std::string text;
                               TRY(content.read([&](std::string_view bytes) -> Result<> {
                                   text += bytes;
                                   return {};
                               }));
                               out.push_back(line_of(entry) + (text.empty() ? "" : " " + text));
                               return TarWalk::go_on;
                           }));
        return out;
    }
    static std::string line_of(const TarEntry& entry) {
        constexpr std::string_view kinds = "-dlhpcb?";
        std::string mode;
        for (std::uint32_t bits = entry.mode; bits != 0 || mode.empty(); bits /= 8)
            mode.insert(mode.begin(), static_cast<char>('0' + bits % 8));
        return entry.path + " " + kinds[static_cast<std::size_t>(entry.kind)] + mode + " " +
               std::to_string(entry.uid) + ":" + std::to_string(entry.gid) + " " +
               std::to_string(entry.mtime) + (entry.link.empty() ? "" : " >" + entry.link) +
               (entry.xattrs ? " @" + entry.xattrs->begin()->first : "");
    }
    std::vector<std::string> names_in_store() {
        std::vector<std::string> out;
        for (const auto& entry : std::filesystem::directory_iterator(store_->path()))
            out.push_back(entry.path().filename().native());
        return out;
    }

    test::ImageContext context;
    Result<TempDir> store_ = TempDir::make("store");
};

TEST_F(Add, AnArchiveIsUnpackedWithOwnersTimesLinksAndAttributes) {
    const Xattrs xattrs = {{"user.a", "1"}};
    context.file(
        "a.tar",
        tar_of({member({.path = "d", .type = '5', .mode = 0700, .uid = 3, .mtime = 100}),
                member({.path = "d/f", .mode = 04755, .uid = 7, .gid = 8, .mtime = 200, .xattrs = &xattrs},
                       "text"),
                member({.path = "g", .type = '1', .link = "d/f"}),
                member({.path = "l", .type = '2', .mode = 0777, .mtime = 300, .link = "/d"}),
                member({.path = "p", .type = '6', .mode = 0600, .mtime = 400}),
                member({.path = "z", .type = '3', .mode = 0666, .device = {1, 5}})}));
    EXPECT_THAT(last_layer("ADD --chown=9 --chmod=777 a.tar /x\n"),
                ElementsAre("x d755 0:0 0", "x/d d700 3:0 100", "x/d/f -4755 7:8 200 @user.a text",
                            "x/g h4755 7:8 200 >x/d/f", "x/l l777 0:0 300 >/d", "x/p p600 0:0 400",
                            "x/z c666 0:0 0"));
    EXPECT_THAT(last_layer("ADD a.tar /x\n", {{"SOURCE_DATE_EPOCH", "250"}}),
                IsSupersetOf({"x d755 0:0 250", "x/d d700 3:0 100", "x/l l777 0:0 250 >/d"}));
}

TEST_F(Add, EveryCompressionIsToldByItsBytes) {
    const std::string tar = tar_of({member({.path = "f"}, "text")});
    for (const std::vector<std::string>& program :
         std::vector<std::vector<std::string>>{{"gzip"}, {"bzip2"}, {"xz"}, {"zstd", "-q"}}) {
        context.file("a", tar);
        std::vector<std::string> argv = program;
        argv.insert(argv.end(), {"-c", (context.path() / "a").string()});
        const auto packed = check_output({.argv = argv}, Errc::io);
        ASSERT_OK(packed);
        context.file("named.txt", *packed);
        EXPECT_THAT(last_layer("ADD named.txt /x/\n"), ElementsAre("x d755 0:0 0", "x/f -0 0:0 0 text"))
            << program[0];
        EXPECT_EQ(last_layer("ADD --unpack=false named.txt /x/\n").size(), 2u);
        EXPECT_EQ(last_layer("COPY named.txt /x/\n")[1].substr(0, 11), "x/named.txt");
    }
}

TEST_F(Add, WhatIsNoArchiveIsCopied) {
    context.file("f.tar", "no tar").file("g.gz", std::string("\x1f\x8b\x08", 3)).file("empty", "");
    context.file("zeros", std::string(1024, '\0'))
        .file("dir/inner.tar", tar_of({member({.path = "f"}, "1")}));
    EXPECT_THAT(last_layer("ADD --chown=5 --chmod=600 f.tar g.gz empty /x/\n"),
                ElementsAre("x d600 5:5 0", "x/empty -600 5:5 0", "x/f.tar -600 5:5 0 no tar",
                            std::string("x/g.gz -600 5:5 0 \x1f\x8b\x08")));
    EXPECT_EQ(last_layer("ADD zeros /z\n").size(), 1u);
    EXPECT_EQ(last_layer("ADD dir /x\n")[1].substr(0, 11), "x/inner.tar");
    EXPECT_THAT(last_layer("ADD <<t /x/\nhi\nt\n"), ElementsAre("x d755 0:0 0", "x/t -644 0:0 0 hi\n"));
}

TEST_F(Add, SourcesAreLaidInTheirOrder) {
    context.file("a.tar", tar_of({member({.path = "f"}, "of a"), member({.path = "d/x"}, "")}));
    context.file("b.tar", tar_of({member({.path = "f"}, "of b"), member({.path = "d"}, "file")}));
    EXPECT_THAT(last_layer("ADD a.tar b.tar /\n"), ElementsAre("d -0 0:0 0 file", "f -0 0:0 0 of b"));
    EXPECT_THAT(last_layer("ADD *.tar /x/\n"),
                ElementsAre("x d755 0:0 0", "x/d -0 0:0 0 file", "x/f -0 0:0 0 of b"));
    EXPECT_THAT(last_layer("ADD --exclude=d a.tar /\n"), ElementsAre("f -0 0:0 0 of a"));
}

TEST_F(Add, AnEntryTakesThePlaceOfWhatIsThere) {
    context.file("a.tar", tar_of({member({.path = "lib/x"}, "1"), member({.path = "opt"}, "2")}));
    context.link("in/lib", "usr").file("in/opt/f", "");
    EXPECT_THAT(last_layer("COPY in /\nADD a.tar /\n"),
                ElementsAre("lib d755 0:0 0", "lib/x -0 0:0 0 1", "opt -0 0:0 0 2"));
}

TEST_F(Add, HostileArchivesAreRefused) {
    struct Case {
        std::string tar;
        std::string message;
    };
    for (const auto& [tar, message] : std::vector<Case>{
             {tar_of({member({.path = "../x"}, "1")}), "an entry with the path ../x"},
             {tar_of({member({.path = "a", .type = '2', .link = "/etc"}), member({.path = "a/x"}, "1")}),
              "a/x lies below a, which the archive says is no folder"},
             {tar_of({member({.path = "a", .type = '1', .link = "../../etc/passwd"})}), "a hard link to"},
             {tar_of({member({.path = "a", .type = '1', .link = "etc/passwd"})}), "no entry before it"},
             {tar_of({member({.path = "d", .type = '5'}), member({.path = "a", .type = '1', .link = "d"})}),
              "no entry before it"},
             {tar_of({member({.path = ".wh.a"}, "")}), "names that start with .wh."},
             {member({.path = "a"}, std::string(5000, 'x')).substr(0, 2000), "damaged archive"}}) {
        context.file("a.tar", tar);
        const auto image = build_it("ADD a.tar /\n");
        ASSERT_FALSE(image) << message;
        EXPECT_THAT(image.error().message, testing::HasSubstr("Dockerfile:2: "));
        EXPECT_THAT(image.error().message, testing::HasSubstr(message));
    }
    EXPECT_THAT(names_in_store(), testing::Each(testing::Not(testing::StartsWith("synchost-"))));
}

TEST_F(Add, NothingThatIsUnpackedStays) {
    context.file("a.tar", tar_of({member({.path = "f"}, "text")}));
    ASSERT_OK(build_it("ADD a.tar /\n"));
    EXPECT_THAT(names_in_store(), testing::Contains("blobs"));
    EXPECT_THAT(names_in_store(), testing::Each(testing::Not(testing::StartsWith("synchost-"))));
}

TEST_F(Add, FilesAreBakedAndFoldersSynced) {
    context.file("a.tar", tar_of({member({.path = "f"}, "text")})).file("d/g", "1").file("one", "1");
    const auto image =
        build_it("ADD a.tar /x\nADD one /x/\nADD d /y\nADD --unpack=false one /z/\nCOPY one /x\n");
    ASSERT_OK(image);
    const auto traced = trace({.context = context.path()});
    ASSERT_OK(traced);
    for (const auto& copied : {image->copied, traced->copied}) {
        std::vector<std::string> paths;
        for (const CopiedPath& path : copied) paths.push_back(path.source + " " + path.image_path);
        EXPECT_THAT(paths, ElementsAre("one /x/one", "d /y", "d/g /y/g", "one /z/one"));
    }
    EXPECT_EQ(image->managed_paths, traced->managed_paths);
    EXPECT_THAT(traced->managed_paths, ElementsAre("/x/one", "/y/", "/z/one"));
    EXPECT_NE(find_baked(traced->baked, "a.tar"), nullptr);
    EXPECT_NE(find_baked(traced->baked, "one"), nullptr);
    EXPECT_EQ(find_baked(traced->baked, "d/g"), nullptr);
    EXPECT_THAT(find_baked(traced->baked, "a.tar")->reason, testing::HasSubstr("ADD at line 2"));
}

TEST_F(Add, RefusalsNameCauseAndNextStep) {
    context.file("main.py", "").file("b", "");
    EXPECT_ERROR(build_it("ADD mian.py /\n"), Errc::invalid_input,
                 "Dockerfile:2: ADD: mian.py does not exist in the build context");
    EXPECT_ERROR(build_it("ADD --from=x main.py /\n"), Errc::invalid_input, "ADD has no flag --from");
    EXPECT_ERROR(build_it("ADD --unpack=maybe main.py /\n"), Errc::invalid_input,
                 "--unpack is true or false");
    EXPECT_ERROR(build_it("ADD main.py b /x\n"), Errc::invalid_input, "several sources need a folder");
    EXPECT_ERROR(build_it("ADD b* m* /x\n"), Errc::invalid_input, "several sources need a folder");
    EXPECT_ERROR(build_it("COPY --unpack main.py /\n"), Errc::invalid_input, "COPY has no flag --unpack");
    EXPECT_ERROR(build_it("ADD [ /\n"), Errc::invalid_input, "Dockerfile:2: ");
}

}  // namespace
}  // namespace synchost::images
