// Whole images in and out of real registries: what we put there is read by skopeo and podman, and what skopeo
// put there is copied, byte for byte.
#include "registry-client/copy.hpp"

#include <gmock/gmock.h>

#include <map>

#include "base/base64.hpp"
#include "integration/registry-client/token_server.hpp"
#include "registry-client/oci_layout.hpp"
#include "support/layout_maker.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

using test::LayoutMaker;
using test::LayoutOptions;
using test::RegistryServer;
using test::TokenServer;
using testing::HasSubstr;

std::string must(std::vector<std::string> argv) {
    auto out = check_output({.argv = std::move(argv)}, Errc::io);
    EXPECT_OK(out);
    return out.value_or("");
}

// Every file of a folder, by its name, with its bytes.
std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
    std::map<std::string, std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file())
            out[entry.path().lexically_relative(folder).native()] = read_file(entry.path()).value();
    }
    return out;
}

// One registry and how it is spoken to, by us and by others.
struct Peer {
    RegistryServer server;
    ConnectorOptions options;
    std::vector<std::string> skopeo_flags;  // of a source

    [[nodiscard]] Reference name(const std::string& repository) const {
        return Reference::parse(server.address() + "/" + repository).value();
    }
    // What skopeo gets of it, in its own form: manifests and blobs as they are.
    [[nodiscard]] std::map<std::string, std::string> read_by_skopeo(const std::string& repository) const {
        const auto folder = TempDir::make("skopeo");
        std::vector<std::string> argv = {"skopeo", "copy", "--all"};
        argv.insert(argv.end(), skopeo_flags.begin(), skopeo_flags.end());
        argv.insert(argv.end(), {"docker://" + name(repository).to_string(),
                                 "dir:" + (folder->path() / "image").native()});
        must(std::move(argv));
        return files_of(folder->path() / "image");
    }
};

Peer plain_peer() {
    return {RegistryServer::start().value(), {}, {"--src-tls-verify=false"}};
}

class Copy : public testing::Test {
  protected:
    Result<CopyReport> push(const LayoutMaker& layout, const Peer& to, const std::string& repository,
                            CopyOptions options = {.all_platforms = true}) {
        TRY_ASSIGN(const auto source, source_in_layout(layout.folder(), ""));
        return copy_image(*source, to.name(repository), Connector(to.options), options);
    }
    Result<CopyReport> copy(const Peer& from, const std::string& what, const Peer& to,
                            const std::string& into, const CopyOptions& options = {.all_platforms = true}) {
        const Connector connector(to.options);
        const auto source = source_in_registry(from.name(what), connector);
        return copy_image(*source, to.name(into), connector, options);
    }
    [[nodiscard]] std::string file(const char* name) const { return (folder_.path() / name).native(); }
    void make_certificate() {
        must({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
              "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
              file("key.pem"), "-out", file("ca.crt")});
    }
    std::filesystem::path write_login(const std::string& host) {
        EXPECT_OK(write_file_atomic(file("login.json"), R"({"auths":{")" + host + R"(":{"auth":")" +
                                                            to_base64("user:secret") + "\"}}}"));
        return file("login.json");
    }

    TempDir folder_ = TempDir::make("copy").value();
};

// All that skopeo reads is what it makes of the layout itself.
void expect_read_back(const LayoutMaker& layout, const Peer& peer) {
    const auto folder = TempDir::make("skopeo");
    must({"skopeo", "copy", "--all", "oci:" + layout.folder().native(),
          "dir:" + (folder->path() / "image").native()});
    EXPECT_EQ(peer.read_by_skopeo("app:1"), files_of(folder->path() / "image"));
}

TEST_F(Copy, SkopeoReadsWhatWePush) {
    const Peer peer = plain_peer();
    const LayoutMaker layout(
        {.platforms = {"linux/amd64", "linux/arm64", "linux/arm/v7"}, .attestation = true});
    const auto report = push(layout, peer, "app:1");
    ASSERT_OK(report);
    EXPECT_EQ(report->digest, layout.root());
    EXPECT_EQ(report->manifests, 5u);
    EXPECT_EQ(report->blobs.blobs_sent, 9u);  // 3 configs, 3 layers and a shared one, an attestation of 2
    expect_read_back(layout, peer);
    EXPECT_EQ(must({"skopeo", "inspect", "--raw", "--tls-verify=false",
                    "docker://" + peer.name("app:1").to_string()}),
              layout.root_bytes());
}

