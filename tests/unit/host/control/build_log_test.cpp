#include "host/control/build_log.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::uint64_t> ids(const std::vector<const BuildRecord*>& builds) {
    std::vector<std::uint64_t> out;
    for (const BuildRecord* one : builds) out.push_back(one->id);
    return out;
}

TEST(BuildLog, KeepsTheLastOfEachImage) {
    BuildLog log;
    EXPECT_EQ(log.add({.image = "b", .steps = {}}), 1u);
    for (std::size_t i = 0; i < BuildLog::kPerImage + 2; ++i) log.add({.image = "a", .steps = {}});
    EXPECT_EQ(log.list("a").size(), BuildLog::kPerImage);
    EXPECT_EQ(log.list("a").front()->id, 4u);
    EXPECT_THAT(ids(log.list("b")), ElementsAre(1u));
    EXPECT_EQ(log.list("").size(), BuildLog::kPerImage + 1);
    EXPECT_THAT(log.list("c"), IsEmpty());
    EXPECT_EQ(log.update(2, [](BuildRecord&) { FAIL(); }), nullptr);
    log.keep_only([](const std::string& image) { return image == "b"; });
    EXPECT_THAT(ids(log.list("")), ElementsAre(1u));
}

TEST(BuildLog, ABuildThatEndsSaysMore) {
    BuildLog log;
    const auto id = log.add({.image = "a", .steps = {}});
    EXPECT_EQ(nlohmann::json::parse(to_json(*log.list("").front())).at("outcome"), "running");
    const BuildRecord* ended = log.update(id, [](BuildRecord& one) {
        one.state = BuildState::failed;
        one.error = "Dockerfile:1: \xff";
        one.steps = {{.line = 4, .text = "RUN echo", .why = {}},
                     {.line = 5, .text = "RUN exit 1", .failed = true, .why = {}}};
    });
    ASSERT_NE(ended, nullptr);
    const auto json = nlohmann::json::parse(builds_json(log.list("")));
    EXPECT_EQ(json.at("builds").at(0).at("outcome"), "failed");
    EXPECT_EQ(json.at("builds").at(0).at("error"), "Dockerfile:1: \xef\xbf\xbd");
    const auto& steps = json.at("builds").at(0).at("steps");
    EXPECT_EQ(steps.at(0).at("failed"), false);
    EXPECT_EQ(steps.at(1).at("failed"), true);
}

}  // namespace
}  // namespace synchost::host
