#include "host/engine/mirror.hpp"

#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using protocol::GenerationId;

Node file(const std::string& source, const std::string& content = {}) {
    Node node{.source = source, .mode = 0644};
    if (!content.empty()) node.hash = xxh3(content);
    return node;
}

class MirrorTest : public testing::Test {
  protected:
    void SetUp() override {
        mirror_.reset({{"/srv/a", file("a")}, {"/srv/b", file("b")}, {"/srv/copy-of-a", file("a")}},
                      {"/srv/"});
    }
    [[nodiscard]] std::vector<std::string> changed_since(GenerationId from) const {
        std::vector<std::string> paths;
        for (const Mirror::Changed& changed : mirror_.changed_since(from))
            paths.push_back(changed.image_path);
        return paths;
    }
    Mirror mirror_;
};

TEST_F(MirrorTest, StartsAtTheImageWithNothingToSend) {
    EXPECT_EQ(mirror_.generation(), GenerationId{0});
    EXPECT_TRUE(changed_since(GenerationId{0}).empty());
}

TEST_F(MirrorTest, KnowsEveryImagePathOfASource) {
    EXPECT_EQ(mirror_.image_paths_of("a"), (std::vector<std::string>{"/srv/a", "/srv/copy-of-a"}));
    EXPECT_TRUE(mirror_.image_paths_of("c").empty());
}

TEST_F(MirrorTest, AContainerGetsTheUnionOfWhatItMissed) {
    EXPECT_EQ(mirror_.advance({.put = {{"/srv/a", file("a", "1")}}}), GenerationId{1});
    EXPECT_EQ(mirror_.advance({.put = {{"/srv/c", file("c", "2")}}, .removed = {"/srv/b"}}), GenerationId{2});
    EXPECT_EQ(changed_since(GenerationId{0}), (std::vector<std::string>{"/srv/a", "/srv/b", "/srv/c"}));
    EXPECT_EQ(changed_since(GenerationId{1}), (std::vector<std::string>{"/srv/b", "/srv/c"}));
    EXPECT_TRUE(changed_since(GenerationId{2}).empty());
    EXPECT_FALSE(mirror_.nodes().contains("/srv/b"));
    EXPECT_EQ(mirror_.image_paths_of("c"), (std::vector<std::string>{"/srv/c"}));
    EXPECT_TRUE(mirror_.image_paths_of("b").empty());
}