TEST_F(Copy, SkopeoReadsWhatWePushWithAPassword) {
    // bcrypt of "secret"
    ASSERT_OK(write_file_atomic(file("htpasswd"),
                                "user:$2y$04$irca4ZFneuPYrpz4aXZa5.b1D3EV6chd/IzdPe1GrG89VqMYpPWpO\n"));
    Peer peer{RegistryServer::start({.htpasswd = file("htpasswd")}).value(),
              {},
              {"--src-tls-verify=false", "--src-creds=user:secret"}};
    peer.options.login_files = {write_login(peer.server.address())};
    const LayoutMaker layout;
    ASSERT_OK(push(layout, peer, "app:1"));
    expect_read_back(layout, peer);
}

TEST_F(Copy, SkopeoReadsWhatWePushOverTls) {
    make_certificate();
    Peer peer{RegistryServer::start({.certificate = file("ca.crt"), .key = file("key.pem")}).value(),
              {},
              {"--src-cert-dir=" + folder_.path().native()}};
    std::filesystem::rename(file("key.pem"), file("key"));  // skopeo would take *.key for a client's
    peer.options.tls_hosts = {peer.server.address()};
    peer.options.ca_file = file("ca.crt");
    const LayoutMaker layout;
    ASSERT_OK(push(layout, peer, "app:1"));
    expect_read_back(layout, peer);
}

TEST_F(Copy, SkopeoReadsWhatWePushWithTokens) {
    const auto tokens = TokenServer::start();
    ASSERT_OK(tokens);
    Peer peer{
        RegistryServer::start({.token_realm = tokens->realm(), .token_certificate = tokens->certificate()})
            .value(),
        {},
        {"--src-tls-verify=false", "--src-creds=user:secret"}};
    peer.options.login_files = {write_login(peer.server.address())};
    const LayoutMaker layout;
    ASSERT_OK(push(layout, peer, "app:1"));
    expect_read_back(layout, peer);
    EXPECT_EQ(tokens->asked().front(), "repository:app:pull");
    ASSERT_OK(copy(peer, "app:1", peer, "other:1"));
    Client client = Connector(peer.options).client(peer.server.address());
    ASSERT_OK(client.delete_manifest(peer.name("other").with_digest(layout.root())));
    EXPECT_EQ(tokens->asked().back(), "repository:other:pull,push,delete");
}

TEST_F(Copy, PodmanPullsWhatWePush) {
    const Peer peer = plain_peer();
    const LayoutMaker layout;
    ASSERT_OK(push(layout, peer, "app:1"));
    const std::vector<std::string> podman = {"podman",    "--root",           file("root"), "--runroot",
                                             file("run"), "--storage-driver", "vfs"};
    const auto run = [&](std::vector<std::string> words) {
        words.insert(words.begin(), podman.begin(), podman.end());
        return must(std::move(words));
    };
    const std::string name = peer.name("app:1").to_string();
    run({"pull", "-q", "--tls-verify=false", "--arch=amd64", name});
    EXPECT_EQ(run({"image", "inspect", "--format", "{{.Digest}}{{range .RootFS.Layers}} {{.}}{{end}}", name}),
              layout.root().to_string() + " " + layout.diff_ids()[0] + " " + layout.diff_ids()[1] + "\n");
    run({"rmi", "-f", name});
}

TEST_F(Copy, ImagesOfSkopeoInBothFormatsAreCopiedByteForByte) {
    const Peer from = plain_peer();
    const Peer to = plain_peer();
    const LayoutMaker layout;
    for (const std::string format : {"oci", "v2s2"}) {
        const std::string name = "made-by-skopeo:" + format;
        must({"skopeo", "copy", "--format", format, "--dest-tls-verify=false",
              "oci:" + layout.folder().native(), "docker://" + from.name(name).to_string()});
        ASSERT_OK(copy(from, name, to, name));
        const auto there = to.read_by_skopeo(name);
        EXPECT_EQ(there, from.read_by_skopeo(name));
        EXPECT_THAT(there.at("manifest.json"),
                    HasSubstr(std::string(format == "oci" ? kOciManifest : kDockerManifest)));
    }
}

TEST_F(Copy, ImagesOfSkopeoArePulledByteForByte) {
    const Peer from = plain_peer();
    const LayoutMaker layout;
    must({"skopeo", "copy", "--format", "v2s2", "--dest-tls-verify=false", "oci:" + layout.folder().native(),
          "docker://" + from.name("app:1").to_string()});
    Client client = Connector().client(from.server.address());
    const auto image = client.get_manifest(from.name("app:1"));
    ASSERT_OK(image);
    std::map<std::string, std::string> pulled = {{"manifest.json", image->bytes},
                                                 {"version", "Directory Transport Version: 1.1\n"}};
    for (const Descriptor& blob :
         {image->manifest.config, image->manifest.layers.at(0), image->manifest.layers.at(1)}) {
        ASSERT_OK(client.get_blob_file("app", blob, file("blob")));
        pulled[blob.digest.hex()] = read_file(file("blob")).value();
    }
    EXPECT_EQ(pulled, from.read_by_skopeo("app:1"));
}

