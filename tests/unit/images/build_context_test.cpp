// --build-context: folders by name.
#include <gmock/gmock.h>

#include "images/builder.hpp"
#include "images/layer/tar_reader.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::ElementsAre;

class BuildContexts : public testing::Test {
  protected:
    void SetUp() override {
        named_.file("lib/x.h", "named").file("skipped", "").file(".dockerignore", "skipped\n");
        context_.file("lib/x.h", "context");
    }
    Result<Image> build_it(std::string_view dockerfile) {
        context_.file("Dockerfile", dockerfile);
        return build(request(), {.store = store_.path()});
    }
    BuildRequest request() {
        return {.context = context_.path(),
                .build_contexts = {{"libs", named_.path()}},
                .managed_owner = Owner{1000, 1000}};
    }
    // "path uid content" of each file and folder of a layer.
    static std::vector<std::string> listing(const Layer& layer) {
        std::vector<std::string> out;
        EXPECT_OK(read_tar(layer.file, [&](const TarEntry& entry, TarContent& content) -> Result<TarWalk> {
            std::string line = entry.path + " " + std::to_string(entry.uid) + " ";
            TRY(content.read([&](std::string_view bytes) -> Result<> {
                line += bytes;
                return {};
            }));
            out.push_back(line);
            return TarWalk::go_on;
        }));
        return out;
    }
    ImageContext context_;
    ImageContext named_;
    TempDir store_ = TempDir::make("store").value();
};

TEST_F(BuildContexts, CopyTakesFromTheNamedFolder) {
    const auto image = build_it("FROM scratch\nCOPY --from=libs lib/ /a/\nCOPY lib/ /b/\n");
    ASSERT_OK(image);
    EXPECT_THAT(listing(image->layers[0]), ElementsAre("a 0 ", "a/x.h 0 named"));
    EXPECT_THAT(listing(image->layers[1]), ElementsAre("b 1000 ", "b/x.h 1000 context"));
    EXPECT_THAT(image->managed_paths, ElementsAre("/b/"));
    const auto traced = trace(request());
    ASSERT_OK(traced);
    EXPECT_THAT(traced->managed_paths, ElementsAre("/b/"));
}

TEST_F(BuildContexts, HaveTheirOwnIgnoreFile) {
    EXPECT_ERROR(build_it("FROM scratch\nCOPY --from=libs skipped /\n"), Errc::invalid_input,
                 "skipped does not exist there");
}

TEST_F(BuildContexts, WinOverStagesOfTheirName) {
    const auto image =
        build_it("FROM scratch AS libs\nCOPY lib/x.h /lib/\nFROM scratch\nCOPY --from=libs lib/x.h /\n");
    ASSERT_OK(image);
    EXPECT_THAT(listing(image->layers[0]), ElementsAre("x.h 0 named"));
}

TEST_F(BuildContexts, CanBeABase) {
    const auto image = build_it("FROM libs\nCOPY Dockerfile /lib/\n");
    ASSERT_OK(image);
    ASSERT_EQ(image->layers.size(), 2u);
    EXPECT_THAT(listing(image->layers[0]),
                ElementsAre(".dockerignore 0 skipped\n", "lib 0 ", "lib/x.h 0 named"));
    EXPECT_THAT(image->managed_paths, ElementsAre("/lib/Dockerfile"));
}

TEST_F(BuildContexts, ThatAreGoneAreNamed) {
    BuildRequest gone = request();
    gone.build_contexts["libs"] /= "gone";
    context_.file("Dockerfile", "FROM libs\n");
    EXPECT_ERROR(build(gone, {.store = store_.path()}), Errc::not_found, "the context libs");
}

TEST_F(BuildContexts, HardLinksOfOneCopyAreWrittenAsSuch) {
    std::filesystem::create_hard_link(named_.path() / "lib/x.h", named_.path() / "lib/y.h");
    std::filesystem::create_hard_link(named_.path() / "lib/x.h", named_.path() / "z");
    const auto image = build_it("FROM scratch\nCOPY --from=libs lib /a/\nCOPY --from=libs z /\n");
    ASSERT_OK(image);
    std::vector<std::string> links;
    for (const Layer& layer : image->layers) {
        EXPECT_OK(read_tar(layer.file, [&](const TarEntry& entry, TarContent&) -> Result<TarWalk> {
            if (entry.kind == TarKind::hard_link) links.push_back(entry.path + " -> " + entry.link);
            return TarWalk::go_on;
        }));
    }
    EXPECT_THAT(links, ElementsAre("a/y.h -> a/x.h"));
}

}  // namespace
}  // namespace synchost::images
