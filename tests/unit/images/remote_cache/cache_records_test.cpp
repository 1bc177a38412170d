#include "images/remote_cache/cache_records.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "images/layer/compressor.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "registry-client/manifest.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Descriptor layer_blob(const std::string& what) {
    return {std::string(layer_media_type(Compression::zstd)), sha256(what), 100};
}

CacheRecords sample() {
    return {.layers = {{sha256("k1"), layer_blob("a"), sha256("d")},
                       {sha256("k2"), layer_blob("a"), sha256("d")},
                       {sha256("k3"), layer_blob("b"), sha256("e")}},
            .runs = {{sha256("r1"), {std::string(kCachedRunRecord), sha256("record"), 7}}},
            .files = {{sha256("f1"), {std::string(kCachedFile), sha256("file"), 5}}}};
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), with);
}

TEST(CacheRecords, ComeBackSortedAndTheSame) {
    const std::string text = format_cache_records(sample());
    CacheRecords shuffled = sample();
    std::ranges::reverse(shuffled.layers);
    EXPECT_EQ(format_cache_records(shuffled), text);
    const auto back = parse_cache_records(text);
    ASSERT_OK(back);
    ASSERT_EQ(back->layers.size(), 3u);
    ASSERT_EQ(back->runs.size(), 1u);
    EXPECT_TRUE(std::ranges::is_sorted(back->layers, {}, &CachedLayer::key));
    EXPECT_EQ(back->runs[0].key, sha256("r1"));
    EXPECT_EQ(back->runs[0].record, sample().runs[0].record);
    const auto third = std::ranges::find(back->layers, sha256("k3"), &CachedLayer::key);
    ASSERT_NE(third, back->layers.end());
    EXPECT_EQ(third->blob, layer_blob("b"));
    EXPECT_EQ(third->diff_id, sha256("e"));
    EXPECT_EQ(format_cache_records(*back), text);
    ASSERT_EQ(back->files.size(), 1u);
    EXPECT_EQ(back->files[0].key, sha256("f1"));
    EXPECT_EQ(back->files[0].record, sample().files[0].record);
    EXPECT_EQ(blobs_of(*back).size(), 4u) << "each blob once";
    EXPECT_OK(parse_cache_records(format_cache_records({})));
}

