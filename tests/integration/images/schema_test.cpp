// What is built, against the JSON schemas of the image-spec. Skips, and says so, where they are absent.
#include <gmock/gmock.h>

#include <cstdlib>
#include <iostream>
#include <utility>

#include "base/subprocess.hpp"
#include "images/builder.hpp"
#include "images/config/platform.hpp"
#include "images/image_set.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;

class Schema : public testing::Test {
  protected:
    void SetUp() override {
        const char* given = std::getenv("SYNCHOST_CONFORMANCE");
        schemas_ =
            std::filesystem::path(given != nullptr ? given : SYNCHOST_CONFORMANCE_FOLDER) / "image-spec";
        if (!std::filesystem::is_directory(schemas_))
            GTEST_SKIP() << "no schemas in " << schemas_ << ": set SYNCHOST_CONFORMANCE";
    }
    Result<std::string> validate(std::string_view schema, const std::vector<std::string>& files) const {
        std::vector<std::string> argv = {SYNCHOST_PYTHON, "-B", SYNCHOST_VALIDATE, schemas_.string(),
                                         std::string(schema)};
        argv.insert(argv.end(), files.begin(), files.end());
        return check_output({.argv = argv}, Errc::invalid_input);
    }
    std::string kept(const std::string& name, std::string_view bytes) const {
        const std::filesystem::path path = folder_.path() / name;
        write_file_atomic(path, bytes).value();
        return path.string();
    }

    void make(const char* dockerfile) {
        for (const Compression compression : {Compression::zstd, Compression::gzip}) {
            ImageContext context;
            context.file("Dockerfile", dockerfile);
            const auto image =
                build({.context = context.path(), .compression = compression, .source_date_epoch = 7},
                      {.store = store_.path()});
            ASSERT_OK(image) << dockerfile;
            const std::string number = std::to_string(configs_.size());
            configs_.push_back(kept("config" + number, image->config));
            manifests_.push_back(kept("manifest" + number, image->manifest));
        }
    }

    std::vector<std::string> configs_;
    std::vector<std::string> manifests_;
    std::filesystem::path schemas_;
    const CacheExport empty_;
    TempDir store_ = TempDir::make("store").value();
    TempDir folder_ = TempDir::make("schema").value();
};

TEST_F(Schema, ConfigsAndManifestsAreValid) {
    for (const char* text :
         {"FROM scratch\nCOPY . /app\nWORKDIR /w/x\nCOPY --chmod=700 <<E /e\nx\nE\n",
          "FROM scratch\nCOPY Dockerfile /\nENV A=1 B=\nLABEL a.b=c d=\"e f\"\nUSER 1:2\nEXPOSE 80-90 "
          "53/udp\nVOLUME /v "
          "/w\nSTOPSIGNAL SIGINT\nSHELL [\"/sh\"]\nMAINTAINER me\nHEALTHCHECK --interval=5s --retries=2 CMD "
          "a\nONBUILD RUN b\nCMD c\n",
          "FROM scratch AS a\nCOPY Dockerfile /d\nONBUILD ENV X=1\nFROM a AS b\nFROM b\nCOPY --from=a /d "
          "/d2\n"}) {
        make(text);
    }
    for (const auto& [schema, files] :
         {std::pair{"config-schema.json", configs_}, std::pair{"image-manifest-schema.json", manifests_}}) {
        ASSERT_EQ(files.size(), 6u);
        const auto valid = validate(schema, files);
        ASSERT_OK(valid);
        std::cout << *valid;
    }
}

TEST_F(Schema, IndexesAreValid) {
    ImageContext context;
    context.file("Dockerfile", "FROM scratch\nCOPY . /app\n");
    std::vector<std::string> indexes;
    for (const char* platforms :
         {"linux/amd64,linux/arm64", "linux/arm/v6,linux/arm/v7,linux/amd64/v3,linux/s390x"}) {
        const auto wanted = parse_build_platforms({platforms});
        ASSERT_OK(wanted);
        const auto set = build_each({.context = context.path()}, *wanted, {.store = store_.path()});
        ASSERT_OK(set);
        const std::string number = std::to_string(indexes.size());
        indexes.push_back(kept("index" + number, set->index));
        for (const Image& image : set->images)
            configs_.push_back(kept("config" + number + image.digest.short_hex(), image.config));
    }
    const auto valid = validate("image-index-schema.json", indexes);
    ASSERT_OK(valid);
    std::cout << *valid;
    ASSERT_EQ(configs_.size(), 6u);
    ASSERT_OK(validate("config-schema.json", configs_));
    EXPECT_ERROR(validate("image-index-schema.json", {kept("bad", R"({"schemaVersion":2,"manifests":[
                     {"mediaType":"a/b","digest":"sha256:0","size":1,"platform":{"os":"linux"}}]})")}),
                 Errc::invalid_input, "architecture");
}

// The schema wants one layer at least, manifest.md only that there should be one. An image without files has
// an empty array and not a layer of nothing: that is the one thing that the schema may say of it.
TEST_F(Schema, ConfigOnlyImagesDifferInTheEmptyArrayAlone) {
    for (const char* text : {"FROM scratch\n", "FROM scratch\nENV A=1\nCMD [\"x\"]\nENTRYPOINT []\n"})
        make(text);
    ASSERT_OK(validate("config-schema.json", configs_));
    ASSERT_EQ(manifests_.size(), 4u);
    for (const std::string& manifest : manifests_) {
        const auto valid = validate("image-manifest-schema.json", {manifest});
        EXPECT_ERROR(valid, Errc::invalid_input, manifest + ": layers: [] is too short");
        if (!valid) EXPECT_THAT(valid.error().message, testing::Not(testing::HasSubstr("\n")));
    }
}

TEST_F(Schema, BuildCachesAreValid) {
    ImageContext context;
    context.file("Dockerfile", "FROM scratch\nCOPY . /app\nWORKDIR /w\n");
    CacheExport gathered;
    const auto image = build({.context = context.path()}, {.store = store_.path(), .cache_to = &gathered});
    ASSERT_OK(image);
    gathered.note_run(sha256("a step"), "its record", image->layers[0]);
    const ImageSet images{.images = {*image}, .index = {}};
    std::vector<std::string> files;
    for (const CacheExport* cache : {&std::as_const(gathered), &empty_}) {
        const auto plan = cache->plan(images, CacheMode::min);
        ASSERT_OK(plan);
        files.push_back(kept("cache" + std::to_string(files.size()), plan->manifests.back().bytes));
    }
    const auto valid = validate("image-manifest-schema.json", files);
    ASSERT_OK(valid);
    std::cout << *valid;
}

// The check must be able to fail.
TEST_F(Schema, WhatIsNotValidIsRefused) {
    EXPECT_ERROR(
        validate("image-manifest-schema.json",
                 {kept("m", R"({"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:0","size":1},
                                     "layers":null})")}),
        Errc::invalid_input, "is not of type 'array'");
    EXPECT_ERROR(validate("config-schema.json", {kept("c", R"({"os":"linux","architecture":"amd64",
                                     "rootfs":{"type":"layers","diff_ids":null}})")}),
                 Errc::invalid_input, "is not of type 'array'");
}

}  // namespace
}  // namespace synchost::images
