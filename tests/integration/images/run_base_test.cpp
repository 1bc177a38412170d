// RUN on images of a registry: their layers unpacked, their files removed, their steps kept. Needs root.
#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "base/subprocess.hpp"
#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using test::RegistryServer;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class RunOnBase : public testing::Test {
  protected:
    void SetUp() override {
        auto server = RegistryServer::start();
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
        ImageContext base;
        base.file("busybox", read_file("/bin/busybox").value(), 0755)
            .file("t/one", "1")
            .file("t/two", "2")
            .file("Dockerfile",
                  "FROM scratch\nCOPY busybox /bin/\nCOPY busybox /bin/sh\nCOPY --chmod=1777 t /tmp/\n"
                  "RUN busybox chmod 1777 /tmp\n");
        const TempDir store = TempDir::make("store").value();
        const auto image =
            build({.context = base.path()}, {.store = store.path(), .registries = &connector_});
        ASSERT_OK(image);
        ASSERT_OK(push(*image, reference("base:1"), {.store = store.path(), .registries = &connector_}));
    }
    [[nodiscard]] registry::Reference reference(const std::string& name) const {
        return registry::Reference::parse(server_->address() + "/" + name).value();
    }
    Image make(const std::string& steps, BuildRequest request = {}) {
        context_.file("Dockerfile", "FROM " + reference("base:1").to_string() + "\n" + steps);
        request.context = context_.path();
        lines_.clear();
        auto image = build(request, tools());
        EXPECT_OK(image);
        return image ? *std::move(image) : Image{};
    }
    BuildTools tools() {
        return {.store = store_.path(), .registries = &connector_, .progress = [&](const std::string& line) {
                    lines_.push_back(line);
                }};
    }

    // The image as skopeo fetches it and tar unpacks it, layer by layer.
    [[nodiscard]] TempDir unpack(const std::string& name) const {
        TempDir out = TempDir::make("unpacked").value();
        const std::string fetched = (out.path() / "image").string();
        EXPECT_OK(check_output({.argv = {"skopeo", "copy", "--src-tls-verify=false",
                                         "docker://" + reference(name).to_string(), "dir:" + fetched}},
                               Errc::registry));
        const auto manifest = registry::parse_manifest(read_file(fetched + "/manifest.json").value(), "");
        EXPECT_OK(manifest);
        const std::filesystem::path root = out.path() / "root";
        std::filesystem::create_directories(root);
        for (const auto& layer : std::get<registry::Manifest>(*manifest).layers) {
            const std::string tar = fetched + "/" + layer.digest.hex();
            const std::string filter = layer.media_type.ends_with("zstd") ? "--zstd" : "-z";
            const auto names = check_output({.argv = {"tar", filter, "-tf", tar}}, Errc::io);
            EXPECT_OK(names);
            std::istringstream lines(*names);
            for (std::string line; std::getline(lines, line);) {
                const std::filesystem::path path = line;
                const std::string file = path.filename().string();
                if (file.starts_with(".wh."))
                    std::filesystem::remove_all(root / path.parent_path() / file.substr(4));
            }
            EXPECT_OK(check_output({.argv = {"tar", filter, "--numeric-owner", "--same-owner", "-p",
                                             "--exclude=.wh.*", "-xf", tar, "-C", root.string()}},
                                   Errc::io));
        }
        return out;
    }

    registry::Connector connector_;
    std::optional<RegistryServer> server_;
    ImageContext context_;
    TempDir store_ = TempDir::make("store").value();
    std::vector<std::string> lines_;
};

TEST_F(RunOnBase, SeesItsFilesAndTheirAttributes) {
    make("RUN busybox stat -c %a /tmp && busybox cat /tmp/one /tmp/two && echo\n");
    EXPECT_THAT(lines_, Contains("2| 1777"));
    EXPECT_THAT(lines_, Contains("2| 12"));
}

TEST_F(RunOnBase, WhatAKeptStepRemovedIsNotTakenFromTheBaseAgain) {
    context_.file("late", "1");
    make("RUN busybox rm /tmp/one\nCOPY late /\nRUN busybox ls /tmp\n");
    context_.file("late", "2");
    const Image image = make(
        "RUN busybox rm /tmp/one\nCOPY late /\nRUN busybox ls /tmp\n"
        "FROM scratch\nCOPY --from=0 /tmp /x\n");
    EXPECT_THAT(lines_, Contains(HasSubstr("rm /tmp/one (kept from an earlier build)")));
    EXPECT_THAT(lines_, Contains("4| two"));
    EXPECT_THAT(lines_, Not(Contains("4| one")));
    ASSERT_OK(push(image, reference("x:1"), tools()));
    const TempDir out = unpack("x:1");
    EXPECT_TRUE(std::filesystem::exists(out.path() / "root/x/two"));
    EXPECT_FALSE(std::filesystem::exists(out.path() / "root/x/one"));
}

TEST_F(RunOnBase, AKeptStepNeedsNoLayerOfTheBase) {
    make("RUN echo ran\n");
    std::filesystem::remove_all(store_.path() / "blobs");
    make("RUN echo ran\n");
    EXPECT_THAT(lines_, Not(Contains("2| ran")));
    std::size_t blobs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(store_.path() / "blobs/sha256"))
        blobs += entry.is_regular_file() ? 1 : 0;
    EXPECT_EQ(blobs, 1u) << "the step's own layer, made from its folder";
}

TEST_F(RunOnBase, TheResultUnpacksElsewhereToWhatTheStepLeft) {
    const Image image = make(
        "RUN busybox rm /tmp/one && echo new >/tmp/three && busybox mkdir -m 750 /d && "
        "busybox chmod 4755 /bin/busybox && busybox ln /tmp/three /d/three\n",
        {.compression = Compression::gzip});
    ASSERT_OK(push(image, reference("out:1"), tools()));
    const TempDir out = unpack("out:1");
    const auto listing =
        check_output({.argv = {"find", ".", "-not", "-path", "./bin*", "-printf", "%m %n %p %s\n"},
                      .cwd = out.path() / "root"},
                     Errc::io);
    ASSERT_OK(listing);
    EXPECT_THAT(*listing, HasSubstr("1777 2 ./tmp "));
    EXPECT_THAT(*listing, HasSubstr("644 2 ./tmp/three 4\n"));
    EXPECT_THAT(*listing, HasSubstr("644 2 ./d/three 4\n"));
    EXPECT_THAT(*listing, HasSubstr("750 2 ./d "));
    EXPECT_THAT(*listing, HasSubstr("./tmp/two 1\n"));
    EXPECT_THAT(*listing, Not(HasSubstr("./tmp/one")));
    const auto mode =
        check_output({.argv = {"stat", "-c", "%a", (out.path() / "root/bin/busybox").string()}}, Errc::io);
    EXPECT_EQ(mode.value_or(""), "4755\n");
}

}  // namespace
}  // namespace synchost::images
