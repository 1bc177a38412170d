#include "images/config/image_config.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ImageConfig, CarriesAlongWhatItDoesNotKnow) {
    auto config =
        parse_image_config(R"({"architecture":"amd64","os":"linux","config":{"Env":["A=1"],"Cmd":["x"],
        "Healthcheck":{"Test":["NONE"]}},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created_by":"base"}]})");
    ASSERT_OK(config);
    config->set_env("A", "2");
    config->set_env("B", "3");
    config->history.push_back({"ENV A=2", true});
    const std::string out = to_json(*config, 86'400);
    EXPECT_THAT(out, HasSubstr(R"("Healthcheck":{"Test":["NONE"]})"));
    EXPECT_THAT(out, HasSubstr(R"("Env":["A=2","B=3"])"));
    EXPECT_THAT(
        out,
        HasSubstr(
            R"([{"created_by":"base"},{"comment":"synchost","created":"1970-01-02T00:00:00Z","created_by":"ENV A=2","empty_layer":true}])"));
    const auto again = parse_image_config(out);
    ASSERT_OK(again);
    EXPECT_THAT(again->env, ElementsAre("A=2", "B=3"));
    EXPECT_EQ(again->env_value("B"), "3");
    EXPECT_EQ(again->env_value("C"), std::nullopt);
}

TEST(ImageConfig, ScratchHasAPathAndNoLayersAsAnArray) {
    const std::string out = to_json(scratch_config(), 0);
    EXPECT_THAT(out, HasSubstr("PATH=/usr/local/sbin:"));
    EXPECT_THAT(out, HasSubstr(R"("diff_ids":[])"));
    EXPECT_THAT(manifest_json({"t", sha256(""), 0}, {}), HasSubstr(R"("layers":[])"));
}

TEST(ImageConfig, RefusesWhatIsNone) {
    EXPECT_ERROR(parse_image_config("x"), Errc::protocol, "JSON");
    EXPECT_ERROR(parse_image_config(R"({"config":{"Env":"x"}})"), Errc::protocol, "Env");
    EXPECT_ERROR(parse_image_config(R"({"config":{"Cmd":[1]}})"), Errc::protocol, "Cmd");
    EXPECT_ERROR(parse_image_config(R"({"rootfs":{"diff_ids":["x"]}})"), Errc::protocol, "sha256");
    EXPECT_ERROR(parse_image_config(R"({"config":{"OnBuild":[1]}})"), Errc::protocol, "OnBuild");
    EXPECT_EQ(parse_image_config(R"({"config":{"OnBuild":["RUN x"]}})")->on_build.at(0), "RUN x");
    EXPECT_OK(parse_image_config("{}"));
}

}  // namespace
}  // namespace synchost::images
