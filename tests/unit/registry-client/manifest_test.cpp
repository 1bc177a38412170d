#include "registry-client/manifest.hpp"

#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');
const std::string kDescriptor = R"({"mediaType":"m","digest":")" + kDigest + R"(","size":5})";

std::string image(const std::string& type) {
    return R"({"schemaVersion":2,"mediaType":")" + type + R"(","config":)" + kDescriptor + R"(,"layers":[)" +
           kDescriptor + "]}";
}

TEST(Manifest, OciAndDockerAreReadAlike) {
    for (const std::string_view type : {kOciManifest, kDockerManifest}) {
        const auto parsed = parse_manifest(image(std::string(type)), "");
        ASSERT_OK(parsed);
        const auto& manifest = std::get<Manifest>(*parsed);
        EXPECT_EQ(manifest.media_type, type);
        EXPECT_EQ(manifest.config.size, 5u);
        ASSERT_EQ(manifest.layers.size(), 1u);
        EXPECT_EQ(manifest.layers[0].digest.to_string(), kDigest);
    }
}

TEST(Manifest, ContentTypeServesWhereTheDocumentHasNoType) {
    const std::string bytes = R"({"config":)" + kDescriptor + R"(,"layers":[]})";
    EXPECT_OK(parse_manifest(bytes, std::string(kOciManifest) + "; charset=utf-8"));
    EXPECT_ERROR(parse_manifest(bytes, "text/html"), Errc::unsupported, "text/html");
}

TEST(Manifest, RefusesBrokenDocuments) {
    const std::string type(kOciManifest);
    EXPECT_ERROR(parse_manifest("", type), Errc::protocol, "JSON");
    EXPECT_ERROR(parse_manifest("[]", type), Errc::protocol, "JSON");
    EXPECT_ERROR(parse_manifest("{}", type), Errc::protocol, "without a config");
    EXPECT_ERROR(parse_manifest(R"({"config":)" + kDescriptor + "}", type), Errc::protocol, "without layers");
    EXPECT_ERROR(parse_manifest(R"({"config":{"digest":"md5:1","size":1},"layers":[]})", type),
                 Errc::protocol, "sha256");
    EXPECT_ERROR(parse_manifest(R"({"config":{"digest":")" + kDigest + R"(","size":-1},"layers":[]})", type),
                 Errc::protocol, "size");
    EXPECT_ERROR(parse_manifest(R"({"fsLayers":[]})", ""), Errc::unsupported, "schema 1");
    EXPECT_ERROR(parse_manifest(std::string(kMaxManifestBytes + 1, ' '), type), Errc::protocol, "4 MiB");
}

TEST(Manifest, TruncatedAtEveryByteIsRefused) {
    const std::string whole = image(std::string(kOciManifest));
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(parse_manifest(whole.substr(0, size), kOciManifest));
}

TEST(Index, TheHostsPlatformIsChosen) {
    const std::string entry =
        R"({"digest":")" + kDigest + R"(","size":5,"platform":{"os":"linux","architecture":")";
    const auto parsed =
        parse_manifest(R"({"manifests":[)" + entry + R"(s390x"}},)" + entry + R"(arm64"}}]})", kDockerIndex);
    ASSERT_OK(parsed);
    const auto& index = std::get<Index>(*parsed);
    EXPECT_OK(choose_platform(index, {"linux", "arm64", {}, {}}));
    EXPECT_ERROR(choose_platform(index, {"linux", "amd64", {}, {}}), Errc::not_found,
                 "linux/s390x, linux/arm64");
}

Index index_of(const std::vector<std::string>& platforms) {
    Index out;
    for (const std::string& platform : platforms) {
        IndexEntry entry;
        entry.manifest.digest = sha256(platform);
        entry.platform = parse_platform(platform).value();
        out.entries.push_back(std::move(entry));
    }
    return out;
}

std::string chosen(const std::vector<std::string>& offered, const std::string& wanted) {
    const auto found = choose_platform(index_of(offered), parse_platform(wanted).value());
    if (!found) return "none";
    for (const std::string& platform : offered) {
        if (sha256(platform) == found->digest) return platform;
    }
    return "?";
}

