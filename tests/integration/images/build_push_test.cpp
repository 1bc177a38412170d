// Images from Dockerfile to registry, read back by skopeo and tar.
#include <gmock/gmock.h>

#include <algorithm>

#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using test::RegistryServer;
using testing::ElementsAre;
using testing::HasSubstr;

class BuildAndPush : public testing::Test {
  protected:
    void SetUp() override {
        auto server = RegistryServer::start();
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
        auto store = TempDir::make("store");
        ASSERT_OK(store);
        store_.emplace(*std::move(store));
    }
    BuildTools tools() { return {.store = store_->path(), .registries = &connector_}; }
    [[nodiscard]] registry::Reference name(const std::string& repository) const {
        return registry::Reference::parse(server_->address() + "/" + repository).value();
    }
    Image build_and_push(const ImageContext& context, const std::string& repository,
                         BuildRequest request = {}) {
        request.context = context.path();
        auto image = build(request, tools());
        EXPECT_OK(image);
        if (!image) return {};
        EXPECT_OK(push(*image, name(repository), tools()));
        return *std::move(image);
    }
    // "type mode uid/gid path" of every entry of the layers that skopeo fetched, layer by layer.
    std::string skopeo_listing(const std::string& repository) {
        const auto folder = TempDir::make("oci");
        const auto copied = check_output(
            {.argv = {"skopeo", "copy", "--src-tls-verify=false", "docker://" + name(repository).to_string(),
                      "dir:" + (folder->path() / "image").string()}},
            Errc::registry);
        EXPECT_OK(copied);
        const auto manifest =
            registry::parse_manifest(read_file(folder->path() / "image/manifest.json").value(), "");
        EXPECT_OK(manifest);
        std::string out;
        for (const auto& layer : std::get<registry::Manifest>(*manifest).layers) {
            const std::string filter = layer.media_type.ends_with("zstd") ? "--zstd" : "-z";
            const auto listing =
                check_output({.argv = {"tar", filter, "--numeric-owner", "--full-time", "--utc", "-tvf",
                                       (folder->path() / "image" / layer.digest.hex()).string()}},
                             Errc::io);
            EXPECT_OK(listing);
            out += *listing + "--\n";
        }
        return out;
    }

    registry::Connector connector_;
    std::optional<RegistryServer> server_;
    std::optional<TempDir> store_;
};

TEST_F(BuildAndPush, ScratchImageIsWhatSkopeoReads) {
    ImageContext context;
    context
        .file("Dockerfile",
              "FROM scratch\nENV A=1\nWORKDIR /app\nCOPY src/ .\nCOPY --chown=7:8 run /app/bin/run\n"
              "USER 1000:1000\nEXPOSE 80\nLABEL k=v\nENTRYPOINT [\"/app/bin/run\"]\n")
        .file("src/a.py", "print()")
        .link("src/b.py", "a.py")
        .file("run", "x", 0755);
    const Image image = build_and_push(context, "app:1");
    const auto inspected = check_output(
        {.argv = {"skopeo", "inspect", "--tls-verify=false", "docker://" + name("app:1").to_string()}},
        Errc::registry);
    ASSERT_OK(inspected);
    EXPECT_THAT(*inspected, HasSubstr(image.digest.to_string()));
    EXPECT_THAT(*inspected, HasSubstr("A=1"));
    EXPECT_EQ(skopeo_listing("app:1"),
              "drwxr-xr-x 0/0               0 1970-01-01 00:00:00 app/\n--\n"
              "drwxr-xr-x 0/0               0 1970-01-01 00:00:00 app/\n"
              "-rw-r--r-- 0/0               7 1970-01-01 00:00:00 app/a.py\n"
              "lrwxrwxrwx 0/0               0 1970-01-01 00:00:00 app/b.py -> a.py\n--\n"
              "drwxr-xr-x 0/0               0 1970-01-01 00:00:00 app/\n"
              "drwxr-xr-x 7/8               0 1970-01-01 00:00:00 app/bin/\n"
              "-rwxr-xr-x 7/8               1 1970-01-01 00:00:00 app/bin/run\n--\n");
    EXPECT_EQ(image.run.uid, 1000u);
    EXPECT_THAT(image.run.entrypoint, ElementsAre("/app/bin/run"));
    EXPECT_THAT(image.managed_paths, ElementsAre("/app/"));
}

