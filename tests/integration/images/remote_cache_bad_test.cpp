// Build caches that are not there, or not what they say: a line, and the build that there would be without.
// Needs root, for RUN.
#include <gmock/gmock.h>

#include "images/graph/run_record.hpp"
#include "integration/images/remote_cache_fixture.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using BadRemoteCache = RemoteCacheTest;

TEST_F(BadRemoteCache, OneThatIsNotThereIsALineAndNoError) {
    context_.file("Dockerfile", one_stage());
    const TempDir store = new_store();
    const Image plain = build_on(store, {}).value();
    ASSERT_OK(push(plain, name("plain:1"), {.registries = &connector_}));
    const auto closed = registry::Reference::parse("127.0.0.1:1/app:cache").value();
    for (const auto& [source, why] :
         {std::pair{name("app:none"), "manifest unknown"}, std::pair{closed, "127.0.0.1:1"},
          std::pair{name("plain:1"), "no build cache of synchost"}}) {
        const auto image = build_on(new_store(), {source});
        ASSERT_OK(image);
        EXPECT_EQ(image->layers.size(), 6u);
        EXPECT_THAT(lines_,
                    Contains(AllOf(HasSubstr("the build cache " + source.to_string() + " is not used: "),
                                   HasSubstr(why))));
        EXPECT_EQ(lines_with("is not used"), 1u);
        EXPECT_EQ(ran(), 2u);
    }
    const auto kept = build_on(store, {closed});
    ASSERT_OK(kept);
    EXPECT_EQ(lines_with("is not used"), 0u) << "nobody asks for what the store knows";
}

TEST_F(BadRemoteCache, ADamagedLayerIsNotBelieved) {
    const Image first = fill("app:cache", one_stage());
    damage(first.layers[3].blob.digest);
    context_.file("b", "another text");
    CacheExport gathered;
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:cache")}, &gathered);
    ASSERT_OK(image);
    EXPECT_EQ(lines_with("is not used"), 1u);
    EXPECT_THAT(lines_, Contains("building again without it"));
    EXPECT_NE(image->layers[3].blob.digest, first.layers[3].blob.digest) << "the step was run";
    for (const Layer& layer : image->layers) EXPECT_FALSE(layer.file.empty());
    EXPECT_FALSE(fs::exists(store.path() / "blobs/sha256" / first.layers[3].blob.digest.hex()));
    // And is in no cache that is written then.
    const auto plan = gathered.plan({.images = {*image}, .index = {}}, CacheMode::max);
    ASSERT_OK(plan);
    for (const registry::TransferBlob& blob : plan->blobs)
        EXPECT_NE(blob.blob.digest, first.layers[3].blob.digest);
}

TEST_F(BadRemoteCache, DamagedRecordsAreNotBelieved) {
    fill("app:cache", one_stage());
    damage(stored("app:cache").records.runs[0].record.digest);
    const auto image = build_on(new_store(), {name("app:cache")});
    ASSERT_OK(image);
    EXPECT_EQ(lines_with("is not used"), 1u);
    EXPECT_GE(ran(), 1u);

    const auto document = connector_.client(server_->address()).get_document(name("app:cache"));
    damage(std::get<registry::Manifest>(document->document).config.digest);
    ASSERT_OK(build_on(new_store(), {name("app:cache")}));
    EXPECT_EQ(lines_with("is not used"), 1u);
    EXPECT_EQ(ran(), 2u);
}

TEST_F(BadRemoteCache, ALayerThatIsGoneIsMadeAgain) {
    const Image first = fill("app:cache", one_stage());
    ASSERT_OK(connector_.client(server_->address()).delete_blob("app", first.layers[2].blob.digest));
    const auto image = build_on(new_store(), {name("app:cache")});
    ASSERT_OK(image);
    EXPECT_THAT(lines_, Contains(HasSubstr("it lacks the layer " + first.layers[2].blob.digest.short_hex())));
    EXPECT_EQ(layers_of(*image)[2], first.layers[2].blob.digest);
    EXPECT_FALSE(image->layers[2].file.empty());
}