TEST(Index, AVariantIsALevel) {
    const std::vector<std::string> arms = {"linux/arm/v5", "linux/arm/v7", "linux/arm/v6", "linux/arm64/v8"};
    EXPECT_EQ(chosen(arms, "linux/arm/v7"), "linux/arm/v7");
    EXPECT_EQ(chosen(arms, "linux/arm"), "linux/arm/v7");
    EXPECT_EQ(chosen(arms, "linux/arm/v6"), "linux/arm/v6");
    EXPECT_EQ(chosen(arms, "linux/arm64"), "linux/arm64/v8");
    EXPECT_EQ(chosen({"linux/arm/v7"}, "linux/arm/v6"), "none");
    EXPECT_EQ(chosen({"linux/amd64/v3"}, "linux/amd64"), "none");
    EXPECT_EQ(chosen({"linux/amd64", "linux/amd64/v3"}, "linux/amd64/v4"), "linux/amd64/v3");
    EXPECT_EQ(chosen({"linux/amd64/v3", "linux/amd64"}, "linux/amd64"), "linux/amd64");
    EXPECT_EQ(chosen({"linux/arm/seven"}, "linux/arm"), "none");
    EXPECT_EQ(chosen({"linux/arm/seven"}, "linux/arm/seven"), "linux/arm/seven");
    EXPECT_EQ(chosen({"linux/ppc64le/power9"}, "linux/ppc64le"), "linux/ppc64le/power9");
    EXPECT_EQ(chosen({"linux/ppc64le/power9"}, "linux/ppc64le/power8"), "none");
}

TEST(Index, OfBuildkitHasAttestationsThatAreNoPlatform) {
    const std::string entry =
        R"({"mediaType":")" + std::string(kOciManifest) + R"(","digest":")" + kDigest + R"(","size":5,)";
    const auto parsed = parse_manifest(
        R"({"schemaVersion":2,"manifests":[)" + entry +
            R"("annotations":{"vnd.docker.reference.type":"attestation-manifest","n":5},)"
            R"("platform":{"architecture":"unknown","os":"unknown"}},)" +
            entry +
            R"("artifactType":"a/b","platform":{"os":"linux","architecture":"arm","variant":"v7",)"
            R"("os.version":"1"}}]})",
        kOciIndex);
    ASSERT_OK(parsed);
    const auto& index = std::get<Index>(*parsed);
    EXPECT_EQ(index.media_type, kOciIndex);
    EXPECT_EQ(index.entries[0].annotations,
              (std::map<std::string, std::string>{{"vnd.docker.reference.type", "attestation-manifest"}}));
    EXPECT_EQ(index.entries[1].platform, (Platform{"linux", "arm", "v7", "1"}));
    EXPECT_EQ(index.entries[1].artifact_type, "a/b");
    EXPECT_ERROR(choose_platform(index, parse_platform("linux/amd64").value()), Errc::not_found,
                 "(there is: linux/arm/v7)");
}

TEST(Manifest, ArtifactsAreReadInBothForms) {
    const std::string subject = R"(,"artifactType":"application/spdx+json","subject":)" + kDescriptor;
    const auto image_form =
        parse_manifest(R"({"config":)" + kDescriptor + R"(,"layers":[])" + subject + "}", kOciManifest);
    ASSERT_OK(image_form);
    EXPECT_EQ(std::get<Manifest>(*image_form).artifact_type, "application/spdx+json");
    EXPECT_EQ(std::get<Manifest>(*image_form).subject->size, 5u);
    const auto own_form = parse_manifest(R"({"blobs":[)" + kDescriptor + "]" + subject + "}", kOciArtifact);
    ASSERT_OK(own_form);
    EXPECT_EQ(std::get<Artifact>(*own_form).blobs.size(), 1u);
    EXPECT_EQ(std::get<Artifact>(*own_form).subject->digest.to_string(), kDigest);
    EXPECT_ERROR(parse_manifest(R"({"blobs":5})", kOciArtifact), Errc::protocol, "without blobs");
    EXPECT_ERROR(parse_manifest(R"({"blobs":[],"subject":"x"})", kOciArtifact), Errc::protocol, "subject");
}

TEST(Platform, IsOsArchitectureAndVariant) {
    EXPECT_EQ(parse_platform("linux/arm/v7")->to_string(), "linux/arm/v7");
    EXPECT_EQ(parse_platform("linux/amd64")->to_string(), "linux/amd64");
    for (const char* text : {"", "linux", "linux/", "/amd64", "linux/arm/v7/x", "Linux/amd64", "linux/a b"})
        EXPECT_ERROR(parse_platform(text), Errc::invalid_input, "is none") << text;
}

TEST(Manifest, ForeignLayersAreKnownByTheirType) {
    EXPECT_TRUE(is_foreign_layer("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"));
    EXPECT_TRUE(is_foreign_layer("application/vnd.oci.image.layer.nondistributable.v1.tar"));
    EXPECT_FALSE(is_foreign_layer("application/vnd.docker.image.rootfs.diff.tar.gzip"));
}

}  // namespace
}  // namespace synchost::registry