TEST(CacheRecords, AreRefusedWhereAnythingIsMissingOrOfAnotherKind) {
    const std::string text = format_cache_records(sample());
    const std::string one = sha256("k1").to_string();
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"{}", "no list of layers"},
        {R"({"layers":[]})", "no list of runs"},
        {R"({"layers":{},"runs":[]})", "no list of layers"},
        {R"({"layers":[1],"runs":[]})", "a layer that is no object"},
        {R"({"layers":[{}],"runs":[]})", "no key"},
        {R"({"layers":[],"runs":[null]})", "one of its runs is no object"},
        {replaced(text, one, "sha256:00"), "key: "},
        {replaced(text, one, sha256("k2").to_string()), "a key that is there twice"},
        {replaced(text, "\"diffId\"", "\"diff\""), "no diffId"},
        {replaced(text, "\"blob\":{", "\"blob\":7,\"x\":{"), "no blob"},
        {replaced(text, "tar+zstd", "tar+xz"), "of another media type"},
        {replaced(text, "runrecord.v1", "runrecord.v2"), "a record of another media type"},
        {replaced(text, "\"size\":100", "\"size\":0"), "no such size"},
        {replaced(text, "\"size\":100", "\"size\":-1"), "without a size"},
        {replaced(text, "\"size\":100", "\"size\":1e3"), "without a size"},
        {replaced(text, "\"size\":100", "\"size\":18446744073709551615"), "no such size"},
        {replaced(text, "\"size\":7}", "\"size\":67108865}"), "a record of no such size"},
        {R"({"layers":[],"runs":[]})", "no list of files"},
        {replaced(text, "imagefile.v1", "runrecord.v1"), "a record of another media type"},
        {replaced(text, "\"size\":5}", "\"size\":1048578}"), "a record of no such size"},
        {std::string(100'000, '['), "not a JSON object"},
        {std::string(kMaxCacheConfigBytes + 1, ' '), "more than 4 MiB"},
    };
    for (const auto& [bytes, why] : cases)
        EXPECT_ERROR(parse_cache_records(bytes), Errc::protocol, why) << bytes.substr(0, 300);
    for (std::size_t i = 0; i < text.size(); ++i)
        EXPECT_ERROR(parse_cache_records(text.substr(0, i)), Errc::protocol, "") << i;
}

TEST(CacheRecords, OneBlobHasOneDescription) {
    CacheRecords records = sample();
    records.layers[1].blob.size = 101;
    EXPECT_ERROR(parse_cache_records(format_cache_records(records)), Errc::protocol, "two descriptions");
    records = sample();
    records.runs[0].record.digest = records.layers[0].blob.digest;
    EXPECT_ERROR(parse_cache_records(format_cache_records(records)), Errc::protocol, "two descriptions");
}

TEST(CacheRecords, AreBoundedInNumber) {
    CacheRecords records;
    for (int i = 0; i < 4000; ++i)
        records.layers.push_back({sha256(std::to_string(i)), layer_blob("a"), sha256("d")});
    EXPECT_OK(parse_cache_records(format_cache_records(records)));
    records.layers.push_back({sha256("more"), layer_blob("a"), sha256("d")});
    EXPECT_ERROR(parse_cache_records(format_cache_records(records)), Errc::protocol, "too many layers");
}

TEST(CacheManifest, IsAnArtifactThatKeepsItsBlobs) {
    const Descriptor config{std::string(kCacheConfig), sha256("c"), 1};
    const auto parsed = registry::parse_manifest(cache_manifest(config, blobs_of(sample())), "");
    ASSERT_OK(parsed);
    const auto& manifest = std::get<registry::Manifest>(*parsed);
    EXPECT_EQ(manifest.config, config);
    EXPECT_EQ(manifest.artifact_type, kCacheConfig);
    EXPECT_EQ(manifest.layers, blobs_of(sample()));
    EXPECT_THAT(cache_manifest(config, {}), HasSubstr("application/vnd.oci.empty.v1+json"));
}

class Export : public testing::Test {
  protected:
    Layer layer(const std::string& what) {
        return {.blob = layer_blob(what), .diff_id = sha256("diff " + what)};
    }
    static CacheRecords records_of(const registry::TransferPlan& plan) {
        // The config is sent last.
        const auto out = parse_cache_records(plan.blobs.back().bytes.value_or(""));
        EXPECT_OK(out);
        return out.value_or(CacheRecords{});
    }
    static std::vector<Digest> keys_of(const CacheRecords& records) {
        std::vector<Digest> out;
        for (const CachedLayer& layer : records.layers) out.push_back(layer.key);
        for (const CachedBytes& run : records.runs) out.push_back(run.key);
        return out;
    }
    TempDir folder_ = TempDir::make("store").value();
    BlobStore store_ = BlobStore::open(folder_.path()).value();
    CacheExport cache_;
};

TEST_F(Export, MinHasWhatBelongsToTheImageAndMaxAll) {
    cache_.note_layer({sha256("1")}, layer("in"), store_);
    cache_.note_run(sha256("3"), "record", layer("in"));
    cache_.note_layer({sha256("2")}, layer("other"), store_);
    cache_.note_run(sha256("4"), "another", layer("other"));
    Image image;
    image.layers = {layer("in")};
    const ImageSet images{.images = {image}, .index = {}};
    const auto min = cache_.plan(images, CacheMode::min);
    ASSERT_OK(min);
    EXPECT_THAT(keys_of(records_of(*min)), ElementsAre(sha256("1"), sha256("3")));
    const auto max = cache_.plan(images, CacheMode::max);
    ASSERT_OK(max);
    EXPECT_EQ(keys_of(records_of(*max)).size(), 4u);
    EXPECT_EQ(max->blobs.size(), 5u) << "two layers, two records, the config";
}

TEST_F(Export, FilesOfBaseImagesGoToEachAndNoBlobIsEmpty) {
    cache_.note_file(sha256("1"), "");
    cache_.note_file(sha256("2"), "root:x:0:0\n");
    for (const CacheMode mode : {CacheMode::min, CacheMode::max}) {
        const auto plan = cache_.plan({}, mode);
        ASSERT_OK(plan);
        EXPECT_EQ(records_of(*plan).files.size(), 2u);
        EXPECT_EQ(plan->blobs.size(), 3u);
        for (const registry::TransferBlob& blob : plan->blobs) EXPECT_GT(blob.blob.size, 0u);
    }
}

TEST_F(Export, NothingIsAnEmptyCache) {
    const auto plan = cache_.plan({}, CacheMode::max);
    ASSERT_OK(plan);
    ASSERT_EQ(plan->blobs.size(), 2u);
    EXPECT_EQ(plan->blobs[0].bytes, "{}");
    EXPECT_EQ(records_of(*plan).layers.size(), 0u);
}

TEST_F(Export, WhatWasPushedIsMountedFromThere) {
    cache_.note_layer({sha256("1")}, layer("in"), store_);
    cache_.note_layer({sha256("2")}, layer("other"), store_);
    Image image;
    image.layers = {layer("in")};
    const auto pushed = registry::Reference::parse("h:1/app:1").value();
    const auto plan = cache_.plan({.images = {image}, .index = {}}, CacheMode::max, {pushed});
    ASSERT_OK(plan);
    for (const registry::TransferBlob& blob : plan->blobs)
        EXPECT_EQ(blob.remote.has_value(), blob.blob.digest == layer_blob("in").digest);
}

TEST_F(Export, MoreThanAManifestHoldsIsRefused) {
    for (int i = 0; i < 1001; ++i) {
        const std::string name = std::to_string(i);
        cache_.note_layer({sha256(name)}, layer(name), store_);
        if (i == 999) EXPECT_OK(cache_.plan({}, CacheMode::max));
    }
    EXPECT_ERROR(cache_.plan({}, CacheMode::max), Errc::unsupported, "1000 blobs");
    EXPECT_OK(cache_.plan({}, CacheMode::min));
}

}  // namespace
}  // namespace synchost::images
