// Builds of several platforms, with skopeo as the reader that chooses one.
#include <gmock/gmock.h>

#include "images/config/platform.hpp"
#include "images/image_set.hpp"
#include "images/output/output.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::HasSubstr;

class PlatformBuild : public testing::Test {
  protected:
    void SetUp() override {
        auto server = test::RegistryServer::start();
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
    }
    BuildTools tools() {
        return {.store = store_.path(),
                .registries = &connector_,
                .progress = [this](const std::string& line) { told_ += line + "\n"; }};
    }
    static std::string must(std::vector<std::string> argv) {
        const auto out = check_output({.argv = std::move(argv)}, Errc::io);
        EXPECT_OK(out);
        return out.value_or("");
    }
    [[nodiscard]] std::string at(const std::string& name) const { return (folder_.path() / name).string(); }
    [[nodiscard]] registry::Reference name(const std::string& image) const {
        return registry::Reference::parse(server_->address() + "/" + image).value();
    }
    Result<ImageSet> built(const std::string& dockerfile, const std::string& platforms) {
        ImageContext context;
        context.file("Dockerfile", dockerfile);
        TRY_ASSIGN(const auto wanted, parse_build_platforms({platforms}));
        return build_each({.context = context.path()}, wanted, tools());
    }
    // An image per platform whose file /is names it.
    void push_base(const std::string& platforms) {
        const auto base = built(
            "FROM scratch\nARG TARGETARCH TARGETVARIANT\nCOPY <<EOF /is\n$TARGETARCH$TARGETVARIANT\nEOF\n",
            platforms);
        ASSERT_OK(base);
        ASSERT_OK(push(*base, name("base:1"), tools()));
        store_ = TempDir::make("store").value();
    }

    std::optional<test::RegistryServer> server_;
    registry::Connector connector_;
    TempDir store_ = TempDir::make("store").value();
    TempDir folder_ = TempDir::make("out").value();
    std::string told_;
};

TEST_F(PlatformBuild, BaseImagesAreThoseOfThePlatform) {
    push_base("linux/amd64,linux/arm/v6,linux/arm64,linux/s390x");
    const std::string base = name("base:1").to_string();
    const std::string fixed = "FROM --platform=linux/s390x " + base + " AS other\n";
    const auto set = built(
        fixed + "FROM " + base + "\nCOPY --from=other /is /other\nCOPY --from=" + base + " /is /copied\n",
        "linux/amd64,linux/arm64,linux/arm/v7");
    ASSERT_OK(set);
    ASSERT_OK(write_output(*set, {.kind = OutputKind::root_folder, .dest = at("out")}, {}, tools()));
    for (const auto& [folder, word] :
         {std::pair{"linux_amd64", "amd64\n"}, std::pair{"linux_arm64", "arm64\n"},
          std::pair{"linux_arm_v7", "armv6\n"}}) {
        EXPECT_EQ(read_file(at("out") + "/" + folder + "/is").value_or(""), word);
        EXPECT_EQ(read_file(at("out") + "/" + folder + "/copied").value_or(""), word);
        EXPECT_EQ(read_file(at("out") + "/" + folder + "/other").value_or(""), "s390x\n");
    }
    ASSERT_OK(write_output(*set, {.kind = OutputKind::root_tar, .dest = at("out.tar")}, {}, tools()));
    must({"sh", "-c", "mkdir \"$1/t\" && tar -C \"$1/t\" -xf \"$1/out.tar\"", "sh", at("")});
    EXPECT_EQ(must({"diff", "-r", at("t"), at("out")}), "");
    EXPECT_EQ(platform_of(set->images[2])->to_string(), "linux/arm/v7");
    EXPECT_ERROR(built("FROM " + base + "\n", "linux/amd64,linux/riscv64"), Errc::not_found,
                 "linux/riscv64: Dockerfile:1");
}

