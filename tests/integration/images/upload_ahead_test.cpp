// Layers that go to a registry while they are made: what arrives, what is told of it, and that nothing hangs
// on it when the registry or the build fails.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using registry::BlobStep;
using test::ImageContext;
using test::RegistryServer;
using testing::HasSubstr;

std::string noise(std::size_t size) {
    std::mt19937_64 random(size);
    std::string out(size, '\0');
    for (char& byte : out) byte = static_cast<char>(random());
    return out;
}

class Ahead : public testing::Test {
  protected:
    void SetUp() override {
        auto server = RegistryServer::start();
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
        target_ = registry::Reference::parse(server_->address() + "/app:1").value();
        ahead_.emplace(connector_, *target_);
        context_.file("big", noise(12 << 20)).file("small", "s");
    }
    BuildTools tools() { return {.store = store_.path(), .registries = &connector_, .ahead = &*ahead_}; }
    Result<Image> build_of(const std::string& dockerfile) {
        context_.file("Dockerfile", dockerfile);
        return build({.context = context_.path()}, tools());
    }
    [[nodiscard]] std::ptrdiff_t count(const std::string& start) const {
        return std::ranges::count_if(server_->requests(),
                                     [&](const std::string& line) { return line.starts_with(start); });
    }
    void is_in_the_registry(const Image& image) {
        const TempDir copy = TempDir::make("copy").value();
        EXPECT_OK(check_output(
            {.argv = {"skopeo", "copy", "--src-tls-verify=false", "docker://" + target_->to_string(),
                      "dir:" + (copy.path() / "image").string()}},
            Errc::registry));
        EXPECT_EQ(sha256(read_file(copy.path() / "image/manifest.json").value()), image.digest);
    }

    registry::Connector connector_;
    std::optional<RegistryServer> server_;
    std::optional<registry::Reference> target_;
    std::optional<UploadAhead> ahead_;
    TempDir store_ = TempDir::make("store").value();
    ImageContext context_;
};

TEST_F(Ahead, ALargeLayerIsThereWhenThePushBegins) {
    const auto image = build_of("FROM scratch\nCOPY big /big\nCOPY small /small\n");
    ASSERT_OK(image);
    const Layer& large = image->layers.at(0);
    std::vector<BlobStep> told;
    std::uint64_t moved = 0;
    BuildTools telling = tools();
    telling.transfer_progress = [&](const registry::BlobEvent& event) {
        if (event.digest != large.blob.digest) return;
        EXPECT_EQ(event.size, large.blob.size);
        EXPECT_GE(event.done, event.step == BlobStep::started ? 0 : moved);
        moved = event.done;
        if (told.empty() || told.back() != event.step) told.push_back(event.step);
    };
    const auto report = push(*image, *target_, telling);
    ASSERT_OK(report);
    EXPECT_EQ(report->blobs_sent, 3u);
    EXPECT_EQ(report->blobs_present, 0u);
    EXPECT_GT(report->bytes_sent, large.blob.size);
    ASSERT_GE(told.size(), 2u);
    EXPECT_EQ(told.front(), BlobStep::started);
    EXPECT_EQ(told.back(), BlobStep::sent);
    EXPECT_EQ(moved, large.blob.size);
    EXPECT_EQ(count("HEAD /v2/app/blobs/" + large.blob.digest.to_string()), 0);
    EXPECT_EQ(count("POST "), 3);
    is_in_the_registry(*image);
}

TEST_F(Ahead, AKeptLayerIsAskedForAsEver) {
    ASSERT_OK(build_of("FROM scratch\nCOPY big /big\n"));
    ahead_.emplace(connector_, registry::Reference::parse(server_->address() + "/other:1").value());
    const auto image = build_of("FROM scratch\nCOPY big /big\n");
    ASSERT_OK(image);
    const auto report = push(*image, *target_, tools());
    ASSERT_OK(report);
    EXPECT_EQ(report->blobs_sent, 2u);
    EXPECT_EQ(count("POST /v2/other/"), 0);
    is_in_the_registry(*image);
}

TEST_F(Ahead, LayersOfOtherStagesStayHere) {
    const auto image = build_of(
        "FROM scratch AS made\nCOPY big /big\nFROM scratch\nCOPY --from=made /big /b\nCOPY small /s\n");
    ASSERT_OK(image);
    ASSERT_OK(push(*image, *target_, tools()));
    EXPECT_EQ(count("POST "), 3) << "the layers of the target and the config";
    is_in_the_registry(*image);
}

TEST_F(Ahead, WhatAStageStartsFromIsPartOfTheImage) {
    const auto image = build_of("FROM scratch AS base\nCOPY big /big\nFROM base\nCOPY small /s\n");
    ASSERT_OK(image);
    ASSERT_OK(push(*image, *target_, tools()));
    EXPECT_EQ(count("HEAD /v2/app/blobs/" + image->layers.at(0).blob.digest.to_string()), 0);
    is_in_the_registry(*image);
}

TEST_F(Ahead, ABuildNeedsNoRegistryForIt) {
    server_->kill();
    const auto image = build_of("FROM scratch\nCOPY big /big\n");
    ASSERT_OK(image);
    const auto failed = push(*image, *target_, tools());
    ASSERT_FALSE(failed.has_value());
    EXPECT_THAT(failed.error().message, HasSubstr(server_->address()));
    EXPECT_THAT(failed.error().next_step, HasSubstr("Check that the registry runs there"));
    ASSERT_OK(server_->start_again());
    target_ = registry::Reference::parse(server_->address() + "/app:1").value();
    const auto report = push(*image, *target_, tools());
    ASSERT_OK(report);
    EXPECT_EQ(report->blobs_sent, 2u);
    is_in_the_registry(*image);
}

TEST_F(Ahead, AFailedBuildGivesItsLayersUp) {
    const auto failed = build_of("FROM scratch\nCOPY big /big\nCOPY nothing /n\n");
    ASSERT_FALSE(failed.has_value());
    ahead_.reset();
    EXPECT_EQ(count("PUT /v2/app/manifests/"), 0);
}

}  // namespace
}  // namespace synchost::images
