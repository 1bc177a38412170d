// What a build of watch is asked for, from synchost.yaml.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "host/engine/workshop.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

TEST(BuildRequest, TakesTheSecretsThatThisMachineHas) {
    const auto dir = TempDir::make("request").value();
    ASSERT_OK(write_file_atomic(dir.path() / "npmrc", "x"));
    ASSERT_EQ(::setenv("SYNCHOST_TEST_TOKEN", "1", 1), 0);
    ::unsetenv("SYNCHOST_TEST_NONE");
    const ImageConfig image{.context = dir.path(),
                            .dockerfile = dir.path() / "Dockerfile",
                            .secrets = {{"npmrc", {.file = dir.path() / "npmrc"}},
                                        {"pip.conf", {.file = dir.path() / "pip.conf"}},
                                        {"token", {.variable = "SYNCHOST_TEST_TOKEN"}},
                                        {"none", {.variable = "SYNCHOST_TEST_NONE"}}}};
    const images::BuildRequest request = build_request(image);
    EXPECT_EQ(request.secrets.size(), 2u);
    EXPECT_EQ(request.secrets.at("npmrc").file, dir.path() / "npmrc");
    EXPECT_EQ(request.secrets.at("token").variable, "SYNCHOST_TEST_TOKEN");
    ::unsetenv("SYNCHOST_TEST_TOKEN");
}

}  // namespace
}  // namespace synchost::host