TEST_F(Copy, IndexesOfSkopeoAreCopiedByteForByte) {
    const Peer from = plain_peer();
    const Peer to = plain_peer();
    const LayoutMaker layout({.platforms = {"linux/amd64", "linux/arm/v7"}, .attestation = true});
    must({"skopeo", "copy", "--all", "--dest-tls-verify=false", "oci:" + layout.folder().native(),
          "docker://" + from.name("app:1").to_string()});
    const auto report = copy(from, "app:1", to, "app:1");
    ASSERT_OK(report);
    EXPECT_EQ(report->manifests, 4u);
    EXPECT_EQ(to.read_by_skopeo("app:1"), from.read_by_skopeo("app:1"));
}

TEST_F(Copy, WithoutAllOnePlatformIsTaken) {
    const Peer from = plain_peer();
    const Peer to = plain_peer();
    const LayoutMaker layout({.platforms = {"linux/arm/v6", "linux/arm/v7", "linux/amd64"}});
    ASSERT_OK(push(layout, from, "app:1"));
    const auto report =
        copy(from, "app:1", to, "app:1", {.platform = parse_platform("linux/arm/v7").value()});
    ASSERT_OK(report);
    EXPECT_EQ(report->digest, layout.images()[1]);
    EXPECT_EQ(report->blobs.blobs_sent, 3u);
    EXPECT_EQ(Connector().client(to.server.address()).head_manifest(to.name("app:1")).value(),
              layout.images()[1]);
    const auto none = copy(from, "app:1", to, "app:2", {.platform = parse_platform("linux/s390x").value()});
    EXPECT_ERROR(none, Errc::not_found, "there is: linux/arm/v6, linux/arm/v7, linux/amd64");
    EXPECT_THAT(none.error().next_step, HasSubstr("--platform"));
}

TEST_F(Copy, WithinARegistryBlobsAreMounted) {
    const Peer peer = plain_peer();
    const LayoutMaker layout;
    ASSERT_OK(push(layout, peer, "app:1"));
    const auto report = copy(peer, "app:1", peer, "elsewhere/app:2");
    ASSERT_OK(report);
    EXPECT_EQ(report->blobs.blobs_mounted, 3u);
    EXPECT_EQ(report->blobs.blobs_sent, 0u);
    EXPECT_EQ(peer.read_by_skopeo("elsewhere/app:2"), peer.read_by_skopeo("app:1"));
}

TEST_F(Copy, WhatIsThereIsNotAskedForAgain) {
    const Peer peer = plain_peer();
    const LayoutMaker layout({.platforms = {"linux/amd64", "linux/arm64"}});
    ASSERT_OK(push(layout, peer, "app:1"));
    const std::size_t before = peer.server.requests().size();
    const auto again = push(layout, peer, "app:1");
    ASSERT_OK(again);
    EXPECT_TRUE(again->already_there);
    EXPECT_EQ(peer.server.requests().size(), before + 1);
    const auto other_tag = push(layout, peer, "app:2");
    ASSERT_OK(other_tag);
    EXPECT_EQ(other_tag->blobs.blobs_present, 5u);
    EXPECT_EQ(other_tag->blobs.bytes_sent, 0u);
}

// docker-registry looks for a blob when its upload begins: what was learnt of it spares the HEADs, and still
// nothing is sent that is there.
TEST_F(Copy, OfManyBlobsTheLaterOnesAreAskedForAsTheirUploadBegins) {
    const Peer peer = plain_peer();
    LayoutOptions options{.platforms = {}, .layer_bytes = 1000};
    for (int i = 0; i < 20; ++i) options.platforms.push_back("linux/arch" + std::to_string(i));
    const LayoutMaker layout(options);
    const auto last_image = read_file(layout.folder() / "blobs/sha256" / layout.images().back().hex());
    ASSERT_OK(last_image);
    const auto last = std::get<Manifest>(parse_manifest(*last_image, "").value()).layers.at(1);
    ASSERT_OK(Connector()
                  .client(peer.server.address())
                  .upload_blob_file("app", last, layout.folder() / "blobs/sha256" / last.digest.hex()));

    const std::size_t before = peer.server.requests().size();
    std::map<BlobStep, int> steps;
    CopyOptions telling{.all_platforms = true};
    telling.transfer.progress = [&](const BlobEvent& event) { ++steps[event.step]; };
    const auto report = push(layout, peer, "app:1", telling);
    ASSERT_OK(report);
    EXPECT_EQ(report->blobs.blobs_sent, 40u);  // 20 configs, 20 layers and a shared one, less the one
    EXPECT_EQ(report->blobs.blobs_present, 1u);
    EXPECT_EQ(steps[BlobStep::started], 40);
    EXPECT_EQ(steps[BlobStep::sent], 40);
    EXPECT_EQ(steps[BlobStep::present], 1);
    const auto requests = peer.server.requests();
    const auto count = [&](std::string_view start) {
        return std::count_if(requests.begin() + static_cast<std::ptrdiff_t>(before), requests.end(),
                             [&](const std::string& line) { return line.starts_with(start); });
    };
    EXPECT_LE(count("HEAD /v2/app/blobs/"), 20);
    EXPECT_EQ(count("PUT /v2/app/blobs/uploads/"), 40);
    expect_read_back(layout, peer);
}

