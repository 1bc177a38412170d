// One Dockerfile and one content, in two folders that were made at other times, in another order and by
// another umask, with stores of their own: one digest.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <functional>

#include "images/builder.hpp"
#include "images/layer/tar_writer.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

constexpr const char* kDockerfile =
    "FROM scratch AS base\n"
    "WORKDIR /srv/app\n"
    "COPY . /all/\n"
    "COPY --chmod=u=rwX,go=rX --chown=5:6 tree /tree/\n"
    "COPY --parents --exclude=*.o tree/./deep /p/\n"
    "ADD --chmod=750 tree /added/\n"
    "ADD archive /unpacked/\n"
    "COPY --chmod=4711 <<a <<\"b\" /here/\n"
    "text\n"
    "a\n"
    "$other\n"
    "b\n"
    "FROM scratch\n"
    "COPY --from=base --link /all/tree /linked/\n"
    "WORKDIR rel/ative\n"
    "COPY --from=base /unpacked .\n"
    "LABEL z=1 a=2\n"
    "ENV B=1 A=2\n"
    "EXPOSE 90 80\n"
    "VOLUME /v /a\n";

std::string archive() {
    const std::string text = "text";
    const Xattrs xattrs = {{"user.b", "1"}, {"user.a", "2"}};
    return tar_header(
               {.path = "d/z", .mode = 0600, .uid = 7, .size = text.size(), .mtime = 99, .xattrs = &xattrs}) +
           text + std::string(tar_padding(text.size())) +
           tar_header({.path = "d/a", .type = '1', .link = "d/z"}) + std::string(tar_end());
}

class Umask {
  public:
    explicit Umask(mode_t mask) : before_(::umask(mask)) {}
    Umask(const Umask&) = delete;
    Umask& operator=(const Umask&) = delete;
    ~Umask() { ::umask(before_); }

  private:
    mode_t before_;
};

struct Way {
    mode_t umask = 022;
    bool backwards = false;
    std::int64_t time = 0;
};

void fill(test::ImageContext& context, const Way& way) {
    std::vector<std::function<void()>> steps;
    for (const char* name : {"tree/z", "tree/a", "tree/deep/er/f", "tree/deep/x.o", "other/b"})
        steps.emplace_back([&context, name] { context.file(name, std::string("of ") + name, 0640); });
    steps.emplace_back([&context] { context.file("tree/run", "#!/bin/sh\n", 0755); });
    steps.emplace_back([&context] { context.file("archive", archive()); });
    steps.emplace_back([&context] { context.file("Dockerfile", kDockerfile); });
    steps.emplace_back([&context] { context.link("tree/link", "../other/b"); });
    if (way.backwards) std::ranges::reverse(steps);
    for (const auto& step : steps) step();
    const std::filesystem::path at = context.path();
    std::filesystem::create_hard_link(at / "tree/a", at / "tree/same");
    for (const char* folder : {"tree/deep/er", "tree/deep", "tree", "other", ""})
        ::chmod((at / folder).c_str(), 0755);
    std::vector<std::string> attributes = {"user.one", "user.two"};
    if (way.backwards) std::ranges::reverse(attributes);
    for (const std::string& name : attributes)
        ::setxattr((at / "tree/z").c_str(), name.c_str(), "value", 5, 0);
    std::int64_t time = way.time;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(at)) {
        const timespec times[2] = {{++time, 7}, {++time, 8}};
        ASSERT_EQ(::utimensat(AT_FDCWD, entry.path().c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
    }
}

Result<Image> build_by(const Way& way, Compression compression) {
    const Umask umask(way.umask);
    test::ImageContext context;
    fill(context, way);
    TRY_ASSIGN(const TempDir store, TempDir::make("store"));
    return build({.context = context.path(), .compression = compression}, {.store = store.path()});
}

TEST(Determinism, TheFoldersHistoryDoesNotMatter) {
    for (const Compression compression : {Compression::zstd, Compression::gzip}) {
        const auto first = build_by({}, compression);
        ASSERT_OK(first);
        for (const Way& way :
             {Way{.umask = 077}, Way{.umask = 0, .backwards = true}, Way{.time = 1'700'000'000}}) {
            const auto other = build_by(way, compression);
            ASSERT_OK(other);
            EXPECT_EQ(first->config, other->config);
            EXPECT_EQ(first->manifest, other->manifest);
        }
    }
}

TEST(Determinism, WhatTheFilesAreDoesMatter) {
    const auto digest = [](const std::string& text, mode_t mode) {
        test::ImageContext context;
        context.file("Dockerfile", "FROM scratch\nCOPY f /f\n").file("f", text, mode);
        const TempDir store = TempDir::make("store").value();
        const auto image = build({.context = context.path()}, {.store = store.path()});
        EXPECT_OK(image);
        return image ? image->digest : Digest();
    };
    EXPECT_EQ(digest("1", 0644), digest("1", 0644));
    EXPECT_NE(digest("1", 0644), digest("2", 0644));
    EXPECT_NE(digest("1", 0644), digest("1", 0600));
}

}  // namespace
}  // namespace synchost::images
