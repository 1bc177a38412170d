#include "registry-client/oci_layout.hpp"

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

class Layout : public testing::Test {
  protected:
    // Stores the bytes and returns their descriptor as JSON, with `extra` in it.
    std::string store(const std::string& bytes, std::string_view type, const std::string& extra = "") {
        const Digest digest = sha256(bytes);
        EXPECT_OK(make_folders(blobs()));
        EXPECT_OK(write_file_atomic(blobs() / digest.hex(), bytes));
        return R"({"mediaType":")" + std::string(type) + R"(","digest":")" + digest.to_string() +
               R"(","size":)" + std::to_string(bytes.size()) + extra + "}";
    }
    void index(const std::string& entries) {
        EXPECT_OK(write_file_atomic(folder_.path() / "index.json",
                                    R"({"schemaVersion":2,"manifests":[)" + entries + "]}"));
    }
    static std::string named(const std::string& name) {
        return R"(,"annotations":{"org.opencontainers.image.ref.name":")" + name + "\"}";
    }
    [[nodiscard]] std::filesystem::path blobs() const { return folder_.path() / "blobs/sha256"; }
    [[nodiscard]] auto open(const std::string& tag) const { return source_in_layout(folder_.path(), tag); }

    TempDir folder_ = TempDir::make("layout").value();
    const std::string first_ = R"({"config":)" + store("{}", kOciConfig) + R"(,"layers":[]})";
    const std::string second_ = R"({"config":)" + store("{ }", kOciConfig) + R"(,"layers":[]})";
};

TEST_F(Layout, TheOnlyImageNeedsNoName) {
    index(store(first_, kOciManifest));
    const auto source = open("");
    ASSERT_OK(source);
    const auto root = (*source)->root();
    ASSERT_OK(root);
    EXPECT_EQ(root->bytes, first_);
    EXPECT_EQ(root->media_type, kOciManifest);
    const TransferBlob config = (*source)->blob(std::get<Manifest>(root->document).config);
    EXPECT_EQ(config.file, blobs() / sha256("{}").hex());
}

TEST_F(Layout, OfSeveralOneIsNamed) {
    index(store(first_, kOciManifest, named("v1")) + "," + store(second_, kOciManifest, named("v2")));
    EXPECT_EQ((*open("v2"))->root()->bytes, second_);
    EXPECT_ERROR(open(""), Errc::invalid_input, "several images: v1, v2");
    EXPECT_ERROR(open("v3"), Errc::not_found, "no image is called v3 (there is: v1, v2)");
}

TEST_F(Layout, WhatIsNoLayoutSaysSo) {
    EXPECT_ERROR(open(""), Errc::invalid_input, "is no OCI image layout");
    index("");
    EXPECT_ERROR(open(""), Errc::not_found, "it holds no image");
    EXPECT_OK(write_file_atomic(folder_.path() / "index.json", "["));
    EXPECT_ERROR(open(""), Errc::protocol, "index.json");
}

TEST_F(Layout, DamagedManifestsAreRefused) {
    index(store(first_, kOciManifest));
    EXPECT_OK(write_file_atomic(blobs() / sha256(first_).hex(), second_));
    EXPECT_ERROR((*open(""))->root(), Errc::protocol, "not the one that its digest names");
}

}  // namespace
}  // namespace synchost::registry
