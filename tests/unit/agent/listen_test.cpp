#include "agent/server/listen.hpp"

#include <sys/stat.h>

#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::agent {
namespace {

TEST(NumericAddress, TakesBothFamilies) {
    EXPECT_EQ(parse_numeric_address("127.0.0.1:80").value().port, 80);
    const auto v6 = parse_numeric_address("[::1]:8080");
    ASSERT_OK(v6);
    EXPECT_EQ(v6->ip, "::1");
}

TEST(NumericAddress, RefusesNamesAndHalves) {
    for (const char* bad : {"", ":", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                            "[127.0.0.1]:80", "[::1:80"}) {
        EXPECT_ERROR(parse_numeric_address(bad), Errc::invalid_input, "not a numeric address") << bad;
    }
}

TEST(ListenUnix, ReplacesAStaleSocketAndRefusesALiveOne) {
    const auto dir = TempDir::make("listen");
    ASSERT_OK(dir);
    const auto path = dir->path() / "s.sock";
    auto first = listen_unix(path, 0600);
    ASSERT_OK(first);
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_ERROR(listen_unix(path, 0600), Errc::conflict, "somebody listens there");
    first->reset();
    EXPECT_OK(listen_unix(path, 0666));
}

TEST(ListenUnix, RefusesAPathThatNoSocketCanHave) {
    EXPECT_ERROR(listen_unix("/tmp/" + std::string(110, 'x'), 0600), Errc::invalid_input, "107 bytes");
}

TEST(ListenTcp, NamesThePortThatIsTaken) {
    const auto first = listen_tcp({"127.0.0.1", 0});
    ASSERT_OK(first);
    EXPECT_FALSE(listen_tcp({"not-numeric", 0}));
}

}  // namespace
}  // namespace synchost::agent