TEST_F(Copy, ACopyThatFailsLeavesNoTagAndTheNextOneSendsWhatIsMissing) {
    const Peer from = plain_peer();
    const Peer to = plain_peer();
    const LayoutMaker layout;
    ASSERT_OK(push(layout, from, "app:1"));
    const auto manifest = parse_manifest(layout.root_bytes(), "").value();
    const std::string hex = std::get<Manifest>(manifest).layers[1].digest.hex();
    const auto data =
        from.server.storage() / "docker/registry/v2/blobs/sha256" / hex.substr(0, 2) / hex / "data";
    const std::string good = read_file(data).value();
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    ASSERT_OK(write_file_atomic(data, bad));
    EXPECT_ERROR(copy(from, "app:1", to, "app:1"), Errc::protocol, "its bytes are not those");
    Client client = Connector().client(to.server.address());
    EXPECT_EQ(client.head_manifest(to.name("app:1")).value(), std::nullopt);
    EXPECT_EQ(client.head_blob("app", Digest::parse("sha256:" + hex).value()).value(), std::nullopt);

    ASSERT_OK(write_file_atomic(data, good));
    const auto again = copy(from, "app:1", to, "app:1");
    ASSERT_OK(again);
    EXPECT_GE(again->blobs.blobs_sent, 1u);
    EXPECT_EQ(to.read_by_skopeo("app:1"), from.read_by_skopeo("app:1"));
}

TEST_F(Copy, AnIndexThatNamesWhatIsNotThereFails) {
    const Peer from = plain_peer();
    const Peer to = plain_peer();
    const LayoutMaker layout({.platforms = {"linux/amd64", "linux/arm64"}});
    ASSERT_OK(push(layout, from, "app:1"));
    ASSERT_OK(Connector()
                  .client(from.server.address())
                  .delete_manifest(from.name("app").with_digest(layout.images()[1])));
    EXPECT_ERROR(copy(from, "app:1", to, "app:1"), Errc::not_found, "one of its manifests");
    EXPECT_OK(copy(from, "app:1", to, "app:1", {.platform = parse_platform("linux/amd64").value()}));
}

TEST_F(Copy, ProgressTellsOfEveryByteOfEveryBlob) {
    const Peer peer = plain_peer();
    const LayoutMaker layout({.layer_bytes = 3'000'000});
    std::map<Digest, std::vector<BlobEvent>> told;
    CopyOptions options{.all_platforms = true};
    options.transfer.progress = [&](const BlobEvent& event) { told[event.digest].push_back(event); };
    ASSERT_OK(push(layout, peer, "app:1", options));
    ASSERT_EQ(told.size(), 3u);
    for (const auto& [digest, events] : told) {
        EXPECT_EQ(events.front().step, BlobStep::started);
        EXPECT_EQ(events.back().step, BlobStep::sent);
        ASSERT_GE(events.size(), 3u);
        EXPECT_EQ(events[events.size() - 2].step, BlobStep::moved);
        EXPECT_EQ(events[events.size() - 2].done, events.back().size);
    }
    told.clear();
    ASSERT_OK(push(layout, peer, "app:2", options));
    for (const auto& [digest, events] : told) {
        ASSERT_EQ(events.size(), 1u);
        EXPECT_EQ(events[0].step, BlobStep::present);
    }
}

TEST_F(Copy, NobodyThereIsTold) {
    const LayoutMaker layout;
    const auto source = source_in_layout(layout.folder(), "");
    ASSERT_OK(source);
    const auto refused = copy_image(**source, Reference::parse("127.0.0.1:1/app:1").value(), Connector());
    EXPECT_ERROR(refused, Errc::registry, "registry 127.0.0.1:1: connection refused");
}

}  // namespace
}  // namespace synchost::registry
