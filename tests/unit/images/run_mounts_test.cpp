#include "images/graph/run_mounts.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<RunFlags> parse(const std::string& flags) {
    TRY_ASSIGN(const Dockerfile file, parse_dockerfile("FROM scratch\nRUN " + flags + " x\n", "Dockerfile"));
    return parse_run_flags(
        file.instructions[1],
        [](std::string_view name) {
            return name == "X" ? std::optional<std::string>("value") : std::nullopt;
        },
        '\\');
}
RunMount mount(const std::string& value) {
    const auto flags = parse("--mount=" + value);
    EXPECT_OK(flags);
    return flags ? flags->mounts.at(0) : RunMount{};
}
std::string refusal(const std::string& flags) {
    const auto out = parse(flags);
    return out ? "accepted" : out.error().message + " " + out.error().next_step;
}

TEST(RunFlags, BindIsTheDefaultAndReadOnly) {
    const RunMount out = mount("from=build,src=/out,dst=/in");
    EXPECT_EQ(out.type, MountType::bind);
    EXPECT_EQ(out.from, "build");
    EXPECT_EQ(out.source, "/out");
    EXPECT_EQ(out.target, "/in");
    EXPECT_FALSE(out.writable);
    EXPECT_TRUE(mount("target=/in,rw").writable);
    EXPECT_FALSE(mount("target=/in,rw=false").writable);
}

TEST(RunFlags, CacheHasItsTargetAsIdAndIsWritable) {
    const RunMount out = mount("type=cache,target=/root/.npm,sharing=locked,mode=0700,uid=5,gid=6");
    EXPECT_EQ(out.type, MountType::cache);
    EXPECT_EQ(out.id, "/root/.npm");
    EXPECT_TRUE(out.writable);
    EXPECT_EQ(out.sharing, CacheSharing::locked);
    EXPECT_EQ(out.mode, 0700u);
    EXPECT_EQ(out.uid, 5u);
    EXPECT_EQ(out.gid, 6u);
    EXPECT_EQ(mount("type=cache,target=/c,sharing=private").sharing, CacheSharing::exclusive);
}

TEST(RunFlags, SecretHasAPlaceOfItsOwnUnlessItIsAVariable) {
    EXPECT_EQ(mount("type=secret,id=token").target, "/run/secrets/token");
    EXPECT_EQ(mount("type=secret,target=/a/b").id, "b");
    EXPECT_EQ(mount("type=secret,id=token,env=TOKEN").target, "");
    EXPECT_EQ(mount("type=secret,id=token,env=TOKEN,target=/t").target, "/t");
    EXPECT_TRUE(mount("type=secret,id=token,required").required);
}

TEST(RunFlags, TmpfsTakesASize) {
    EXPECT_EQ(mount("type=tmpfs,target=/t,size=64m").size_bytes, 64u << 20);
    EXPECT_EQ(mount("type=tmpfs,target=/t,size=10").size_bytes, 10u);
    EXPECT_THAT(refusal("--mount=type=tmpfs,target=/t,size=99999999999t"), HasSubstr("too large"));
    EXPECT_THAT(refusal("--mount=type=tmpfs,target=/t,size=-1"), HasSubstr("not a number"));
}

TEST(RunFlags, QuotedFieldsMayHoldCommas) {
    EXPECT_EQ(mount(R"('type=cache,"target=/a,b"')").target, "/a,b");
    EXPECT_THAT(refusal(R"(--mount='type=cache,"target=/a')"), HasSubstr("not closed"));
}

TEST(RunFlags, ValuesAreExpandedButNotFrom) {
    EXPECT_EQ(mount("type=cache,target=/$X,id=${X}s").target, "/value");
    EXPECT_THAT(refusal("--mount=from=$X,target=/t"), HasSubstr("from cannot hold a variable"));
}

TEST(RunFlags, MistakesNameTheLikelyWord) {
    EXPECT_THAT(refusal("--mount=type=cash,target=/t"), HasSubstr("cache"));
    EXPECT_THAT(refusal("--mount=type=cache,tagret=/t"), HasSubstr("target"));
    EXPECT_THAT(refusal("--mont=type=cache,target=/t"), HasSubstr("--mount"));
    EXPECT_THAT(refusal("--mount=type=tmpfs,target=/t,sharing=shared"), HasSubstr("has no key sharing"));
    EXPECT_THAT(refusal("--mount=type=cache"), HasSubstr("needs a target"));
    EXPECT_THAT(refusal("--mount=type=secret"), HasSubstr("needs an id"));
    EXPECT_THAT(refusal("--mount=type=cache,target=/t,mode=9"), HasSubstr("not a number"));
    EXPECT_THAT(refusal("--mount=type=cache,target=/t,ro=maybe"), HasSubstr("true or false"));
}

TEST(RunFlags, NetworkAndSecurity) {
    EXPECT_FALSE(parse("--network=host")->network_none);
    EXPECT_TRUE(parse("--network=none")->network_none);
    EXPECT_THAT(refusal("--network=bridge"), HasSubstr("default, host or none"));
    EXPECT_OK(parse("--security=sandbox"));
    EXPECT_THAT(refusal("--security=insecure"), HasSubstr("never gets more rights"));
}

TEST(RunMountSources, AreThoseThatAreNamed) {
    const auto file = parse_dockerfile(
        "FROM scratch\nRUN --mount=from=a,target=/a --mount=type=cache,target=/c --mount=target=/b,from=1 "
        "x\n",
        "Dockerfile");
    ASSERT_OK(file);
    EXPECT_THAT(run_mount_sources(file->instructions[1]), ElementsAre("a", "1"));
    EXPECT_THAT(run_mount_sources(file->instructions[0]), IsEmpty());
}

}  // namespace
}  // namespace synchost::images
