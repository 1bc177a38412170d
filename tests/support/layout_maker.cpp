#include "support/layout_maker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "registry-client/manifest.hpp"

namespace synchost::test {
namespace {

constexpr const char* kLayer = "application/vnd.oci.image.layer.v1.tar+gzip";

std::string noise(std::size_t size, const std::string& seed) {
    std::string out(size, '\0');
    std::seed_seq words(seed.begin(), seed.end());
    std::mt19937 random(words);
    std::ranges::generate(out, [&] { return static_cast<char>(random()); });
    return out;
}

std::string must(std::vector<std::string> argv) {
    auto out = check_output({.argv = std::move(argv)}, Errc::io);
    EXPECT_TRUE(out) << out.error().message;
    return out.value_or("");
}

std::string platform_json(const std::string& text) {
    const auto platform = registry::parse_platform(text).value();
    std::string out = R"("os":")" + platform.os + R"(","architecture":")" + platform.architecture + '"';
    if (!platform.variant.empty()) out += R"(,"variant":")" + platform.variant + '"';
    return out;
}

}  // namespace

LayoutMaker::LayoutMaker(const LayoutOptions& options) : folder_(TempDir::make("layout").value()) {
    EXPECT_TRUE(make_folders(folder() / "blobs/sha256"));
    std::string entries;
    for (const std::string& platform : options.platforms) {
        if (!entries.empty()) entries += ',';
        entries += image(platform, options.layer_bytes);
    }
    if (options.attestation) entries += "," + attestation();
    std::string root = entries;
    if (options.platforms.size() > 1 || options.attestation) {
        root_bytes_ = R"({"schemaVersion":2,"mediaType":")" + std::string(registry::kOciIndex) +
                      R"(","manifests":[)" + entries + R"(],"annotations":{"made":"by the test"}})";
        root = store(root_bytes_, std::string(registry::kOciIndex));
    }
    root_ = sha256(root_bytes_);
    EXPECT_TRUE(write_file_atomic(folder() / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
    EXPECT_TRUE(
        write_file_atomic(folder() / "index.json", R"({"schemaVersion":2,"manifests":[)" + root + "]}"));
}

std::string LayoutMaker::store(const std::string& bytes, const std::string& type, const std::string& extra) {
    const Digest digest = sha256(bytes);
    EXPECT_TRUE(write_file_atomic(folder() / "blobs/sha256" / digest.hex(), bytes));
    return R"({"mediaType":")" + type + R"(","digest":")" + digest.to_string() + R"(","size":)" +
           std::to_string(bytes.size()) + extra + "}";
}

std::string LayoutMaker::image(const std::string& platform, std::size_t layer_bytes) {
    const TempDir work = TempDir::make("layer").value();
    std::string layers;
    std::string diff_ids;
    for (const char* name : {"first", "second"}) {
        const auto file = work.path() / name;
        // The first layer is the same for every platform.
        const std::string seed = std::string(name) == "first" ? name : name + platform;
        EXPECT_TRUE(write_file_atomic(file, noise(layer_bytes, seed)));
        const std::string tar = (work.path() / "layer.tar").native();
        must({"tar", "-C", work.path().native(), "--owner=0", "--group=0", "--mtime=@0", "-cf", tar, name});
        const std::string diff_id = sha256(read_file(tar).value()).to_string();
        must({"gzip", "-n", "-f", tar});
        if (!layers.empty()) layers += ',';
        layers += store(read_file(tar + ".gz").value(), kLayer);
        if (images_.empty()) diff_ids_.push_back(diff_id);
        diff_ids += (diff_ids.empty() ? "\"" : ",\"") + diff_id + '"';
        std::filesystem::remove(file);
    }
    const std::string config =
        store("{" + platform_json(platform) +
                  R"(,"config":{"Cmd":["/first"]},"rootfs":{"type":"layers","diff_ids":[)" + diff_ids + "]}}",
              std::string(registry::kOciConfig));
    root_bytes_ = R"({"schemaVersion":2,"mediaType":")" + std::string(registry::kOciManifest) +
                  R"(","config":)" + config + R"(,"layers":[)" + layers + "]}";
    images_.push_back(sha256(root_bytes_));
    return store(root_bytes_, std::string(registry::kOciManifest),
                 R"(,"platform":{)" + platform_json(platform) + "}");
}

// docs.docker.com/build/metadata/attestations/attestation-storage: an image of in-toto statements.
std::string LayoutMaker::attestation() {
    const std::string statement =
        store(R"({"_type":"https://in-toto.io/Statement/v0.1"})", "application/vnd.in-toto+json");
    const std::string config = store(
        R"({"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}})",
        std::string(registry::kOciConfig));
    return store(R"({"schemaVersion":2,"mediaType":")" + std::string(registry::kOciManifest) +
                     R"(","config":)" + config + R"(,"layers":[)" + statement + "]}",
                 std::string(registry::kOciManifest),
                 R"(,"annotations":{"vnd.docker.reference.type":"attestation-manifest",)"
                 R"("vnd.docker.reference.digest":")" +
                     images_.front().to_string() +
                     R"("},"platform":{"os":"unknown","architecture":"unknown"})");
}

}  // namespace synchost::test