TEST_F(BuildAndPush, CopyFlagsAreWhatSkopeoReads) {
    ImageContext context;
    ImageContext named;
    named.file("n", "nn", 0600);
    context
        .file("Dockerfile",
              "FROM scratch\nCOPY --chmod=2640 run /p/\nCOPY --chown=5 --chmod=u=rwX,go=rX --exclude=*.o src "
              "/q\n"
              "COPY --parents --link src/./sub/b.o /r/\nCOPY --from=named n /s/\n")
        .file("run", "x", 04755)
        .folder("src/sub", 0750)
        .file("src/a.o", "")
        .file("src/a.py", "a", 0700)
        .file("src/sub/b.o", "b", 01600);
    build_and_push(context, "app:1", {.build_contexts = {{"named", named.path()}}});
    EXPECT_EQ(skopeo_listing("app:1"),
              "drw-r-S--- 0/0               0 1970-01-01 00:00:00 p/\n"
              "-rw-r-S--- 0/0               1 1970-01-01 00:00:00 p/run\n--\n"
              "drwxr-xr-x 5/5               0 1970-01-01 00:00:00 q/\n"
              "-rwxr-xr-x 5/5               1 1970-01-01 00:00:00 q/a.py\n"
              "drwxr-xr-x 5/5               0 1970-01-01 00:00:00 q/sub/\n"
              "-rw-r--r-- 5/5               1 1970-01-01 00:00:00 q/sub/b.o\n--\n"
              "drwxr-xr-x 0/0               0 1970-01-01 00:00:00 r/\n"
              "drwxr-x--- 0/0               0 1970-01-01 00:00:00 r/sub/\n"
              "-rw------T 0/0               1 1970-01-01 00:00:00 r/sub/b.o\n--\n"
              "drwxr-xr-x 0/0               0 1970-01-01 00:00:00 s/\n"
              "-rw------- 0/0               2 1970-01-01 00:00:00 s/n\n--\n");
}

TEST_F(BuildAndPush, HardLinksComeThroughAnImageAndACopyFromIt) {
    ImageContext context;
    context.file("Dockerfile", "FROM scratch\nCOPY d /d/\n").file("d/a", "text");
    std::filesystem::create_hard_link(context.path() / "d/a", context.path() / "d/b");
    build_and_push(context, "links:1");
    EXPECT_THAT(skopeo_listing("links:1"), HasSubstr(" d/b link to d/a\n"));
    store_.emplace(*TempDir::make("store"));
    ImageContext second;
    second.file("Dockerfile", "FROM scratch\nCOPY --from=" + name("links:1").to_string() + " /d /e\n");
    build_and_push(second, "again:1");
    EXPECT_THAT(skopeo_listing("again:1"), HasSubstr(" e/b link to e/a\n"));
}

TEST_F(BuildAndPush, SecondPushSendsNothing) {
    ImageContext context;
    context.file("Dockerfile", "FROM scratch\nCOPY a /a\n").file("a", "1");
    const Image image = build_and_push(context, "app:1");
    const auto again = push(image, name("app:1"), tools());
    ASSERT_OK(again);
    EXPECT_EQ(again->blobs_sent, 0u);
    const auto other_tag = push(image, name("app:2"), tools());
    ASSERT_OK(other_tag);
    EXPECT_EQ(other_tag->blobs_sent, 0u);
    EXPECT_EQ(other_tag->blobs_present, 2u);
}

