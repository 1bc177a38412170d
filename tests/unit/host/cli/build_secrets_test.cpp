#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "host/cli/commands.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::HasSubstr;

images::Secret secret(const std::string& text, const std::string& id) {
    const auto out = parse_secrets({text});
    EXPECT_OK(out);
    return out && out->contains(id) ? out->at(id) : images::Secret{};
}

TEST(BuildSecrets, AreFilesOrVariables) {
    EXPECT_EQ(secret("id=a,src=/x/y", "a").file, "/x/y");
    EXPECT_EQ(secret("id=a,env=TOKEN", "a").variable, "TOKEN");
    EXPECT_EQ(secret("type=env,id=a,src=TOKEN", "a").variable, "TOKEN");
    EXPECT_EQ(secret("type=env,id=a,src=TOKEN", "a").file, "");
    EXPECT_EQ(secret("id=no_such_variable", "no_such_variable").file, "no_such_variable");
    ASSERT_EQ(::setenv("SYNCHOST_TEST_SECRET", "1", 1), 0);
    EXPECT_EQ(secret("id=SYNCHOST_TEST_SECRET", "SYNCHOST_TEST_SECRET").variable, "SYNCHOST_TEST_SECRET");
    EXPECT_EQ(secret("type=file,id=SYNCHOST_TEST_SECRET", "SYNCHOST_TEST_SECRET").variable, "");
    ::unsetenv("SYNCHOST_TEST_SECRET");
}

TEST(BuildSecrets, MistakesAreTold) {
    for (const char* text : {"", "src=/x", "id=", "id=a,what=x", "id=a,src", "type=other,id=a"}) {
        const auto out = parse_secrets({text});
        ASSERT_FALSE(out.has_value()) << text;
        EXPECT_EQ(out.error().code, Errc::invalid_input);
        EXPECT_THAT(out.error().next_step, HasSubstr("id=NAME"));
    }
}

TEST(BuildSsh, NamesTheSocketOfAnAgent) {
    const auto folder = TempDir::make("ssh").value();
    const std::string path = (folder.path() / "agent").native();
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const auto out = parse_ssh({"git=" + path});
    ASSERT_OK(out);
    EXPECT_EQ(out->at("git"), path);
    EXPECT_FALSE(parse_ssh({"git=" + path + ".none"}).has_value());
    ::unsetenv("SSH_AUTH_SOCK");
    const auto without = parse_ssh({"default"});
    ASSERT_FALSE(without.has_value());
    EXPECT_THAT(without.error().message, HasSubstr("SSH_AUTH_SOCK is not set"));
    ASSERT_EQ(::setenv("SSH_AUTH_SOCK", path.c_str(), 1), 0);
    EXPECT_OK(parse_ssh({"default"}));
    ::unsetenv("SSH_AUTH_SOCK");
}

}  // namespace
}  // namespace synchost::host
