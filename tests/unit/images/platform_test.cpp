#include "images/config/platform.hpp"

#include <gmock/gmock.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "images/exec/can_run_here.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::HasSubstr;

std::string normal(std::string_view text) {
    const auto platform = parse_build_platform(text);
    return platform ? platform->to_string() : "";
}

TEST(BuildPlatform, IsOneWordForEachThing) {
    EXPECT_EQ(normal("linux/x86_64"), "linux/amd64");
    EXPECT_EQ(normal("Linux/AMD64"), "linux/amd64");
    EXPECT_EQ(normal("linux/amd64/v1"), "linux/amd64");
    EXPECT_EQ(normal("linux/amd64/v3"), "linux/amd64/v3");
    EXPECT_EQ(normal("linux/aarch64"), "linux/arm64");
    EXPECT_EQ(normal("linux/arm64/v8"), "linux/arm64");
    EXPECT_EQ(normal("linux/arm64/8"), "linux/arm64");
    EXPECT_EQ(normal("linux/arm"), "linux/arm/v7");
    EXPECT_EQ(normal("linux/arm/6"), "linux/arm/v6");
    EXPECT_EQ(normal("linux/armel"), "linux/arm/v6");
    EXPECT_EQ(normal("s390x"), "linux/s390x");
    EXPECT_EQ(normal("linux"), "linux/" + registry::host_platform().architecture);
}

TEST(BuildPlatform, ListsCountEachOnce) {
    const auto found = parse_build_platforms({"linux/arm64,linux/amd64", "linux/arm64/v8,arm"});
    ASSERT_OK(found);
    std::string all;
    for (const registry::Platform& platform : *found) all += platform.to_string() + " ";
    EXPECT_EQ(all, "linux/arm64 linux/amd64 linux/arm/v7 ");
    EXPECT_TRUE(parse_build_platforms({})->empty());
    for (const char* bad : {"", ",", "linux/amd64,", "linux/", "a/b/c/d", "linux/a b"})
        EXPECT_ERROR(parse_build_platforms({bad}), Errc::invalid_input, "is none") << bad;
}

class CanRunHere : public testing::Test {
  protected:
    void entry(const std::string& name, const std::string& text) {
        ASSERT_OK(write_file_atomic(folder_.path() / name, text));
    }
    Result<> asked(const std::string& platform) {
        return can_run_here(*registry::parse_platform(platform), {"linux", "amd64", {}, {}}, folder_.path());
    }
    TempDir folder_ = TempDir::make("binfmt").value();
};

constexpr const char* kArm64 =
    "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POCF\noffset 0\n"
    "magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

TEST_F(CanRunHere, ItsOwnProgramsAlways) {
    EXPECT_OK(asked("linux/amd64"));
    EXPECT_OK(asked("linux/amd64/v3"));
    EXPECT_OK(asked("linux/386"));
    EXPECT_OK(asked("linux/x86_64"));
    EXPECT_OK(can_run_here(registry::host_platform()));
}

TEST_F(CanRunHere, OthersByAnEmulatorThatAStepCanReach) {
    EXPECT_ERROR(asked("linux/arm64"), Errc::unsupported,
                 "RUN for linux/arm64: this machine is linux/amd64 and has no emulator for it");
    EXPECT_THAT(asked("linux/arm64").error().next_step, HasSubstr("binfmt_misc"));
    entry("status", "enabled\n");
    entry("register", "");
    const std::string good = kArm64;
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string out = good;
        out.replace(out.find(from), from.size(), to);
        return out;
    };
    for (const std::string& bad :
         {with("enabled", "disabled"), with("POCF", "POC"), with("b700", "f300"), with("7f45", "7f46"),
          with("offset 0", "offset 1"), with("0200b700", "0200b7"), std::string("enabled\n")}) {
        entry("qemu-aarch64", bad);
        EXPECT_FALSE(asked("linux/arm64")) << bad;
    }
    entry("qemu-aarch64", good);
    EXPECT_OK(asked("linux/arm64"));
    EXPECT_FALSE(asked("linux/riscv64"));
    EXPECT_FALSE(asked("linux/unheard-of"));
    entry("other", with("b700", "f300"));
    EXPECT_OK(asked("linux/riscv64"));
}

TEST_F(CanRunHere, NoOtherSystemsPrograms) {
    entry("qemu-aarch64", kArm64);
    EXPECT_ERROR(asked("windows/arm64"), Errc::unsupported, "windows/arm64");
    EXPECT_ERROR(asked("windows/amd64"), Errc::unsupported, "windows/amd64");
}

}  // namespace
}  // namespace synchost::images
