#include "registry-client/detail/credentials.hpp"

#include <cstdlib>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "registry-client/detail/authorizer.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry::detail {
namespace {

Credentials found(std::string_view json, std::string_view host, std::string_view repository = "app") {
    const auto out = parse_logins(json, host, repository);
    EXPECT_OK(out);
    return out ? out->credentials : Credentials{};
}

TEST(Credentials, AreFoundByHostAndByUrl) {
    const std::string config = R"({"auths":{"r.io":{"auth":"YTpi"},"https://s.io":{"auth":"YzpkOmU="},
        "https://index.docker.io/v1/":{"auth":"ZTpm"},"t.io":{},"u.io":{"username":"g","password":"h"}}})";
    EXPECT_EQ(found(config, "r.io"), (Credentials{"a", "b", {}}));
    EXPECT_EQ(found(config, "s.io"), (Credentials{"c", "d:e", {}}));
    EXPECT_EQ(found(config, "docker.io"), (Credentials{"e", "f", {}}));
    EXPECT_EQ(found(config, "u.io"), (Credentials{"g", "h", {}}));
    EXPECT_TRUE(found(config, "t.io").empty());
    EXPECT_TRUE(found("{}", "r.io").empty());
    EXPECT_EQ(found(config, "r.io").basic(), "Basic YTpi");
    EXPECT_EQ(Credentials{}.basic(), "");
}

TEST(Credentials, TheMostExactNameCounts) {
    const std::string config = R"({"auths":{"r.io":{"auth":"YTpi"},"r.io/team":{"auth":"Yzpk"}}})";
    EXPECT_EQ(found(config, "r.io", "team/app").user, "c");
    EXPECT_EQ(found(config, "r.io", "teams/app").user, "a");
    EXPECT_EQ(found(config, "r.io", "").user, "a");
}

TEST(Credentials, HelpersComeBeforeStores) {
    const std::string config =
        R"({"credHelpers":{"r.io":"one"},"credsStore":"two","auths":{"s.io":{"auth":"YTpi"}}})";
    EXPECT_EQ(parse_logins(config, "r.io", "a")->helper, "docker-credential-one");
    EXPECT_EQ(parse_logins(config, "t.io", "a")->helper, "docker-credential-two");
    EXPECT_EQ(parse_logins(config, "s.io", "a")->credentials.user, "a");
    EXPECT_ERROR(parse_logins(R"({"credsStore":"../../bin/sh"})", "r.io", "a"), Errc::invalid_input,
                 "impossible name");
}

TEST(Credentials, AHelpersAnswer) {
    EXPECT_EQ(parse_helper_answer(R"({"ServerURL":"r.io","Username":"a","Secret":"b"})").value(),
              (Credentials{"a", "b", {}}));
    EXPECT_EQ(parse_helper_answer(R"({"Username":"<token>","Secret":"t"})").value(),
              (Credentials{{}, {}, "t"}));
    EXPECT_ERROR(parse_helper_answer("secret"), Errc::protocol, "not a JSON object");
}

TEST(Credentials, RefusesBrokenFilesWithoutShowingThem) {
    EXPECT_ERROR(parse_logins("secret", "r.io", "a"), Errc::invalid_input, "not a JSON object");
    EXPECT_ERROR(parse_logins(R"({"auths":[]})", "r.io", "a"), Errc::invalid_input, "auths");
    EXPECT_ERROR(parse_logins(R"({"credHelpers":"x"})", "r.io", "a"), Errc::invalid_input, "credHelpers");
    for (const std::string auth : {"x\\r\\nX-Other: secret", "c2VjcmV0"}) {  // the latter has no colon
        const auto refused = parse_logins(R"({"auths":{"r.io":{"auth":")" + auth + R"("}}})", "r.io", "a");
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
        EXPECT_EQ(refused.error().message.find("c2Vj"), std::string::npos);
    }
    const std::string split = R"({"auths":{"r.io":{"auth":")" + to_base64("a\r\nb:c") + R"("}}})";
    EXPECT_ERROR(parse_logins(split, "r.io", "a"), Errc::invalid_input, "control characters");
}

TEST(Credentials, TheFirstFileThatKnowsTheHostCounts) {
    const auto folder = TempDir::make("logins");
    ASSERT_OK(write_file_atomic(folder->path() / "a", R"({"auths":{"r.io":{"auth":"YTpi"}}})"));
    ASSERT_OK(write_file_atomic(folder->path() / "b",
                                R"({"auths":{"r.io":{"auth":"Yzpk"},"s.io":{"auth":"ZTpm"}}})"));
    const std::vector files{folder->path() / "none", folder->path() / "a", folder->path() / "b"};
    EXPECT_EQ(find_credentials(files, "r.io", "app")->user, "a");
    EXPECT_EQ(find_credentials(files, "s.io", "app")->user, "e");
    EXPECT_TRUE(find_credentials(files, "t.io", "app")->empty());
    ASSERT_OK(write_file_atomic(folder->path() / "none", "["));
    EXPECT_ERROR(find_credentials(files, "r.io", "app"), Errc::invalid_input, "/none: not a JSON object");
}

TEST(Credentials, FilesAreLookedForWhereDockerAndPodmanKeepThem) {
    ::setenv("REGISTRY_AUTH_FILE", "/a/auth.json", 1);
    ::setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
    ::setenv("HOME", "/home/u", 1);
    ::setenv("DOCKER_CONFIG", "", 1);
    EXPECT_EQ(login_files(), (std::vector<std::filesystem::path>{
                                 "/a/auth.json", "/run/user/1/containers/auth.json",
                                 "/home/u/.config/containers/auth.json", "/home/u/.docker/config.json"}));
}

TEST(Token, IsReadFromBothNamesAndLivesAMinuteAtLeast) {
    EXPECT_EQ(parse_token(R"({"token":"a","expires_in":300})")->value, "a");
    EXPECT_EQ(parse_token(R"({"token":"a","expires_in":300})")->lifetime.count(), 300);
    EXPECT_EQ(parse_token(R"({"access_token":"b"})")->value, "b");
    EXPECT_EQ(parse_token(R"({"access_token":"b","expires_in":-5})")->lifetime.count(), 60);
    EXPECT_EQ(parse_token(R"({"token":"a","expires_in":99999999999})")->lifetime.count(), 86400);
    EXPECT_ERROR(parse_token(R"({"token":"a\r\nX: y"})"), Errc::protocol, "no usable token");
    EXPECT_ERROR(parse_token("{}"), Errc::protocol, "no usable token");
    EXPECT_ERROR(parse_token("secret"), Errc::protocol, "not a JSON object");
}

}  // namespace
}  // namespace synchost::registry::detail
