#include "images/config/users.hpp"

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kPasswd = "root:x:0:0:root:/root:/bin/sh\n# comment\napp:x:41:42::/:\nbroken:x\n";
constexpr std::string_view kGroup = "root:x:0:\nstaff:x:50:app\n";

Result<Owner> resolve(std::string_view text, ImpliedGroup implied = ImpliedGroup::zero) {
    return resolve_user(split_user(text), implied, kPasswd, kGroup);
}

void expect(const Result<Owner>& owner, std::uint32_t uid, std::uint32_t gid) {
    ASSERT_OK(owner);
    EXPECT_EQ(owner->uid, uid);
    EXPECT_EQ(owner->gid, gid);
}

TEST(Users, NumbersNeedNoFile) {
    expect(resolve_user(split_user("1000"), ImpliedGroup::zero, "", ""), 1000, 0);
    expect(resolve_user(split_user("5"), ImpliedGroup::same_number, "", ""), 5, 5);
    expect(resolve_user(split_user(":7"), ImpliedGroup::same_number, "", ""), 0, 7);
    expect(resolve_user(split_user("5:6"), ImpliedGroup::same_number, "", ""), 5, 6);
    expect(resolve_user(split_user(""), ImpliedGroup::zero, "", ""), 0, 0);
    expect(resolve_user(split_user("root"), ImpliedGroup::zero, "", ""), 0, 0);
    EXPECT_FALSE(needs_passwd(split_user("5:6")));
}

TEST(Users, NamesComeFromTheFiles) {
    expect(resolve("app"), 41, 42);
    expect(resolve("app:staff"), 41, 50);
    expect(resolve("app:9"), 41, 9);
    EXPECT_TRUE(needs_passwd(split_user("app")));
    EXPECT_TRUE(needs_group(split_user("0:staff")));
}

TEST(Users, UnknownNamesAreRefused) {
    EXPECT_ERROR(resolve("nobody"), Errc::invalid_input, "nobody is not in the image's /etc/passwd");
    EXPECT_ERROR(resolve("broken"), Errc::invalid_input, "broken");
    EXPECT_ERROR(resolve("app:nogroup"), Errc::invalid_input, "/etc/group");
    EXPECT_ERROR(resolve("4294967296"), Errc::invalid_input, "/etc/passwd");
}

}  // namespace
}  // namespace synchost::images
