#include "host/steps/step_memory.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

const StepMemory kTwo{{"bundle", Xxh3{0x0123456789abcdef, 0xfedcba9876543210}}, {"codegen", Xxh3{0, 1}}};

std::string with(const std::string& steps) {
    return R"({"version":1,"steps":)" + steps + "}";
}

TEST(StepMemory, ComesBackAsItWasWritten) {
    EXPECT_EQ(parse_step_memory(format_step_memory(kTwo)), kTwo);
    EXPECT_EQ(parse_step_memory(format_step_memory({})), StepMemory{});
}

TEST(StepMemory, ATextThatIsCutOffAnywhereIsNone) {
    const std::string text = format_step_memory(kTwo);
    for (std::size_t size = 0; size + 1 < text.size(); ++size)  // the last byte is the newline
        EXPECT_EQ(parse_step_memory(text.substr(0, size)), std::nullopt) << size;
}

TEST(StepMemory, WhatWasNotWrittenByUsIsNone) {
    const std::string hash(32, 'a');
    ASSERT_TRUE(parse_step_memory(with(R"({"a":")" + hash + "\"}")));
    for (const std::string& wrong :
         {std::string("[]"), std::string(R"({"version":2,"steps":{}})"), std::string(R"({"steps":{}})"),
          std::string(R"({"version":1,"steps":{},"more":1})"), with("[]"), with(R"({"a":1})"),
          with(R"({"A":")" + hash + "\"}"), with(R"({"a/../b":")" + hash + "\"}"),
          with(R"({"a":")" + hash.substr(1) + "\"}"), with(R"({"a":")" + hash + "a\"}"),
          with(R"({"a":"-)" + hash.substr(1) + "\"}"), with(R"({"a":")" + hash.substr(1) + "g\"}")}) {
        EXPECT_EQ(parse_step_memory(wrong), std::nullopt) << wrong;
    }
}

TEST(StepMemory, ALargeOrDeepTextIsNone) {
    std::string many = "{";
    for (int i = 0; i < 65; ++i)
        many += (i == 0 ? "\"s" : ",\"s") + std::to_string(i) + "\":\"" + std::string(32, 'a') + "\"";
    EXPECT_EQ(parse_step_memory(with(many + "}")), std::nullopt);
    EXPECT_EQ(parse_step_memory(std::string(kMaxStepMemoryBytes + 1, ' ')), std::nullopt);
    EXPECT_EQ(parse_step_memory(std::string(kMaxStepMemoryBytes, '[')), std::nullopt);
}

TEST(StepMemory, IsAPrivateFileOfTheState) {
    const auto folder = TempDir::make("steps");
    ASSERT_OK(folder);
    const auto file = folder->path() / "state" / kStepMemoryFile;
    EXPECT_EQ(load_step_memory(file), StepMemory{});
    ASSERT_OK(save_step_memory(kTwo, file));
    EXPECT_EQ(load_step_memory(file), kTwo);
    struct stat info{};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    ASSERT_OK(write_file_atomic(file, "{"));
    EXPECT_EQ(load_step_memory(file), StepMemory{});
}

}  // namespace
}  // namespace synchost::host
