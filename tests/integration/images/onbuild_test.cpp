// ONBUILD triggers that an image brings from a registry.
#include <gmock/gmock.h>

#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using test::RegistryServer;
using testing::HasSubstr;
using testing::Not;

class Onbuild : public testing::Test {
  protected:
    void SetUp() override {
        auto server = RegistryServer::start({.in_memory = true});
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
    }
    BuildTools tools() { return {.store = store_.path(), .registries = &connector_}; }
    void push_base(std::string_view dockerfile) {
        context_.file("Dockerfile", dockerfile);
        const auto image = build({.context = context_.path()}, tools());
        ASSERT_OK(image);
        ASSERT_OK(push(*image, registry::Reference::parse(base()).value(), tools()));
    }
    [[nodiscard]] std::string base() const { return server_->address() + "/base"; }
    Result<Image> on_base(std::string_view after, std::string_view before = "") {
        context_.file("Dockerfile", std::string(before) + "FROM " + base() + "\n" + std::string(after));
        return build({.context = context_.path()}, tools());
    }

    std::optional<RegistryServer> server_;
    registry::Connector connector_;
    TempDir store_ = TempDir::make("store").value();
    ImageContext context_;
};

TEST_F(Onbuild, TriggersOfAnImageRunAfterFromAndAreCleared) {
    push_base(
        "FROM scratch\nENV V=base\nONBUILD ENV W=$V\nONBUILD COPY <<E /note\n$W\nE\nONBUILD COPY f /app/\n");
    context_.file("f", "1");
    const auto image = on_base("ENV V=mine\nLABEL w=$W\n");
    ASSERT_OK(image);
    EXPECT_EQ(image->run.labels.at("w"), "base");
    EXPECT_THAT(image->config, Not(HasSubstr("OnBuild")));
    EXPECT_EQ(image->layers.size(), 2u);
    ASSERT_EQ(image->copied.size(), 1u);
    EXPECT_EQ(image->copied[0].image_path, "/app/f");
}

TEST_F(Onbuild, ATriggerMayNeedAStageThatNothingElseNeeds) {
    push_base("FROM scratch\nONBUILD COPY --from=assets /out /out\n");
    const auto image =
        on_base("", "FROM scratch AS below\nCOPY Dockerfile /out/d\nFROM below AS assets\nLABEL a=b\n");
    ASSERT_OK(image);
    EXPECT_EQ(image->layers.size(), 1u);
    EXPECT_TRUE(image->run.labels.empty());
}

TEST_F(Onbuild, ATraceKnowsWhatTheImageOfTheLastBuildSays) {
    push_base("FROM scratch\nENV DIR=sub\nWORKDIR /srv\nONBUILD COPY f ./$DIR/\n");
    context_.file("f", "1").file("g", "2");
    const auto image = on_base("COPY g .\n");
    ASSERT_OK(image);
    const auto places = [](const std::vector<CopiedPath>& copied) {
        std::vector<std::string> out;
        for (const CopiedPath& path : copied) out.push_back(path.source + " " + path.image_path);
        return out;
    };
    const auto traced = trace({.context = context_.path(), .base_configs = image->base_configs});
    ASSERT_OK(traced);
    EXPECT_THAT(places(traced->copied), testing::ElementsAre("g /srv/g", "f /srv/sub/f"));
    EXPECT_EQ(places(traced->copied), places(image->copied));
    EXPECT_EQ(traced->managed_paths, image->managed_paths);
}

TEST_F(Onbuild, AnErrorNamesTheFromLineTheImageAndTheTrigger) {
    push_base("FROM scratch\nONBUILD COPY missing.txt /\n");
    EXPECT_ERROR(on_base("", "FROM scratch AS unneeded\n"), Errc::invalid_input,
                 "Dockerfile:2: ONBUILD of " + base() +
                     " (COPY missing.txt /): COPY: missing.txt does not exist in the build context");
}

}  // namespace
}  // namespace synchost::images
