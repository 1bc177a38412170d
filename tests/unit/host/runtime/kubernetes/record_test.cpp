#include "host/runtime/kubernetes/record.hpp"

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::kubernetes {
namespace {

class RecordTest : public testing::Test {
  protected:
    TempDir folder_ = *TempDir::make("record");
    std::filesystem::path file_ = folder_.path() / "objects.json";
};

TEST_F(RecordTest, IsReadBackAsItWasSaved) {
    Record record{.server = "https://127.0.0.1:6443", .objects = {}};
    record.objects["/api/v1/namespaces/dev/configmaps/a"] = {
        .kind = "ConfigMap", .uid = "u-1", .foreign = false};
    record.objects["/api/v1/namespaces/dev/secrets/b"] = {.kind = "Secret", .uid = "", .foreign = true};
    ASSERT_OK(record.save(file_));
    const Record read = Record::load(file_);
    EXPECT_EQ(read.server, record.server);
    ASSERT_EQ(read.objects.size(), 2U);
    EXPECT_EQ(read.objects.at("/api/v1/namespaces/dev/configmaps/a").uid, "u-1");
    EXPECT_FALSE(read.objects.at("/api/v1/namespaces/dev/configmaps/a").foreign);
    EXPECT_TRUE(read.objects.at("/api/v1/namespaces/dev/secrets/b").foreign);
}

TEST_F(RecordTest, WhatCannotBeReadNamesNothingAsOurs) {
    EXPECT_TRUE(Record::load(file_).objects.empty());
    for (const char* text :
         {"", "7", "[]", R"({"objects": 7})", R"({"objects": [7, {"path": "/etc/passwd"}, {}]})"}) {
        ASSERT_OK(write_file_atomic(file_, text));
        EXPECT_TRUE(Record::load(file_).objects.empty()) << text;
    }
    // Without a word on whose it is, it is not ours.
    ASSERT_OK(write_file_atomic(file_, R"({"objects": [{"path": "/api/v1/namespaces/x", "uid": "u"}]})"));
    EXPECT_TRUE(Record::load(file_).objects.at("/api/v1/namespaces/x").foreign);
}

}  // namespace
}  // namespace synchost::host::kubernetes