TEST_F(BadRemoteCache, RecordsThatSayWhatIsNotSoAreNotBelieved) {
    const Image first = fill("app:cache", one_stage());
    const Stored genuine = stored("app:cache");
    const auto refused = [&](const std::string& why) {
        const auto image = build_on(new_store(), {name("app:bad")});
        ASSERT_OK(image) << why;
        EXPECT_EQ(lines_with("is not used"), 1u) << why;
        EXPECT_THAT(lines_, Contains(HasSubstr(why)));
        EXPECT_EQ(ran(), 2u) << why;
        EXPECT_EQ(image->layers[2].blob, first.layers[2].blob);
    };
    const std::string good = format_cache_records(genuine.records);
    put("app:bad", genuine, {}, good);
    refused("different blobs");
    std::vector<Descriptor> sizes = blobs_of(genuine.records);
    sizes[0].size += 1;
    put("app:bad", genuine, sizes, good);
    refused("different blobs");
    put("app:bad", genuine, blobs_of(genuine.records), good + "}");
    refused("not a JSON object");
    std::string typed = good;
    typed.replace(typed.find("tar+zstd"), 8, "tar+evil");
    put("app:bad", genuine, blobs_of(genuine.records), typed);
    refused("media type");
    std::string count = R"({"runs":[],"files":[],"layers":[)";
    for (int i = 0; i < 50'000; ++i) count += i == 0 ? "0" : ",0";
    put("app:bad", genuine, {}, count + "]}");
    refused("too many layers");
}

// A folder in the store stands for every layer with that diff ID, whoever asks for it.
TEST_F(BadRemoteCache, ALayerHasTheDiffIdThatItIsSaidToHave) {
    const Image first = fill("app:cache", one_stage());
    Stored cache = stored("app:cache");
    const Digest claimed = sha256("the layer of another image");
    for (CachedLayer& layer : cache.records.layers) {
        if (layer.blob.digest == first.layers[2].blob.digest) layer.diff_id = claimed;
    }
    put("app:bad", cache);
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:bad")});
    ASSERT_OK(image);
    EXPECT_THAT(lines_, Contains(HasSubstr("a layer of other content than it is said")));
    EXPECT_EQ(image->layers[2].diff_id, first.layers[2].diff_id);
    EXPECT_EQ(ran(), 3u) << "the first one twice: what it runs on was not there";
    EXPECT_FALSE(fs::exists(store.path() / "unpacked" / ("diff-" + claimed.hex())));
}

TEST_F(BadRemoteCache, ARecordOfARunNamesWhatItsLayerHas) {
    const Image first = fill("app:cache", two_stages("COPY --from=build /made /etc/made* /\n"));
    const Stored genuine = stored("app:cache");
    ASSERT_EQ(genuine.records.runs.size(), 1u);
    registry::Client client = connector_.client(server_->address());
    const auto bytes = client.get_blob_bytes("app", genuine.records.runs[0].record, 1 << 20);
    ASSERT_OK(bytes);
    auto record = parse_run_record(*bytes, {});
    ASSERT_TRUE(record);
    record->layer["etc"] = Node{};
    record->layer["etc/made2"] = Node{.kind = FileKind::file, .mode = 0644};
    const std::string forged = format_run_record(*record);
    Stored cache = genuine;
    cache.records.runs[0].record = {std::string(kCachedRunRecord), sha256(forged), forged.size()};
    cache.more[sha256(forged)] = forged;
    put("app:bad", cache);
    const auto image = build_on(new_store(), {name("app:bad")});
    ASSERT_OK(image);
    EXPECT_THAT(lines_, Contains(HasSubstr("files that its layer does not have")));
    EXPECT_THAT(lines_, Contains("building again without it"));
    EXPECT_NE(image->digest, first.digest);

    // One whose paths no step can leave is none.
    record->layer["../x"] = Node{.kind = FileKind::file, .mode = 0644};
    const std::string none = format_run_record(*record);
    cache.records.runs[0].record = {std::string(kCachedRunRecord), sha256(none), none.size()};
    cache.more = {{sha256(none), none}};
    put("app:bad", cache);
    ASSERT_OK(build_on(new_store(), {name("app:bad")}));
    EXPECT_THAT(lines_, Contains(HasSubstr("one of its records is none")));
}

}  // namespace
}  // namespace synchost::images
