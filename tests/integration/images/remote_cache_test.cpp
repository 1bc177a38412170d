// Build caches in a real registry: what a build on a machine that knows nothing takes from them, and what it
// fetches for that. Needs root, for RUN.
#include <gmock/gmock.h>

#include "images/layer/compressor.hpp"
#include "images/output/output.hpp"
#include "integration/images/remote_cache_fixture.hpp"

namespace synchost::images {
namespace {

using test::RegistryServer;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using RemoteCache = RemoteCacheTest;

TEST_F(RemoteCache, ABuildThatKnowsNothingRunsNothingAndFetchesNoLayer) {
    const Image first = fill("app:cache", one_stage());
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:cache")});
    ASSERT_OK(image);
    EXPECT_EQ(image->digest, first.digest);
    EXPECT_EQ(lines_with(" (from the build cache)"), 2u);
    EXPECT_EQ(fetched().size(), 3u) << "the records, and those of two RUNs";
    for (const Layer& layer : image->layers)
        EXPECT_THAT(fetched(), Not(Contains(layer.blob.digest.to_string())));

    const auto pushed = push(*image, name("mine:1"), {.registries = &connector_});
    ASSERT_OK(pushed);
    EXPECT_EQ(pushed->blobs_sent, 1u) << "the config";
    EXPECT_EQ(pushed->blobs_mounted, 6u);
    // To another registry they go through.
    auto other = RegistryServer::start({.in_memory = true});
    ASSERT_OK(other);
    const auto there = registry::Reference::parse(other->address() + "/mine:1").value();
    const auto streamed = push(*image, there, {.registries = &connector_});
    ASSERT_OK(streamed);
    EXPECT_EQ(streamed->blobs_sent, 7u);
    EXPECT_EQ(connector_.client(other->address()).head_manifest(there).value(), first.digest);
}

TEST_F(RemoteCache, WhatIsWrittenOutIsFetchedThen) {
    context_.file("Dockerfile", one_stage());
    const TempDir first_store = new_store();
    CacheExport gathered;
    const auto first = build_on(first_store, {}, &gathered);
    ASSERT_OK(first);
    ASSERT_OK(send(gathered, *first, "app:cache"));
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:cache")});
    ASSERT_OK(image);
    const TempDir out = new_store();
    const Output mine{.kind = OutputKind::root_tar, .dest = out.path() / "mine.tar"};
    const Output theirs{.kind = OutputKind::root_tar, .dest = out.path() / "theirs.tar"};
    ASSERT_OK(write_output(*image, mine, {}, {.store = store.path(), .registries = &connector_}));
    ASSERT_OK(write_output(*first, theirs, {}, {.store = first_store.path()}));
    EXPECT_EQ(read_file(mine.dest).value(), read_file(theirs.dest).value());
}

TEST_F(RemoteCache, AChangeRedoesOnlyWhatFollows) {
    const Image first = fill("app:cache", one_stage());
    context_.file("b", "another text");
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:cache")});
    ASSERT_OK(image);
    ASSERT_EQ(image->layers.size(), 6u);
    const auto was = layers_of(first);
    const auto is = layers_of(*image);
    EXPECT_TRUE(std::equal(is.begin(), is.begin() + 4, was.begin()));
    EXPECT_NE(is[4], was[4]);
    EXPECT_NE(is[5], was[5]);
    EXPECT_EQ(lines_with(" (from the build cache)"), 1u);
    EXPECT_EQ(ran(), 1u);
    // The second RUN sees the layers below it, and nobody the two that the change replaced.
    for (std::size_t i = 0; i < 4; ++i) EXPECT_THAT(fetched(), Contains(was[i].to_string())) << i;
    for (std::size_t i = 4; i < 6; ++i) EXPECT_THAT(fetched(), Not(Contains(was[i].to_string()))) << i;

    const auto again = build_on(store, {});
    ASSERT_OK(again);
    EXPECT_EQ(again->digest, image->digest) << "what was read of the cache is kept";
    EXPECT_EQ(lines_with(" (kept from an earlier build)"), 2u);
    EXPECT_EQ(server_->requests().size(), seen_);
}

TEST_F(RemoteCache, TheFirstRunIsRunWhereItsCommandChanged) {
    fill("app:cache", one_stage());
    context_.file("Dockerfile",
                  std::string("FROM scratch\n") + kShell + "COPY a /a\nRUN true && " + kUuid + "/one\n");
    const auto image = build_on(new_store(), {name("app:cache")});
    ASSERT_OK(image);
    EXPECT_EQ(ran(), 1u);
    EXPECT_EQ(fetched().size(), 4u) << "the records, and the three layers that it runs on";
}

TEST_F(RemoteCache, MaxHasTheStepsOfEveryStageAndMinThoseOfTheImage) {
    const std::string text = two_stages("COPY --from=build /made /copied\nCOPY b /b\n");
    const Image first = fill("app:max", text, CacheMode::max);
    {
        const auto image = build_on(new_store(), {name("app:max")});
        ASSERT_OK(image);
        EXPECT_EQ(image->digest, first.digest);
        EXPECT_EQ(ran(), 0u);
        EXPECT_EQ(fetched().size(), 3u) << "the records, the RUN's, and its layer, whose file is copied";
    }
    const Image second = fill("app:min", text, CacheMode::min);
    const CacheRecords records = stored("app:min").records;
    EXPECT_THAT(records.runs, IsEmpty());
    for (const CachedLayer& layer : records.layers)
        EXPECT_THAT(layers_of(second), Contains(layer.blob.digest));
    const auto image = build_on(new_store(), {name("app:min")});
    ASSERT_OK(image);
    EXPECT_EQ(ran(), 1u);
    ASSERT_EQ(image->layers.size(), 2u);
    EXPECT_FALSE(image->layers[0].cached) << "a file that the RUN made";
    EXPECT_TRUE(image->layers[1].cached);
}

TEST_F(RemoteCache, TheOtherCompressionNeedsNoRunEither) {
    const Image first = fill("app:cache", one_stage());
    const TempDir store = new_store();
    CacheExport gathered;
    const auto image = build_on(store, {name("app:cache")}, &gathered, {.compression = Compression::gzip});
    ASSERT_OK(image);
    EXPECT_EQ(ran(), 0u);
    ASSERT_EQ(image->layers.size(), first.layers.size());
    for (std::size_t i = 0; i < image->layers.size(); ++i) {
        EXPECT_EQ(image->layers[i].diff_id, first.layers[i].diff_id);
        EXPECT_EQ(image->layers[i].blob.media_type, layer_media_type(Compression::gzip));
    }
    EXPECT_EQ(image->config, first.config);
    ASSERT_OK(send(gathered, *image, "app:gzip"));
    // Each finds its own, and the first that knows a step wins.
    for (const Compression compression : {Compression::gzip, Compression::zstd}) {
        const auto both = build_on(new_store(), {name("app:cache"), name("app:gzip")}, nullptr,
                                   {.compression = compression});
        ASSERT_OK(both);
        EXPECT_EQ(both->digest, compression == Compression::gzip ? image->digest : first.digest);
        for (const Layer& layer : both->layers)
            EXPECT_THAT(fetched(), Not(Contains(layer.blob.digest.to_string())));
    }
}

TEST_F(RemoteCache, TheSameStepsAreTheSameCacheAndAreSentOnce) {
    context_.file("Dockerfile", two_stages("COPY --from=build /made /copied\n"));
    const TempDir store = new_store();
    CacheExport gathered;
    const auto image = build_on(store, {}, &gathered);
    ASSERT_OK(image);
    const auto sent = send(gathered, *image, "app:cache");
    ASSERT_OK(sent);
    EXPECT_EQ(sent->blobs_sent, 7u) << "five layers, a record, the config";
    const auto digest = connector_.client(server_->address()).head_manifest(name("app:cache")).value();

    const auto again = [&](const TempDir& on, const std::vector<registry::Reference>& from) {
        CacheExport notes;
        const auto built = build_on(on, from, &notes);
        ASSERT_OK(built);
        const std::size_t before = server_->requests().size();
        const auto report = send(notes, *built, "app:cache");
        ASSERT_OK(report);
        EXPECT_EQ(report->blobs_sent, 0u);
        EXPECT_EQ(server_->requests().size(), before + 1) << "one HEAD";
        EXPECT_EQ(connector_.client(server_->address()).head_manifest(name("app:cache")).value(), digest);
    };
    again(store, {});
    again(new_store(), {name("app:cache")});
    // To another repository of that registry nothing but the records goes.
    CacheExport notes;
    const auto built = build_on(new_store(), {name("app:cache")}, &notes);
    ASSERT_OK(built);
    const auto moved = send(notes, *built, "other:cache");
    ASSERT_OK(moved);
    EXPECT_EQ(moved->blobs_sent, 2u) << "a record and the config";
}

TEST_F(RemoteCache, StagesAtTheSameTimeFetchALayerOnce) {
    const auto text = [](const std::string& command) {
        std::string out = std::string("FROM scratch AS shell\n") + kShell;
        std::string last = "FROM scratch\n";
        for (const std::string stage : {"a", "b", "c", "d"}) {
            out += "FROM shell AS " + stage + "\nRUN " + command + kUuid + "/" + stage + "\n";
            last += "COPY --from=" + stage + " /" + stage + " /of/\n";
        }
        return out + last;
    };
    const Image first = fill("app:cache", text(""));
    const auto same = build_on(new_store(), {name("app:cache")});
    ASSERT_OK(same);
    EXPECT_EQ(same->digest, first.digest);
    context_.file("Dockerfile", text("true && "));
    ASSERT_OK(build_on(new_store(), {name("app:cache")}));
    EXPECT_EQ(ran(), 4u);
    EXPECT_EQ(fetched().size(), 3u) << "the records, and the two layers of the shell";
    EXPECT_EQ(fetches(), 3u) << "each of them once";
}

TEST_F(RemoteCache, SeveralPlatformsShareOne) {
    context_.file("Dockerfile", "FROM scratch\nARG TARGETARCH\nCOPY a /$TARGETARCH\nCOPY b /b\n");
    const std::vector<registry::Platform> platforms = {{"linux", "amd64", {}, {}},
                                                       {"linux", "arm64", {}, {}}};
    const TempDir first_store = new_store();
    CacheExport gathered;
    BuildTools tools{.store = first_store.path(), .registries = &connector_, .cache_to = &gathered};
    const auto first = build_each({.context = context_.path()}, platforms, tools);
    ASSERT_OK(first);
    ASSERT_OK(push_cache(gathered, {name("app:cache"), CacheMode::min}, *first, {}, tools));
    const TempDir store = new_store();
    CacheSources sources({name("app:cache")}, connector_);
    const auto second =
        build_each({.context = context_.path()}, platforms,
                   {.store = store.path(), .registries = &connector_, .cache_from = &sources});
    ASSERT_OK(second);
    EXPECT_EQ(second->root().digest, first->root().digest);
    for (const Image& image : second->images) {
        for (const Layer& layer : image.layers) EXPECT_TRUE(layer.cached);
    }
}

TEST_F(RemoteCache, ABaseImageIsNotFetchedForWhatItsPasswdSays) {
    context_.file("passwd", "root:x:0:0::/root:\nme:x:7:8::/home/me:\n").file("group", "me:x:8:\n");
    context_.file("Dockerfile", std::string("FROM scratch\n") + kShell + "COPY passwd group /etc/\n");
    const auto base = build_on(new_store(), {});
    ASSERT_OK(base);
    const TempDir store = new_store();
    const auto again = build_on(store, {});
    ASSERT_OK(again);
    ASSERT_OK(push(*again, name("base:1"), {.registries = &connector_}));

    const std::string steps =
        "FROM " + name("base:1").to_string() + "\nUSER me\nRUN busybox id >/tmp/id; " + kUuid;
    const Image first =
        fill("app:cache", steps + "/tmp/uuid || busybox true\nUSER 0\nRUN " + kUuid + "/two\n");
    const auto image = build_on(new_store(), {name("app:cache")});
    ASSERT_OK(image);
    EXPECT_EQ(image->digest, first.digest);
    EXPECT_EQ(ran(), 0u);
    for (const Layer& layer : image->layers)
        EXPECT_THAT(fetched(), Not(Contains(layer.blob.digest.to_string())));
}

}  // namespace
}  // namespace synchost::images
