// `steps:` of synchost.yaml: what is read, and what a user reads when it is wrong.
#include <gmock/gmock.h>

#include "host/plan/config.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::Pair;

// `lines` stand from line 4 on.
Result<Config> with(const std::string& lines) {
    return parse_config("images: {api: }\nmanifests: [k8s]\nsteps:\n" + lines, "/p/synchost.yaml");
}

void expect_wrong(const std::string& lines, const std::string& message, const std::string& next_step) {
    SCOPED_TRACE(lines);
    const auto config = with(lines);
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().code, Errc::invalid_input);
    EXPECT_EQ(config.error().message, "synchost.yaml:" + message);
    EXPECT_EQ(config.error().next_step, next_step);
}

TEST(ConfigSteps, ACommandHasEveryKey) {
    const auto config = with(R"(  codegen: {command: [make], inputs: [api.proto]}
  bundle:
    command: [npm, run, build]
    folder: ui
    inputs: ["ui/src/**", ui/package.json]
    outputs: [ui/dist/, ./ui/map.json]
    env: {NODE_ENV: development}
    depends_on: [codegen]
    timeout: 5m
)");
    ASSERT_OK(config);
    ASSERT_EQ(config->steps.size(), 2U);
    const StepConfig& step = config->steps[1];
    EXPECT_EQ(step.name, "bundle");
    EXPECT_EQ(step.kind, StepKind::command);
    EXPECT_THAT(step.argv, ElementsAre("npm", "run", "build"));
    EXPECT_EQ(step.folder, "/p/ui");
    EXPECT_TRUE(step.inputs.matches("ui/src/a/b.ts"));
    ASSERT_EQ(step.outputs.size(), 2U);
    EXPECT_EQ(step.outputs[0].str(), "ui/dist");
    EXPECT_EQ(step.outputs[1].str(), "ui/map.json");
    EXPECT_THAT(step.env, ElementsAre(Pair("NODE_ENV", "development")));
    EXPECT_THAT(step.depends_on, ElementsAre("codegen"));
    EXPECT_EQ(step.timeout, std::chrono::minutes(5));
    EXPECT_EQ(config->steps[0].folder, "/p");
    EXPECT_EQ(config->steps[0].timeout, std::chrono::minutes(10));
    EXPECT_EQ(config->lines.at("steps > bundle > inputs"), 8);
}

TEST(ConfigSteps, WhatServesIsReadyInFourWays) {
    const auto ready = [](const std::string& value) {
        const auto config = with("  s: {serve: [node, s.js]" + value + "}\n");
        EXPECT_OK(config);
        return config ? config->steps.at(0).ready : StepReady{};
    };
    using Kind = StepReady::Kind;
    EXPECT_EQ(ready(""), StepReady{});
    EXPECT_EQ(ready(", ready: {port: 8123}"), (StepReady{Kind::port, "localhost", 8123, ""}));
    EXPECT_EQ(ready(", ready: {output: listening on}"),
              (StepReady{Kind::output, "localhost", 0, "listening on"}));
    EXPECT_EQ(ready(", ready: {http: \"http://127.0.0.1:81/a?b\"}"),
              (StepReady{Kind::http, "127.0.0.1", 81, "/a?b"}));
    EXPECT_EQ(ready(", ready: {http: \"http://[::1]:65535\"}"), (StepReady{Kind::http, "::1", 65535, "/"}));
    EXPECT_EQ(ready(", ready: {http: \"http://localhost/x\"}"),
              (StepReady{Kind::http, "localhost", 80, "/x"}));
}

TEST(ConfigSteps, MessagesOfOneStep) {
    const std::string keep = "Keep one of the two";
    const std::string inputs = "Add, for example: inputs: [\"ui/src/**\", ui/package.json]";
    expect_wrong("", "3: \"steps\" has no value",
                 "Write, for example: steps: {bundle: {command: [make], inputs: [src]}}");
    expect_wrong("  A b: {serve: [a]}\n", "4: step \"A b\" is not named by a DNS label", "Write: a-b");
    expect_wrong("  a: [make]\n", "4: step \"a\" must be a map, not a list",
                 "Write a command or serve below it");
    expect_wrong("  a: {serve: [a]}\n  a: {serve: [b]}\n", "5: step \"a\" stands here a second time", keep);
    expect_wrong("  a: {inputs: [b]}\n", "4: step \"a\" has neither command nor serve",
                 "Add, for example: command: [npm, run, build]");
    expect_wrong("  a:\n    command: [a]\n    serve: [b]\n",
                 "6: \"serve\" stands beside \"command\" or \"serve\"", keep);
    expect_wrong("  a: {comand: [a]}\n", "4: unknown key \"comand\"", "Did you mean \"command\"?");
    expect_wrong("  a: {command: make}\n", "4: \"command\" must be a list, not text",
                 "Write, for example: command: [npm, run, build]");
    expect_wrong("  a: {command: [make]}\n",
                 "4: step \"a\" has no inputs, so that nothing says when to run it", inputs);
    expect_wrong("  a: {command: [make], inputs: []}\n",
                 "4: step \"a\" has no inputs, so that nothing says when to run it", inputs);
    expect_wrong("  a: {command: [make], inputs: [b], timeout: 0}\n", "4: \"timeout\" leaves no time",
                 "Write, for example: timeout: 5m");
    expect_wrong("  a:\n    serve: [b]\n    outputs: [c]\n",
                 "6: \"outputs\" is for a command; step \"a\" serves", "Remove it");
    expect_wrong("  a:\n    serve: [b]\n    timeout: 5m\n",
                 "6: \"timeout\" is for a command; step \"a\" serves", "Remove it");
    expect_wrong("  a:\n    command: [b]\n    inputs: [c]\n    ready: {port: 1}\n",
                 "7: \"ready\" is for a step that serves; step \"a\" ends",
                 "Remove it, or write serve in place of command");
}

