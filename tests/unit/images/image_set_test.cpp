#include "images/image_set.hpp"

#include <gmock/gmock.h>

#include "images/config/image_config.hpp"
#include "images/config/platform.hpp"
#include "images/exec/can_run_here.hpp"
#include "images/output/output.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::ElementsAre;
using testing::HasSubstr;

class Platforms : public testing::Test {
  protected:
    Result<ImageSet> built(const std::string& dockerfile, const std::vector<std::string>& platforms,
                           std::map<std::string, std::string> args = {}) {
        ImageContext context;
        context.file("Dockerfile", dockerfile);
        TRY_ASSIGN(const auto wanted, parse_build_platforms(platforms));
        return build_each(
            {.context = context.path(), .build_args = std::move(args)}, wanted,
            {.store = store_.path(), .progress = [this](const std::string& line) { told_.push_back(line); }});
    }
    std::vector<std::string> told_;
    TempDir store_ = TempDir::make("store").value();
};

std::string platform_text(const Image& image) {
    const auto config = parse_image_config(image.config);
    return config ? config->os + "/" + config->architecture + "/" + config->variant : "none";
}

TEST_F(Platforms, EachBuildHasItsOwnArgumentsAndConfig) {
    const auto set = built(
        "FROM scratch\nARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM BUILDVARIANT\n"
        "LABEL v=$TARGETPLATFORM,$TARGETOS,$TARGETARCH,$TARGETVARIANT,$BUILDPLATFORM\n",
        {"linux/amd64,linux/arm", "linux/arm64/v8"});
    ASSERT_OK(set);
    ASSERT_EQ(set->images.size(), 3u);
    const std::string here = normal_platform(registry::host_platform()).to_string();
    EXPECT_EQ(set->images[0].run.labels.at("v"), "linux/amd64,linux,amd64,," + here);
    EXPECT_EQ(set->images[1].run.labels.at("v"), "linux/arm/v7,linux,arm,v7," + here);
    EXPECT_EQ(set->images[2].run.labels.at("v"), "linux/arm64,linux,arm64,," + here);
    EXPECT_EQ(platform_text(set->images[0]), "linux/amd64/");
    EXPECT_EQ(platform_text(set->images[1]), "linux/arm/v7");
    EXPECT_EQ(platform_text(set->images[2]), "linux/arm64/");
}

TEST_F(Platforms, TheIndexSaysOfEachImageWhatItIs) {
    const auto set = built("FROM scratch\nCOPY Dockerfile /\n", {"linux/amd64,linux/arm/v6"});
    ASSERT_OK(set);
    EXPECT_EQ(set->root().media_type, registry::kOciIndex);
    EXPECT_EQ(set->root().digest, sha256(set->index));
    EXPECT_THAT(set->index, Not(HasSubstr("annotations")));
    const auto parsed = registry::parse_manifest(set->index, "");
    ASSERT_OK(parsed);
    const auto& index = std::get<registry::Index>(*parsed);
    ASSERT_EQ(index.entries.size(), 2u);
    for (std::size_t at = 0; at < 2; ++at) {
        EXPECT_EQ(index.entries[at].manifest.digest, set->images[at].digest);
        EXPECT_EQ(index.entries[at].manifest.size, set->images[at].manifest.size());
    }
    EXPECT_EQ(index.entries[0].platform.to_string(), "linux/amd64");
    EXPECT_EQ(index.entries[1].platform.to_string(), "linux/arm/v6");
    EXPECT_EQ(set->index, built("FROM scratch\nCOPY Dockerfile /\n", {"linux/amd64,linux/arm/v6"})->index);
}

TEST_F(Platforms, OneImageNeedsNoIndex) {
    const auto one = built("FROM scratch\nLABEL a=b\n", {"linux/s390x"});
    ASSERT_OK(one);
    EXPECT_EQ(one->index, "");
    EXPECT_EQ(one->root().digest, one->images.at(0).digest);
    EXPECT_EQ(platform_text(one->images[0]), "linux/s390x/");
    const auto here = built("FROM scratch\nLABEL a=b\n", {});
    ASSERT_OK(here);
    EXPECT_EQ(platform_of(here->images.at(0))->to_string(),
              normal_platform(registry::host_platform()).to_string());
    EXPECT_ERROR(make_image_set({}), Errc::invalid_input, "no images");
}

TEST_F(Platforms, TwoImagesForOnePlatformAreRefused) {
    const auto one = built("FROM scratch\nLABEL a=b\n", {"linux/s390x"});
    const auto two = built("FROM scratch\nLABEL a=c\n", {"linux/s390x"});
    ASSERT_OK(one);
    ASSERT_OK(two);
    EXPECT_ERROR(make_image_set({one->images[0], two->images[0]}), Errc::conflict, "linux/s390x");
}

TEST_F(Platforms, LinesAndErrorsSayWhichBuild) {
    ASSERT_OK(built("FROM scratch\nCOPY Dockerfile /\n", {"linux/amd64,linux/arm64"}));
    EXPECT_THAT(
        told_, ElementsAre(HasSubstr("[linux/amd64] Dockerfile:2"), HasSubstr("[linux/arm64] Dockerfile:2")));
    EXPECT_ERROR(built("FROM scratch\nCOPY none /\n", {"linux/amd64,linux/arm64"}), Errc::invalid_input,
                 "linux/amd64: Dockerfile:2");
}

TEST_F(Platforms, ARunForAnotherMachineIsRefusedAtItsLine) {
    const std::string other =
        registry::host_platform().architecture == "s390x" ? "linux/mipsle" : "linux/s390x";
    if (can_run_here(*registry::parse_platform(other))) GTEST_SKIP() << "this machine emulates " << other;
    EXPECT_ERROR(built("FROM scratch\nCOPY Dockerfile /\nRUN [\"/x\"]\n", {other}), Errc::unsupported,
                 "Dockerfile:3: RUN for " + other);
}

TEST_F(Platforms, DockerArchivesHoldOneAlone) {
    const Output docker{.kind = OutputKind::docker_archive, .dest = "/nowhere/x.tar"};
    EXPECT_OK(check_output_for(docker, 1));
    EXPECT_OK(check_output_for(docker, 0));
    EXPECT_ERROR(check_output_for(docker, 2), Errc::unsupported, "one platform");
    EXPECT_OK(check_output_for({.kind = OutputKind::oci_archive, .dest = "x"}, 2));
    const auto set = built("FROM scratch\nLABEL a=b\n", {"linux/amd64,linux/arm64"});
    ASSERT_OK(set);
    EXPECT_ERROR(write_output(*set, docker, {}, {.store = store_.path()}), Errc::unsupported, "one platform");
}

}  // namespace
}  // namespace synchost::images
