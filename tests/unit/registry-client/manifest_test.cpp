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
    EXPECT_OK(choose_platform(index, {"linux", "arm64"}));
    EXPECT_ERROR(choose_platform(index, {"linux", "amd64"}), Errc::not_found, "linux/s390x, linux/arm64");
}

}  // namespace
}  // namespace synchost::registry
