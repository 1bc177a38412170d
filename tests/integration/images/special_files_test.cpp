// Devices, FIFOs and extended attributes: from a context and a base image, through COPY --from and ADD, to
// what skopeo fetches and GNU tar lists and unpacks.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/subprocess.hpp"
#include "images/builder.hpp"
#include "images/layer/tar_writer.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::HasSubstr;

// The layers that skopeo fetches.
std::vector<std::string> layers_of(const std::string& image, const std::filesystem::path& folder) {
    EXPECT_OK(check_output(
        {.argv = {"skopeo", "copy", "--src-tls-verify=false", "docker://" + image, "dir:" + folder.string()}},
        Errc::registry));
    const auto manifest = registry::parse_manifest(read_file(folder / "manifest.json").value(), "");
    EXPECT_OK(manifest);
    std::vector<std::string> out;
    for (const auto& layer : std::get<registry::Manifest>(*manifest).layers)
        out.push_back((folder / layer.digest.hex()).string());
    return out;
}

// As GNU tar lists them, with one blank between columns.
std::string listing_of(const std::vector<std::string>& layers) {
    std::string out;
    for (const std::string& layer : layers) {
        const auto listing = check_output(
            {.argv = {"tar", "--zstd", "--numeric-owner", "--full-time", "--utc", "-tvf", layer}}, Errc::io);
        EXPECT_OK(listing);
        for (const char c : *listing) {
            if (c != ' ' || !out.ends_with(' ')) out += c;
        }
    }
    return out;
}

std::string attribute(const std::filesystem::path& path, const char* name) {
    std::string out(100, '\0');
    const ssize_t size = ::lgetxattr(path.c_str(), name, out.data(), out.size());
    out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return out;
}

TEST(SpecialFilesInImages, ComeThroughACopyFromAnImage) {
    const auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    const registry::Connector connector;
    const auto store = TempDir::make("store");
    const BuildTools tools{.store = store->path(), .registries = &connector};
    const auto push_as = [&](const test::ImageContext& context, const std::string& name) {
        const auto image = build({.context = context.path()}, tools);
        ASSERT_OK(image);
        ASSERT_OK(push(*image, registry::Reference::parse(name).value(), tools));
    };

    test::ImageContext base;
    const Xattrs capability = {
        {"security.capability", std::string("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20)}};
    base.file("Dockerfile", "FROM scratch\nADD a.tar /a/\nCOPY d /d\n")
        .file("a.tar",
              tar_header({.path = "null", .type = '3', .mode = 0666, .mtime = 86'400, .device = {1, 3}}) +
                  tar_header({.path = "disk", .type = '4', .mode = 0660, .gid = 6, .device = {8, 17}}) +
                  tar_header({.path = "ping", .mode = 0755, .xattrs = &capability}) + std::string(tar_end()))
        .file("d/f", "1");
    ASSERT_EQ(::mkfifo((base.path() / "d/pipe").c_str(), 0620), 0);
    ::chmod((base.path() / "d/pipe").c_str(), 0620);
    if (::setxattr((base.path() / "d/f").c_str(), "user.note", "hi", 2, 0) != 0)
        GTEST_SKIP() << "the file system has no user attributes";
    const std::string base_name = server->address() + "/base:1";
    push_as(base, base_name);
    const auto fetched = TempDir::make("fetched");
    EXPECT_THAT(listing_of(layers_of(base_name, fetched->path())),
                HasSubstr("crw-rw-rw- 0/0 1,3 1970-01-02 00:00:00 a/null\n"));

    test::ImageContext context;
    context.file("Dockerfile", "FROM scratch\nCOPY --from=" + base_name + " / /copy/\n");
    const std::string name = server->address() + "/copy:1";
    push_as(context, name);
    const auto copied = TempDir::make("fetched");
    const std::vector<std::string> layers = layers_of(name, copied->path());
    ASSERT_EQ(layers.size(), 1u);
    const std::string listing = listing_of(layers);
    EXPECT_THAT(listing, HasSubstr("crw-rw-rw- 0/0 1,3 1970-01-02 00:00:00 copy/a/null\n"));
    EXPECT_THAT(listing, HasSubstr("brw-rw---- 0/6 8,17 1970-01-01 00:00:00 copy/a/disk\n"));
    EXPECT_THAT(listing, HasSubstr("prw--w---- 0/0 0 1970-01-01 00:00:00 copy/d/pipe\n"));
    const bool may_set_capabilities = ::geteuid() == 0;
    ASSERT_OK(
        check_output({.argv = {"tar", "--zstd", "--xattrs",
                               may_set_capabilities ? "--xattrs-include=*" : "--xattrs-include=user.*", "-xf",
                               layers[0], "-C", copied->path().string(), "copy/a/ping", "copy/d/f"}},
                     Errc::io));
    EXPECT_EQ(attribute(copied->path() / "copy/d/f", "user.note"), "hi");
    if (may_set_capabilities)
        EXPECT_EQ(attribute(copied->path() / "copy/a/ping", "security.capability"),
                  capability.at("security.capability"));
}

}  // namespace
}  // namespace synchost::images
