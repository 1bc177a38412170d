#include "images/explain/step_inputs.hpp"

#include <gtest/gtest.h>

#include "base/wire.hpp"

namespace synchost::images {
namespace {

std::vector<StepInputs> two_steps() {
    StepInputs copy{
        .stage = "build", .instruction = "COPY a b /", .instruction_hash = 7, .files = 2, .files_hash = 9};
    copy.inputs = {
        {InputKind::file, "b", 3, 4}, {InputKind::variable, "V", 1, 0}, {InputKind::file, "a", 5, 6}};
    settle(copy);
    return {copy, {.stage = "1", .instruction = "RUN true", .instruction_hash = 8}};
}

// Bytes with the check that belongs to them.
std::string checked(std::string body) {
    WireWriter(body).number(xxh3_64(body));
    return body;
}
std::string body_of(const std::vector<StepInputs>& steps) {
    std::string out = format_step_inputs(steps);
    out.resize(out.size() - sizeof(std::uint64_t));
    return out;
}

TEST(StepInputs, AreReadAsTheyWereWritten) {
    EXPECT_EQ(parse_step_inputs(format_step_inputs(two_steps())), two_steps());
    EXPECT_EQ(parse_step_inputs(format_step_inputs({})), std::vector<StepInputs>());
    EXPECT_EQ(two_steps()[0].inputs.front().name, "V");
    EXPECT_EQ(two_steps()[0].inputs.back().name, "b");
}

TEST(StepInputs, DamageOfAnyByteOrLengthCountsAsNone) {
    const std::string whole = format_step_inputs(two_steps());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(parse_step_inputs(std::string_view(whole).substr(0, size))) << size;
        std::string bytes = whole;
        bytes[size] = static_cast<char>(bytes[size] ^ 1);
        EXPECT_FALSE(parse_step_inputs(bytes)) << size;
    }
    EXPECT_FALSE(parse_step_inputs(whole + "x"));
}

TEST(StepInputs, LiesWithARightCheckCountAsNone) {
    const std::string body = body_of(two_steps());
    ASSERT_TRUE(parse_step_inputs(checked(body)));
    for (std::size_t size = 0; size < body.size(); ++size)
        EXPECT_FALSE(parse_step_inputs(checked(body.substr(0, size)))) << size;
    EXPECT_FALSE(parse_step_inputs(checked(body + '\0')));
    std::string many = body;
    many[8] = many[9] = many[10] = '\xFF';
    EXPECT_FALSE(parse_step_inputs(checked(many)));
    auto unsorted = two_steps();
    std::swap(unsorted[0].inputs.front(), unsorted[0].inputs.back());
    EXPECT_FALSE(parse_step_inputs(checked(body_of(unsorted))));
    auto twice = two_steps();
    twice[0].inputs.push_back(twice[0].inputs.back());
    EXPECT_FALSE(parse_step_inputs(checked(body_of(twice))));
    auto kind = two_steps();
    kind[0].inputs.back().kind = static_cast<InputKind>(5);
    EXPECT_FALSE(parse_step_inputs(checked(body_of(kind))));
    auto name = two_steps();
    name[0].inputs.back().name = "b" + std::string(kMaxInputName, 'x');
    EXPECT_FALSE(parse_step_inputs(checked(body_of(name))));
    name[0].inputs.back().name.resize(kMaxInputName);
    EXPECT_TRUE(parse_step_inputs(checked(body_of(name))));
}

TEST(StepInputs, AreBounded) {
    StepInputs step{.stage = "0", .instruction = std::string(kMaxStepText + 5, 'x')};
    for (std::size_t i = 0; i <= kMaxInputsOfStep; ++i)
        step.inputs.push_back({InputKind::file, "f" + std::to_string(i), i, 0});
    step.inputs.push_back({InputKind::variable, "V", 1, 0});
    settle(step);
    EXPECT_EQ(step.inputs, (std::vector<StepInput>{{InputKind::variable, "V", 1, 0}}));
    EXPECT_EQ(step.instruction.size(), kMaxStepText);
    const std::vector<StepInputs> many(kMaxExplainedSteps + 1, two_steps()[1]);
    EXPECT_EQ(parse_step_inputs(format_step_inputs(many))->size(), kMaxExplainedSteps);
    StepInputs large{.stage = "0", .instruction = "COPY . /"};
    for (std::size_t i = 0; i < 5000; ++i) {
        std::string name = std::to_string(i);
        name.resize(kMaxInputName, 'x');
        large.inputs.push_back({InputKind::file, name, i, 0});
    }
    settle(large);
    EXPECT_EQ(format_step_inputs({large}), "");
}

}  // namespace
}  // namespace synchost::images