TEST_F(MirrorTest, KnowsWhatAContainerMissedOfGenerationsTooLargeToLog) {
    TreeUpdate many;
    for (int i = 0; i < 20'000; ++i)
        many.put["/srv/many/" + std::to_string(i)] = file("x" + std::to_string(i));
    mirror_.advance({.put = {{"/srv/a", file("a", "1")}}, .removed = {"/srv/b"}});
    mirror_.advance(std::move(many));
    mirror_.advance({.put = {{"/srv/c", file("c", "1")}}, .removed = {"/srv/many/7"}});
    mirror_.advance({.put = {{"/srv/b", file("b", "2")}}});
    EXPECT_EQ(changed_since(GenerationId{3}), (std::vector<std::string>{"/srv/b"}));
    EXPECT_EQ(changed_since(GenerationId{2}), (std::vector<std::string>{"/srv/b", "/srv/c", "/srv/many/7"}));
    EXPECT_EQ(changed_since(GenerationId{1}).size(), 20'002u);
    const auto all = changed_since(GenerationId{0});
    EXPECT_EQ(all.size(), 20'003u);
    EXPECT_EQ(all.front(), "/srv/a");
}

TEST_F(MirrorTest, SaysWhatAContainerHasOfAChangedFile) {
    mirror_.advance({.put = {{"/srv/a", file("a", "1")}, {"/srv/c", file("c", "1")}}});
    mirror_.advance({.put = {{"/srv/a", file("a", "2")}}, .removed = {"/srv/b"}});
    const auto since_1 = mirror_.changed_since(GenerationId{1});
    ASSERT_EQ(since_1.size(), 2u);
    EXPECT_EQ(since_1[0].had, xxh3("1"));
    EXPECT_EQ(since_1[1].had, std::nullopt) << "removed";
    const auto since_0 = mirror_.changed_since(GenerationId{0});
    ASSERT_EQ(since_0.size(), 3u);
    EXPECT_EQ(since_0[0].had, std::nullopt) << "the image's content was never read";
    EXPECT_EQ(since_0[2].had, std::nullopt) << "it was not there";
}

TEST_F(MirrorTest, LearnsWhatWasReallySent) {
    mirror_.advance({.put = {{"/srv/a", file("a", "1")}, {"/srv/b", file("b", "1")}}});
    mirror_.advance({.put = {{"/srv/b", file("b", "2")}}});
    mirror_.learn({{"/srv/a", GenerationId{1}, xxh3("1 and more")},
                   {"/srv/b", GenerationId{1}, xxh3("1")},
                   {"/srv/none", GenerationId{1}, xxh3("x")}});
    EXPECT_EQ(mirror_.nodes().at("/srv/a").hash, xxh3("1 and more"));
    EXPECT_EQ(mirror_.nodes().at("/srv/b").hash, std::nullopt) << "of a version that was replaced meanwhile";
}

TEST_F(MirrorTest, KnowsNoNumbersOfAnEarlierRun) {
    EXPECT_TRUE(mirror_.skip_to(GenerationId{41}));
    EXPECT_FALSE(mirror_.skip_to(GenerationId{41}));
    EXPECT_TRUE(mirror_.knows(GenerationId{0}));
    EXPECT_FALSE(mirror_.knows(GenerationId{40}));
    EXPECT_TRUE(mirror_.knows(GenerationId{41}));
}

TEST_F(MirrorTest, TakesAPlanInEvenWhereNothingChanged) {
    EXPECT_EQ(mirror_.plan(), std::nullopt);
    mirror_.advance({.plan = CopyPlan{.inputs = xxh3("a Dockerfile")}});
    EXPECT_EQ(mirror_.plan()->inputs, xxh3("a Dockerfile"));
    EXPECT_EQ(mirror_.generation(), GenerationId{0});
}

TEST_F(MirrorTest, ALookThatFoundNothingIsNoGeneration) {
    EXPECT_EQ(mirror_.advance({.refreshed = {{"/srv/a", file("a", "1")}}}), std::nullopt);
    EXPECT_EQ(mirror_.generation(), GenerationId{0});
    EXPECT_EQ(mirror_.nodes().at("/srv/a").hash, xxh3("1"));
}

TEST_F(MirrorTest, KeepsTheContentOfTheNewestGenerationOnly) {
    const auto content = std::make_shared<const std::string>("1");
    mirror_.advance({.put = {{"/srv/a", file("a", "1")}}, .contents = {{"/srv/a", content}}});
    EXPECT_EQ(mirror_.recent_content("/srv/a"), content);
    mirror_.advance({.put = {{"/srv/b", file("b", "2")}}});
    EXPECT_EQ(mirror_.recent_content("/srv/a"), nullptr);
}

TEST_F(MirrorTest, ANewBuildBeginsAtZeroAgain) {
    mirror_.advance({.removed = {"/srv/b"}});
    mirror_.reset({{"/srv/a", file("a")}}, {"/srv/"});
    EXPECT_EQ(mirror_.generation(), GenerationId{0});
    EXPECT_TRUE(changed_since(GenerationId{0}).empty());
}

TEST_F(MirrorTest, NumbersGoOnAfterThoseOfAnEarlierRun) {
    EXPECT_TRUE(mirror_.skip_to(GenerationId{41}));
    EXPECT_EQ(mirror_.advance({.removed = {"/srv/b"}}), GenerationId{42});
    EXPECT_EQ(changed_since(GenerationId{41}), (std::vector<std::string>{"/srv/b"}));
}

TEST(Place, TheLongestManagedPathWins) {
    const std::vector<std::string> managed = {"/srv/", "/srv/app/", "/etc/app.conf"};
    EXPECT_EQ(place("/srv/app/x/y", managed)->root, 1);
    EXPECT_EQ(place("/srv/app/x/y", managed)->path.str(), "x/y");
    EXPECT_EQ(place("/srv/z", managed)->root, 0);
    EXPECT_EQ(place("/etc/app.conf", managed)->root, 2);
    EXPECT_EQ(place("/etc/app.conf", managed)->path.str(), "app.conf");
}

TEST(Place, WhatNoManagedPathCoversIsNotOurs) {
    EXPECT_FALSE(place("/etc/passwd", {"/srv/", "/etc/app.conf"}));
    EXPECT_FALSE(place("/etc/app.conf.d/x", {"/etc/app.conf"}));
    EXPECT_FALSE(place("/srvx/a", {"/srv/"}));
    EXPECT_FALSE(place("/srv/", {"/srv/"}));
    EXPECT_FALSE(place("/srv/../etc/passwd", {"/srv/"}));
}

}  // namespace
}  // namespace synchost::host