TEST(ConfigSteps, OutputsLieBelowTheFolderAndAreNoInputs) {
    const auto outputs = [](const std::string& path) {
        return "  a: {command: [make], inputs: [src], outputs: [\"" + path + "\"]}\n";
    };
    const std::string step = "Write, for example: outputs: [ui/dist]";
    for (const std::string path : {"../a", "/a", "a/../b", ".", "a//b"}) {
        expect_wrong(outputs(path),
                     "4: \"outputs\" does not lie below the folder of synchost.yaml: \"" + path + "\"", step);
    }
    EXPECT_OK(with(outputs("a..b/...")));
    expect_wrong("  a: {command: [make], inputs: [\"ui/**\"], outputs: [ui/dist]}\n",
                 "4: step \"a\" has its output ui/dist among its inputs: it would run without end",
                 "Add \"!ui/dist\" at the end of its inputs");
    EXPECT_OK(with("  a: {command: [make], inputs: [\"ui/**\", \"!ui/dist\"], outputs: [ui/dist]}\n"));
}

TEST(ConfigSteps, MessagesOfReady) {
    const auto ready = [](const std::string& value) { return "  a: {serve: [b], ready: " + value + "}\n"; };
    const std::string url = "Write http://, then 127.0.0.1, [::1] or localhost, a port and a path";
    expect_wrong(ready("8123"), "4: \"ready\" must be a map, not text",
                 "Write, for example: ready: {port: 8123}");
    expect_wrong(ready("{port: 1, output: a}"), "4: \"ready\" asks for more than one thing",
                 "Keep one of http, port and output");
    expect_wrong(ready("{port: 65536}"), "4: \"port\" is not 1 to 65535: \"65536\"",
                 "Write, for example: port: 8123");
    for (const std::string wrong :
         {"https://127.0.0.1/", "http://example.org/", "http://127.0.0.1.example.org/", "http://localhost:0/",
          "http://127.0.0.1:99999/", "http://u@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/#a"}) {
        expect_wrong(ready("{http: \"" + wrong + "\"}"),
                     "4: \"http\" is no http URL of this machine: \"" + wrong + "\"", url);
    }
}

TEST(ConfigSteps, DependenciesAreStepsAndMakeNoCircle) {
    const std::string why =
        "A step waits for those in its depends_on, and for those whose outputs are its inputs";
    expect_wrong("  build: {serve: [a]}\n  b: {serve: [b], depends_on: [buld]}\n",
                 "5: \"depends_on\" names \"buld\", which is no step", "Did you mean build?");
    expect_wrong("  a: {serve: [a], depends_on: [a]}\n", "4: steps wait for each other: a -> a", why);
    expect_wrong(
        "  x: {serve: [a], depends_on: [c]}\n  b: {serve: [a], depends_on: [c]}\n"
        "  c: {serve: [a], depends_on: [d, x]}\n  d: {serve: [a], depends_on: [b]}\n",
        "4: steps wait for each other: x -> c -> x", why);
    expect_wrong(
        "  a: {command: [a], inputs: [\"b/**\"], outputs: [a/out]}\n"
        "  b: {command: [b], inputs: [\"a/**\"], outputs: [b/out]}\n",
        "4: steps wait for each other: a -> b -> a", why);
    EXPECT_OK(
        with("  a: {command: [a], inputs: [c]}\n  b: {command: [b], inputs: [c], depends_on: [a]}\n"
             "  d: {command: [b], inputs: [c], depends_on: [a, b]}\n"));
}

TEST(ConfigSteps, ThereAreAtMost64) {
    const auto steps = [](int count) {
        std::string text;
        for (int i = 0; i < count; ++i) text += "  s" + std::to_string(i) + ": {serve: [a]}\n";
        return text;
    };
    EXPECT_OK(with(steps(64)));
    expect_wrong(steps(65), "3: \"steps\" has more than 64 steps",
                 "Write, for example: steps: {bundle: {command: [make], inputs: [src]}}");
}

}  // namespace
}  // namespace synchost::host
