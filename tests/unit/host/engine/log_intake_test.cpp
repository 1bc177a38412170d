#include "host/engine/log_intake.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/temp_dir.hpp"
#include "host/logs/log_reader.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

k8s::Manifest manifest(const char* json) {
    return {.object = k8s::Json::parse(json)};
}

TEST(SecretValues, AreThoseOfSecretsDecoded) {
    EXPECT_THAT(secret_values({manifest(R"({"kind": "Secret", "stringData": {"a": "plain", "n": 1},
                                           "data": {"b": "aHVudGVyMg==", "bad": "%"}})"),
                               manifest(R"({"kind": "ConfigMap", "data": {"c": "no secret"}})"),
                               manifest(R"({"kind": "Secret", "data": []})"), manifest(R"({"kind": 1})")}),
                UnorderedElementsAre("plain", "hunter2"));
}

TEST(SecretValues, OfBuildsAreThoseOfVariables) {
    ::setenv("SYNCHOST_TEST_SECRET", "from the environment", 1);
    Config config;
    config.images.push_back({});
    config.images.back().secrets = {{"file", {.file = "/a"}},
                                    {"set", {.variable = "SYNCHOST_TEST_SECRET"}},
                                    {"unset", {.variable = "SYNCHOST_TEST_SECRET_THAT_IS_NOT_SET"}}};
    EXPECT_THAT(secret_values(config), ElementsAre("from the environment"));
}

TEST(LogIntake, LinesOfBuildsAreMaskedAndNotPrinted) {
    const TempDir dir = TempDir::make("intake").value();
    Reporter reporter(false);
    std::string printed;
    reporter.print_to([&](std::string_view lines) { printed += lines; });
    {
        auto store = LogStore::open(dir.path(), {}).value();
        LogIntake intake(reporter, store.get());
        intake.learn_secrets({"hunter2"});
        intake.take_build_line("ghcr.io/x/api", "build 3", "24: token is hunter2", 7);
    }
    EXPECT_EQ(printed, "");
    auto reader = LogReader::open(dir.path(), {.workloads = {"Build/ghcr.io/x/api"}}).value();
    const auto items = reader.next().items;
    ASSERT_EQ(items.size(), 1u);
    EXPECT_EQ(items[0].record,
              (LogRecord{.time_ns = 7, .pod = "build 3", .container = {}, .text = "24: token is [masked]"}));
    LogIntake(reporter, nullptr).take_build_line("a", "build 1", "kept nowhere", 1);
}

TEST(LogIntake, KeepsAndPrintsLinesWithoutSecrets) {
    const TempDir dir = TempDir::make("intake").value();
    auto store = LogStore::open(dir.path() / "logs", {});
    ASSERT_OK(store);
    Reporter reporter(false);
    LogIntake intake(reporter, store->get());
    intake.learn_secrets({"hunter2"});
    intake.learn_secrets({"other one"});
    testing::internal::CaptureStdout();
    intake.take({.workload = "Deployment/api",
                 .pod = "api-0",
                 .container = "app",
                 .text = "login hunter2, other one",
                 .error_stream = true,
                 .time_ns = 5});
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "log      api-0/app  login [masked], [masked]\n");
    EXPECT_EQ(intake.masked("last words: hunter2"), "last words: [masked]");
    (*store)->flush();
    auto reader = LogReader::open(dir.path() / "logs", {});
    ASSERT_OK(reader);
    const auto batch = reader->next();
    ASSERT_EQ(batch.items.size(), 1u);
    EXPECT_EQ(batch.items[0].workload, "Deployment/api");
    EXPECT_EQ(batch.items[0].record, (LogRecord{.time_ns = 5,
                                                .pod = "api-0",
                                                .container = "app",
                                                .text = "login [masked], [masked]",
                                                .error_stream = true}));
}

}  // namespace
}  // namespace synchost::host