TEST_F(BuildAndPush, BaseLayersAreMountedAndNeverDownloaded) {
    ImageContext base;
    base.file("Dockerfile", "FROM scratch\nCOPY big /usr/lib/big\n").file("big", std::string(200'000, 'b'));
    build_and_push(base, "base:1", {.compression = Compression::gzip});
    store_.emplace(*TempDir::make("store"));

    ImageContext context;
    context.file("Dockerfile", "ARG BASE\nFROM ${BASE}\nCOPY a /app/\n").file("a", "1");
    const Image image =
        build_and_push(context, "app:1", {.build_args = {{"BASE", name("base:1").to_string()}}});
    ASSERT_EQ(image.layers.size(), 2u);
    EXPECT_TRUE(image.layers[0].file.empty());
    EXPECT_THAT(image.layers[0].blob.media_type, HasSubstr("gzip"));
    EXPECT_FALSE(
        std::filesystem::exists(store_->path() / "blobs/sha256" / image.layers[0].blob.digest.hex()));
    const auto requests = server_->requests();
    EXPECT_THAT(requests, testing::Not(testing::Contains("GET /v2/base/blobs/" +
                                                         image.layers[0].blob.digest.to_string())));
    EXPECT_THAT(requests, testing::Contains("POST /v2/app/blobs/uploads/?mount=" +
                                            image.layers[0].blob.digest.to_string() + "&from=base"));
    EXPECT_THAT(skopeo_listing("app:1"), HasSubstr("usr/lib/big"));
}

TEST_F(BuildAndPush, BaseOfAnotherRegistryIsStreamedPastTheDisk) {
    auto other = RegistryServer::start();
    ASSERT_OK(other);
    ImageContext base;
    std::string noise(20'000'000, '\0');
    std::uint32_t state = 1;
    for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    base.file("Dockerfile", "FROM scratch\nCOPY big /big\n").file("big", noise);
    const auto built = build({.context = base.path()}, tools());
    ASSERT_OK(built);
    const auto base_name = registry::Reference::parse(other->address() + "/base:1").value();
    ASSERT_OK(push(*built, base_name, tools()));
    store_.emplace(*TempDir::make("store"));

    ImageContext context;
    context.file("Dockerfile", "FROM " + base_name.to_string() + "\nCOPY a /app/\n").file("a", "1");
    const Image image = build_and_push(context, "app:1");
    EXPECT_FALSE(
        std::filesystem::exists(store_->path() / "blobs/sha256" / image.layers[0].blob.digest.hex()));
    EXPECT_THAT(skopeo_listing("app:1"), HasSubstr("20000000"));
}

TEST_F(BuildAndPush, CopyFromAnImageTakesOnlyWhatIsNamed) {
    ImageContext tools_image;
    tools_image
        .file("Dockerfile",
              "FROM scratch\nCOPY old /opt/tool\nCOPY new /opt/tool\nCOPY lib /opt/lib\nCOPY passwd "
              "/etc/passwd\n")
        .file("old", "old")
        .file("new", "newer")
        .file("lib/x", "x")
        .link("lib/y", "x")
        .file("passwd", "root:x:0:0::/:\napp:x:41:42::/:\n");
    build_and_push(tools_image, "tools:1");
    store_.emplace(*TempDir::make("store"));

    ImageContext context;
    const std::string from = name("tools:1").to_string();
    context.file("Dockerfile", "FROM " + from + "\nCOPY --from=" + from + " /opt/tool /bin2/\nCOPY --from=" +
                                   from + " /opt/l* /l/\nCOPY --chown=app Dockerfile /d\nUSER app\n");
    const Image image = build_and_push(context, "app:1");
    EXPECT_EQ(image.run.uid, 41u);
    EXPECT_EQ(image.run.gid, 42u);
    const std::string listing = skopeo_listing("app:1");
    EXPECT_THAT(listing, HasSubstr("-rw-r--r-- 0/0               5 1970-01-01 00:00:00 bin2/tool\n"));
    EXPECT_THAT(listing, HasSubstr("l/x\n"));
    EXPECT_THAT(listing, HasSubstr("l/y -> x\n"));
    EXPECT_THAT(listing, HasSubstr("41/42"));
    const auto run = fetch_run_config(name("app:1"), tools());
    ASSERT_OK(run);
    EXPECT_EQ(run->uid, 41u);
    EXPECT_EQ(run->gid, 42u);
}

TEST_F(BuildAndPush, RegistryThatDiesLeavesNoTag) {
    ImageContext context;
    context.file("Dockerfile", "FROM scratch\nCOPY a /a\nCOPY b /b\n").file("a", "1").file("b", "2");
    const auto image = build({.context = context.path()}, tools());
    ASSERT_OK(image);
    BuildTools dying = tools();
    dying.transfer_progress = [&](const registry::BlobEvent& event) {
        if (event.step == registry::BlobStep::sent) server_->kill();
    };
    const auto pushed = push(*image, name("app:1"), dying);
    ASSERT_FALSE(pushed);
    EXPECT_THAT(pushed.error().message, testing::StartsWith("registry " + server_->address() + ": "));
    EXPECT_FALSE(std::filesystem::exists(server_->storage() /
                                         "docker/registry/v2/repositories/app/_manifests/tags/1"));
}

TEST_F(BuildAndPush, RegistryThatIsNotThereSaysSo) {
    ImageContext context;
    context.file("Dockerfile", "FROM 127.0.0.1:1/nothing\n");
    const auto image = build({.context = context.path()}, tools());
    EXPECT_ERROR(image, Errc::registry, "Dockerfile:1: registry 127.0.0.1:1: connection refused");
    EXPECT_FALSE(image.error().next_step.empty());
}

TEST_F(BuildAndPush, SingleBinaryIsAScratchImage) {
    const auto image = build_single_binary("ELF", "agent", tools());
    ASSERT_OK(image);
    ASSERT_OK(push(*image, name("agent:1"), tools()));
    EXPECT_EQ(skopeo_listing("agent:1"),
              "-rwxr-xr-x 0/0               3 1970-01-01 00:00:00 synchost-agent\n--\n");
    EXPECT_THAT(image->run.entrypoint, ElementsAre("/synchost-agent"));
}

}  // namespace
}  // namespace synchost::images
