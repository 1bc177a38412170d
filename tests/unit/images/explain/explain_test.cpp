#include "images/explain/explain.hpp"

#include <gtest/gtest.h>

#include "images/explain/file_inputs.hpp"

namespace synchost::images {
namespace {

using Inputs = std::vector<StepInput>;

RecordedStep made(int line, const std::string& instruction, Inputs inputs, const std::string& stage = "0") {
    RecordedStep out{.line = line};
    out.inputs = {.stage = stage, .instruction = instruction, .instruction_hash = xxh3_64(instruction)};
    for (const StepInput& input : inputs) out.inputs.files += input.kind == InputKind::file ? 1 : 0;
    out.inputs.inputs = std::move(inputs);
    settle(out.inputs);
    return out;
}

std::vector<StepInputs> kept(const std::vector<RecordedStep>& steps) {
    std::vector<StepInputs> out;
    for (const RecordedStep& step : steps) out.push_back(step.inputs);
    return out;
}

std::string told(const std::vector<RecordedStep>& now, const std::vector<RecordedStep>& before) {
    return explanation_text(explain(now, kept(before)), "Dockerfile");
}

StepInput file(const std::string& name, std::uint64_t value, std::uint64_t look = 1) {
    return {InputKind::file, name, value, look};
}

TEST(Explain, FilesAreChangedNewGoneOrLookOtherwise) {
    const std::vector<RecordedStep> before = {
        made(2, "COPY . /", {file("a", 1), file("b", 2), file("c", 3), file("same", 4)})};
    const std::vector<RecordedStep> now = {
        made(3, "COPY . /", {file("b", 9), file("c", 3, 7), file("d", 5), file("same", 4)})};
    EXPECT_EQ(told(now, before),
              "made    Dockerfile:3 COPY . /\n"
              "          a is gone\n"
              "          b changed\n"
              "          c has another mode or owner\n"
              "          d is new\n");
}

TEST(Explain, EveryOtherKindOfInputIsNamed) {
    const std::vector<RecordedStep> before = {made(3, "RUN make",
                                                   {{InputKind::base, "debian:12", 1, 0},
                                                    {InputKind::step, "COPY a /", 1, 0},
                                                    {InputKind::step, "COPY old /", 1, 0},
                                                    {InputKind::variable, "OLD", 1, 0},
                                                    {InputKind::variable, "VERSION", 1, 0},
                                                    {InputKind::setting, "USER", 1, 0}})};
    const std::vector<RecordedStep> now = {made(3, "RUN make",
                                                {{InputKind::base, "debian:13", 1, 0},
                                                 {InputKind::step, "COPY a /", 2, 0},
                                                 {InputKind::step, "COPY new /", 1, 0},
                                                 {InputKind::variable, "NEW", 1, 0},
                                                 {InputKind::variable, "VERSION", 2, 0},
                                                 {InputKind::setting, "USER", 2, 0}})};
    EXPECT_EQ(told(now, before),
              "made    Dockerfile:3 RUN make\n"
              "          the base image debian:13 changed\n"
              "          an earlier step made another layer: COPY a /\n"
              "          an earlier step is new: COPY new /\n"
              "          an earlier step is gone: COPY old /\n"
              "          the variable NEW is new\n"
              "          the variable OLD is gone\n"
              "          the variable VERSION changed\n"
              "          USER changed\n");
}

TEST(Explain, AnEditIsToldFromANewInstruction) {
    const std::vector<RecordedStep> before = {made(1, "COPY a /", {}), made(2, "RUN one", {}),
                                              made(3, "COPY z /", {})};
    std::vector<RecordedStep> now = {made(1, "COPY a /", {}), made(2, "WORKDIR /w", {}),
                                     made(3, "RUN two", {}), made(4, "COPY z /", {}),
                                     made(5, "RUN last", {})};
    now[0].is_cached = now[3].is_cached = true;
    EXPECT_EQ(told(now, before),
              "cached  Dockerfile:1 COPY a /\n"
              "made    Dockerfile:2 WORKDIR /w\n"
              "          the instruction is new\n"
              "made    Dockerfile:3 RUN two\n"
              "          the instruction was: RUN one\n"
              "cached  Dockerfile:4 COPY z /\n"
              "made    Dockerfile:5 RUN last\n"
              "          the instruction is new\n");
}

TEST(Explain, StepsAreComparedWithinTheirStage) {
    const std::vector<RecordedStep> before = {made(1, "COPY . /", {file("a", 1)}, "one"),
                                              made(2, "COPY . /", {file("b", 1)}, "two")};
    const std::vector<RecordedStep> now = {made(1, "COPY . /", {file("b", 2)}, "two")};
    EXPECT_EQ(told(now, before), "made    Dockerfile:1 COPY . /\n          b changed\n");
}

TEST(Explain, WithoutAnEarlierBuildAndWithALostLayer) {
    const std::vector<RecordedStep> now = {made(1, "COPY a /", {file("a", 1)})};
    EXPECT_EQ(explanation_text(explain(now, std::nullopt), "api.Dockerfile"),
              "made    api.Dockerfile:1 COPY a /\n          no earlier build of this target is known\n");
    EXPECT_EQ(told(now, now),
              "made    Dockerfile:1 COPY a /\n"
              "          nothing changed, but what it made is no longer in the store\n");
}

TEST(Explain, ManyReasonsAndManyFilesAreCounted) {
    Inputs many;
    for (int i = 100; i < 250; ++i) many.push_back(file("f" + std::to_string(i), 1));
    const auto steps = explain({made(1, "COPY . /", many)}, kept({made(1, "COPY . /", {})}));
    EXPECT_EQ(steps[0].reasons.size(), kMaxReasons);
    EXPECT_EQ(steps[0].more, 50u);
    const std::string text = explanation_text(steps, "Dockerfile");
    EXPECT_TRUE(text.ends_with("f109 is new\n          and 140 more\n")) << text;
    RecordedStep now = made(1, "COPY . /", {});
    now.inputs.files = 100'000;
    now.inputs.files_hash = 1;
    EXPECT_EQ(told({now}, {made(1, "COPY . /", {file("a", 1)})}),
              "made    Dockerfile:1 COPY . /\n"
              "          some of its 100000 files changed: too many to keep them one by one\n");
}

TEST(Explain, TextOfOthersCannotSteerATerminal) {
    EXPECT_EQ(told({made(1, "COPY . /", {file("a\x1b[2J", 1)})}, {made(1, "COPY . /", {})}).find('\x1b'),
              std::string::npos);
}

TEST(FileInputs, NamesAreThoseOfTheContextOrOfTheirPlace) {
    NodeMap nodes;
    nodes["app/x"] = {.kind = FileKind::file, .context_source = "src/x"};
    nodes["app"] = {};
    StepInputs step;
    note_files(nodes, {{"app/x", Xxh3{1, 2}}}, "/", step);
    settle(step);
    ASSERT_EQ(step.inputs.size(), 2u);
    EXPECT_EQ(step.inputs[0].name, "/app");
    EXPECT_EQ(step.inputs[1].name, "src/x");
    EXPECT_EQ(step.inputs[1].value, 2u);
    EXPECT_EQ(step.files, 2u);
    const std::uint64_t hash = step.files_hash;
    Node other = nodes["app/x"];
    other.mode = 0600;
    EXPECT_NE(look_of(nodes["app/x"]), look_of(other));
    StepInputs again;
    note_files(nodes, {{"app/x", Xxh3{1, 3}}}, "/", again);
    EXPECT_NE(again.files_hash, hash);
}

TEST(FileInputs, VariablesAreFoundInAnyForm) {
    EXPECT_EQ(mentioned_variables("COPY $A ${B:-$C} x${A}y $ $$ ${"),
              (std::vector<std::string>{"A", "B", "C"}));
}

TEST(Explain, TwoBuildsThatStandForOneAreOne) {
    const std::vector<ExplainedStep> first = {
        {.line = 1, .stage = "0", .instruction = "RUN a", .is_cached = false, .time_us = 50, .reasons = {{}}},
        {.line = 2, .stage = "0", .instruction = "COPY a /", .is_cached = true, .time_us = 3, .reasons = {}}};
    std::vector<ExplainedStep> second = first;
    second[0].is_cached = true;
    second[0].reasons.clear();
    second[1].is_cached = false;
    const auto both = with_earlier(second, first);
    EXPECT_FALSE(both[0].is_cached);
    EXPECT_EQ(both[0].reasons.size(), 1u);
    EXPECT_EQ(both[0].time_us, 100u);
    EXPECT_FALSE(both[1].is_cached);
    EXPECT_EQ(both[1].time_us, 6u);
    second.pop_back();
    EXPECT_TRUE(with_earlier(second, first)[0].is_cached) << "others than these were made";
}

}  // namespace
}  // namespace synchost::images