TEST_F(PlatformBuild, SkopeoChoosesEachOfThePushedIndex) {
    push_base("linux/amd64,linux/arm64");
    const auto set =
        built("FROM " + name("base:1").to_string() + "\nCOPY Dockerfile /\n", "linux/amd64,linux/arm64");
    ASSERT_OK(set);
    const auto first = push(*set, name("app:1"), tools());
    ASSERT_OK(first);
    EXPECT_EQ(first->blobs_mounted, 2u);
    const std::string source = "docker://" + name("app:1").to_string();
    EXPECT_EQ(must({"skopeo", "inspect", "--raw", "--tls-verify=false", source}), set->index);
    const std::vector<std::string> words = {"amd64", "arm64"};
    for (std::size_t number = 0; number < words.size(); ++number) {
        const std::string arch = "--override-arch=" + words[number];
        must({"skopeo", arch, "copy", "--src-tls-verify=false", source,
              "oci:" + at("oci") + ":" + words[number]});
        EXPECT_EQ(must({"skopeo", arch, "inspect", "--format", "{{.Digest}} {{.Architecture}}",
                        "oci:" + at("oci") + ":" + words[number]}),
                  set->images[number].digest.to_string() + " " + words[number] + "\n");
    }
    const auto again = push(*set, name("app:1"), tools());
    ASSERT_OK(again);
    EXPECT_EQ(again->blobs_sent, 0u);
}

TEST_F(PlatformBuild, LayoutsAndArchivesHoldTheIndex) {
    const auto set = built("FROM scratch\nCOPY Dockerfile /\n", "linux/amd64,linux/arm64,linux/arm/v6");
    ASSERT_OK(set);
    const std::vector<registry::Reference> names = {name("app:one")};
    ASSERT_OK(write_output(*set, {.kind = OutputKind::oci_folder, .dest = at("oci")}, names, tools()));
    ASSERT_OK(write_output(*set, {.kind = OutputKind::oci_archive, .dest = at("oci.tar")}, names, tools()));
    must({"sh", "-c", "mkdir \"$1/unpacked\" && tar -C \"$1/unpacked\" -xf \"$1/oci.tar\"", "sh", at("")});
    EXPECT_EQ(must({"diff", "-r", at("oci"), at("unpacked")}), "");
    for (const std::string& source : {"oci:" + at("oci") + ":one", "oci-archive:" + at("oci.tar") + ":one"}) {
        EXPECT_EQ(must({"skopeo", "inspect", "--raw", source}), set->index);
        EXPECT_THAT(must({"skopeo", "--override-arch=arm64", "inspect", "--config", source}),
                    HasSubstr("\"architecture\": \"arm64\""));
        EXPECT_THAT(
            must({"skopeo", "--override-arch=arm", "--override-variant=v6", "inspect", "--config", source}),
            HasSubstr("\"variant\": \"v6\""));
    }
    // All of it is there: another registry gets it whole.
    must({"skopeo", "copy", "--all", "--preserve-digests", "--dest-tls-verify=false",
          "oci:" + at("oci") + ":one", "docker://" + name("copy:1").to_string()});
    EXPECT_EQ(connector_.client(server_->address()).head_manifest(name("copy:1")).value(),
              set->root().digest);
}

TEST_F(PlatformBuild, AnImageWithoutAnIndexIsTakenAndSaidToBeAnothers) {
    const auto base = built("FROM scratch\nCOPY Dockerfile /\n", "linux/s390x");
    ASSERT_OK(base);
    ASSERT_OK(push(*base, name("one:1"), tools()));
    const std::string from = "FROM " + name("one:1").to_string() + "\nLABEL a=b\n";
    const auto single = built(from, "linux/amd64");
    ASSERT_OK(single);
    EXPECT_THAT(told_, HasSubstr("is for linux/s390x and not for linux/amd64"));
    EXPECT_EQ(platform_of(single->images[0])->to_string(), "linux/s390x");
    EXPECT_ERROR(built(from, "linux/amd64,linux/arm64"), Errc::conflict, "linux/s390x");
}

}  // namespace
}  // namespace synchost::images
