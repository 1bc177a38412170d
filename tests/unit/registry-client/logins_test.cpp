#include "registry-client/detail/logins.hpp"

#include "support/result_matchers.hpp"

namespace synchost::registry::detail {
namespace {

TEST(Logins, AreFoundByHostAndByUrl) {
    const std::string config = R"({"auths":{"r.io":{"auth":"YTpi"},"https://s.io":{"auth":"Yzpk"},
        "https://index.docker.io/v1/":{"auth":"ZTpm"},"t.io":{}}})";
    EXPECT_EQ(parse_login(config, "r.io").value(), "Basic YTpi");
    EXPECT_EQ(parse_login(config, "s.io").value(), "Basic Yzpk");
    EXPECT_EQ(parse_login(config, "docker.io").value(), "Basic ZTpm");
    EXPECT_EQ(parse_login(config, "t.io").value(), "");
    EXPECT_EQ(parse_login("{}", "r.io").value(), "");
}

TEST(Logins, RefusesBrokenFilesWithoutShowingThem) {
    EXPECT_ERROR(parse_login("secret", "r.io"), Errc::invalid_input, "not a JSON object");
    EXPECT_ERROR(parse_login(R"({"auths":[]})", "r.io"), Errc::invalid_input, "auths");
    const auto injected = parse_login(R"({"auths":{"r.io":{"auth":"x\r\nX-Other: secret"}}})", "r.io");
    ASSERT_FALSE(injected);
    EXPECT_EQ(injected.error().message.find("secret"), std::string::npos);
}

TEST(Logins, NoFileMeansNone) {
    EXPECT_EQ(find_login("/nonexistent/config.json", "r.io").value(), "");
}

}  // namespace
}  // namespace synchost::registry::detail
