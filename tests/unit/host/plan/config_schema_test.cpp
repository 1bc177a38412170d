// The schema that editors read is the one that the tables make, and its test files mean the same to the
// parser: schema_test.py holds the schema against them.
#include "host/plan/config_schema.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.hpp"
#include "host/plan/config.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = SYNCHOST_ROOT;

TEST(ConfigSchema, IsPublishedAsItIsMade) {
    const auto published = read_file(kRoot / "host/plan/synchost.schema.json", kMaxConfigBytes);
    ASSERT_OK(published);
    EXPECT_EQ(*published, config_schema())
        << "synchost config schema > host/plan/synchost.schema.json, and read the difference";
}

TEST(ConfigSchema, TheParserJudgesTheTestFilesAsTheSchemaDoes) {
    std::size_t good = 0;
    std::size_t bad = 0;
    for (const char* folder : {"good", "bad"}) {
        for (const auto& file : fs::directory_iterator(kRoot / "tests/unit/host/plan/schema" / folder)) {
            const auto text = read_file(file.path(), kMaxConfigBytes);
            ASSERT_OK(text);
            const auto config = parse_config(*text, "/p/synchost.yaml");
            if (std::string_view(folder) == "good") {
                EXPECT_OK(config) << file.path();
                ++good;
            } else {
                EXPECT_FALSE(config.has_value()) << file.path();
                ++bad;
            }
        }
    }
    EXPECT_GE(good, 9U);
    EXPECT_GE(bad, 50U);
}

}  // namespace
}  // namespace synchost::host
