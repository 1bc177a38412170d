#include "host/steps/step_graph.hpp"

#include <gmock/gmock.h>

#include "host/plan/config.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

StepGraph graph_of(const std::string& steps) {
    auto config = parse_config("images: {api: }\nmanifests: [k8s]\nsteps:\n" + steps, "/p/synchost.yaml");
    EXPECT_OK(config);
    return StepGraph(config ? std::move(config->steps) : std::vector<StepConfig>{});
}

std::vector<std::string> names_of(const StepGraph& graph) {
    std::vector<std::string> names;
    for (const StepConfig& step : graph.steps()) names.push_back(step.name);
    return names;
}

StepConcern concern_of(const std::string& inputs, std::string_view path) {
    return graph_of("  s: {command: [a], inputs: [" + inputs + "], outputs: [ui/dist]}\n").concern(0, path);
}

TEST(StepGraph, PutsEachStepAfterThoseThatItDependsOnAndElseKeepsTheOrder) {
    const auto graph = graph_of(
        "  top: {serve: [a], depends_on: [left, right]}\n"
        "  free: {serve: [a]}\n"
        "  right: {serve: [a], depends_on: [base]}\n"
        "  left: {serve: [a], depends_on: [base]}\n"
        "  base: {serve: [a]}\n");
    EXPECT_THAT(names_of(graph), ElementsAre("free", "base", "right", "left", "top"));
    EXPECT_THAT(graph.depends_on(4), ElementsAre(3U, 2U));
    EXPECT_THAT(graph.dependents(1), ElementsAre(2U, 3U, 4U));
    EXPECT_THAT(graph.dependents(2), ElementsAre(4U));
    EXPECT_THAT(graph.dependents(0), IsEmpty());
}

TEST(StepGraph, ASavedInputIsRead) {
    EXPECT_EQ(concern_of("\"ui/src/**\"", "ui/src/a/b.ts"), StepConcern::reads);
    EXPECT_EQ(concern_of("ui/src", "ui/src/a/b.ts"), StepConcern::reads);
    EXPECT_EQ(concern_of("\"**/*.ts\"", "a.ts"), StepConcern::reads);
    EXPECT_EQ(concern_of("ui/package.json", "ui/package.json"), StepConcern::reads);
}

TEST(StepGraph, AFolderAboveInputsConcernsPerhaps) {
    EXPECT_EQ(concern_of("\"ui/src/**\"", "ui"), StepConcern::perhaps);
    EXPECT_EQ(concern_of("./ui//src/a.ts", "ui/src"), StepConcern::perhaps);
    EXPECT_EQ(concern_of("\"ui/*/a.ts\"", "ui/x"), StepConcern::perhaps);
    EXPECT_EQ(concern_of("\"**/*.ts\"", "README.md"), StepConcern::perhaps);
}

TEST(StepGraph, WhatLiesElsewhereDoesNotConcern) {
    EXPECT_EQ(concern_of("\"ui/src/**\"", "api"), StepConcern::no);
    EXPECT_EQ(concern_of("\"ui/src/**\"", "ui/package.json"), StepConcern::no);
    EXPECT_EQ(concern_of("\"ui/src/**\"", "ui/srcs/a.ts"), StepConcern::no);
    EXPECT_EQ(concern_of("\"ui/src/**\"", "u"), StepConcern::no);
    EXPECT_EQ(concern_of("ui, \"!ui/dist\"", "ui/dist"), StepConcern::no);
}

TEST(StepGraph, AnInputThatAnotherStepWritesConcernsPerhaps) {
    const auto graph = graph_of(
        "  a: {command: [a], inputs: [b.txt], outputs: [gen]}\n  c: {command: [a], inputs: [gen, d.txt]}\n");
    EXPECT_EQ(graph.concern(1, "gen/x.go"), StepConcern::perhaps);
    EXPECT_EQ(graph.concern(1, "d.txt"), StepConcern::reads);
    EXPECT_EQ(graph.concern(0, "gen/x.go"), StepConcern::no);
}

TEST(StepGraph, OwnOutputsAndGitAreNoInputs) {
    EXPECT_EQ(concern_of("\"ui/dist/*.js\"", "ui/dist/a.js"), StepConcern::no);
    EXPECT_EQ(concern_of("\"ui/*/*.js\"", "ui/dist"), StepConcern::no);
    EXPECT_EQ(concern_of("\"ui/*/*.js\"", "ui/distant/a.js"), StepConcern::reads);
    EXPECT_EQ(concern_of("\"**\", \"!ui/dist\"", ".git/index.lock"), StepConcern::no);
    EXPECT_EQ(concern_of("\"**\", \"!ui/dist\"", "lib/.git"), StepConcern::no);
    EXPECT_EQ(concern_of("\"**\", \"!ui/dist\"", ".gitignore"), StepConcern::reads);
}

TEST(StepGraph, WritesItsOutputsAndWhatLiesBelow) {
    const auto graph = graph_of("  s: {command: [a], inputs: [b], outputs: [ui/dist, c.js]}\n");
    for (const char* path : {"ui/dist", "ui/dist/a/b", "c.js"}) EXPECT_TRUE(graph.writes(0, path)) << path;
    for (const char* path : {"ui", "ui/distant", "c.jsx", "b"}) EXPECT_FALSE(graph.writes(0, path)) << path;
}

}  // namespace
}  // namespace synchost::host
