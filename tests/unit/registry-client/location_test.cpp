#include "registry-client/detail/http.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry::detail {
namespace {

const HttpServer kServer{false, "127.0.0.1", 5000};

TEST(Location, RelativeStaysOnTheServer) {
    const auto location = parse_location("/v2/a/blobs/uploads/1?_state=x", kServer);
    ASSERT_OK(location);
    EXPECT_EQ(location->server, kServer);
    EXPECT_EQ(location->target, "/v2/a/blobs/uploads/1?_state=x");
}

TEST(Location, AbsoluteNamesItsServer) {
    const auto location = parse_location("https://cdn.example:8443/x?y#z", kServer);
    ASSERT_OK(location);
    EXPECT_EQ(location->server, (HttpServer{true, "cdn.example", 8443}));
    EXPECT_EQ(location->target, "/x?y");
    EXPECT_EQ(parse_location("http://[::1]:80", kServer)->server.origin(), "http://[::1]:80");
    EXPECT_EQ(parse_location("https://a", kServer)->server.port, 443);
}

TEST(Location, RefusesWhatIsNoUrl) {
    for (const std::string& text :
         {std::string(), std::string("x"), std::string("//evil/x"), std::string("ftp://a/"),
          std::string("/a\r\nX: y"), std::string("/a b"), std::string("http://"),
          std::string("http://a:b@c/"), std::string("http://a:0/"), std::string("http://a:99999/"),
          std::string("http://[::1/"), "/" + std::string(9000, 'a')}) {
        EXPECT_ERROR(parse_location(text, kServer), Errc::protocol, "") << text;
    }
}

}  // namespace
}  // namespace synchost::registry::detail
