#include "host/engine/kept_image.hpp"

#include <sys/stat.h>

#include <boost/asio/io_context.hpp>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

KeptImage example() {
    return {.digest = sha256("image"),
            .inputs = xxh3("inputs"),
            .owner = images::Owner{1000, 7},
            .managed_paths = {"/app/", "/etc/app.conf"},
            .paths = {"/app/a", "/app/with\nnewline", "/app/\xff", "/etc/app.conf"},
            .base_configs = {{"python:3", std::string(100'000, '{')}, {"scratched", ""}}};
}

TEST(KeptImage, IsReadBackAsItWasWritten) {
    const auto read = parse_kept_image(format_kept_image(example()));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->digest, example().digest);
    EXPECT_EQ(read->inputs, example().inputs);
    ASSERT_TRUE(read->owner);
    EXPECT_EQ(read->owner->uid, 1000u);
    EXPECT_EQ(read->owner->gid, 7u);
    EXPECT_EQ(read->managed_paths, example().managed_paths);
    EXPECT_EQ(read->paths, example().paths);
    EXPECT_EQ(read->base_configs, example().base_configs);
    KeptImage without = example();
    without.owner.reset();
    EXPECT_FALSE(parse_kept_image(format_kept_image(without)).value().owner);
}

TEST(KeptImage, WhatIsCutOffOrDamagedIsNone) {
    KeptImage image = example();
    image.base_configs = {{"python:3", "{}"}};
    const std::string whole = format_kept_image(image);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(parse_kept_image(std::string_view(whole).substr(0, size))) << size;
        std::string damaged = whole;
        damaged[size] = static_cast<char>(damaged[size] ^ 1);
        EXPECT_FALSE(parse_kept_image(damaged)) << size;
    }
    EXPECT_FALSE(parse_kept_image(whole + "x"));
}

TEST(KeptImage, LiesInAPrivateFileUntilItIsForgotten) {
    const auto dir = TempDir::make("kept").value();
    const auto file = kept_image_file(dir.path(), "registry.example/team/app");
    EXPECT_FALSE(KeptImage::load(file));
    ASSERT_OK(example().save(file));
    ASSERT_TRUE(KeptImage::load(file));
    struct stat info{};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    EXPECT_NE(file, kept_image_file(dir.path(), "app"));
    forget_kept_images(dir.path());
    EXPECT_FALSE(KeptImage::load(file));
}

TEST(RebuildInputs, DependOnTheContentOfWhatARunMayHaveRead) {
    const auto dir = TempDir::make("context").value();
    ASSERT_OK(write_file_atomic(dir.path() / "Dockerfile", "FROM scratch\n"));
    ASSERT_OK(write_file_atomic(dir.path() / "package.json", "{}"));
    boost::asio::io_context io;
    Service service("app", registry::Reference::parse("localhost:5000/app").value(), io.get_executor());
    service.request.context = dir.path();
    const auto inputs = [&](const std::vector<std::string>& baked) {
        const auto out = rebuild_inputs(service, NodeTable{}, baked);
        EXPECT_OK(out);
        return out.value_or(Xxh3{});
    };
    const Xxh3 before = inputs({"package.json"});
    EXPECT_NE(before, inputs({}));
    EXPECT_EQ(before, inputs({"package.json"}));
    ASSERT_OK(write_file_atomic(dir.path() / "package.json", "[]"));
    EXPECT_NE(before, inputs({"package.json"}));
}

}  // namespace
}  // namespace synchost::host
