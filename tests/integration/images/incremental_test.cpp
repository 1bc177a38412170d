// Incremental builds: after any edits the file system is the clean build's, read by ourselves and by umoci,
// and a small edit costs a small layer. Needs root.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>

#include "images/builder.hpp"
#include "images/output/output.hpp"
#include "images/store/prune.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;
using test::ImageContext;
using test::RegistryServer;

std::string noise(std::size_t size, std::uint32_t seed = 1) {
    std::mt19937 random(seed);
    std::string out(size, '\0');
    for (char& byte : out) byte = static_cast<char>(random());
    return out;
}

// "mode uid gid content" by path: all that a user can see of a folder but times.
std::map<std::string, std::string> listing(const fs::path& root) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        struct stat info{};
        EXPECT_EQ(::lstat(entry.path().c_str(), &info), 0);
        std::string text = std::to_string(info.st_mode) + " " + std::to_string(info.st_uid) + " " +
                           std::to_string(info.st_gid) + " ";
        if (S_ISLNK(info.st_mode)) text += fs::read_symlink(entry.path()).native();
        if (S_ISREG(info.st_mode)) text += sha256(read_file(entry.path(), 64U << 20).value()).hex();
        out.emplace(entry.path().lexically_relative(root).native(), std::move(text));
    }
    return out;
}

class Edits {
  public:
    Edits(fs::path root, std::uint32_t seed) : root_(std::move(root)), random_(seed) {}

    void edit() {
        for (std::uint32_t i = 0; i <= below(3); ++i) one();
    }

  private:
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
    fs::path path() {
        fs::path out = root_;
        for (std::uint32_t i = 0; i <= below(3); ++i)
            out /= std::string(1, static_cast<char>('a' + below(4)));
        return out;
    }
    void one() {
        std::error_code error;
        const fs::path at = path();
        switch (below(20)) {  // mostly, a file is written
            case 0:
                fs::remove_all(at, error);
                return;
            case 1:
                fs::create_directories(at, error);
                return;
            case 2:
                fs::create_directories(at.parent_path(), error);
                fs::create_symlink("a/" + std::to_string(below(3)), at, error);
                return;
            case 3:
                fs::permissions(at, below(2) == 0 ? fs::perms(0700) : fs::perms(0755),
                                fs::perm_options::nofollow, error);
                return;
            case 4:
                fs::rename(at, path(), error);
                return;
            case 5:  // a folder becomes a file, a file a folder
                if (const bool was_folder = fs::is_directory(fs::symlink_status(at, error)); true) {
                    fs::remove_all(at, error);
                    if (was_folder) std::ignore = write_file_atomic(at, "was a folder");
                    if (!was_folder) fs::create_directories(at / "d", error);
                }
                return;
            default:
                fs::create_directories(at.parent_path(), error);
                if (!fs::is_directory(fs::symlink_status(at, error)))
                    std::ignore = write_file_atomic(at, noise(below(3000), below(1U << 30)), 0644);
        }
    }
    fs::path root_;
    std::mt19937 random_;
};

class Incremental : public testing::Test {
  protected:
    void SetUp() override {
        context_.file("busybox", read_file("/bin/busybox").value(), 0755);
        fill();
    }
    void fill() {
        fs::remove_all(context_.path() / "src");
        fs::remove_all(context_.path() / "more");
        context_.file("src/big", noise(200'000)).file("src/a/b/c", "1").file("src/b", "2");
        context_.file("more/c/a", "3");
    }
    BuildTools tools(const TempDir& store) { return {.store = store.path(), .registries = &connector_}; }
    Result<Image> build_it(bool incremental) {
        return build({.context = context_.path(),
                      .compression = Compression::gzip,  // umoci of Debian 12 knows no zstd
                      .incremental = incremental},
                     tools(incremental ? store_ : clean_));
    }
    Image changed() {
        auto image = build_it(true);
        EXPECT_OK(image);
        return image ? *std::move(image) : Image();
    }
    std::map<std::string, std::string> files_of(const Image& image) {
        const TempDir folder = TempDir::make("root").value();
        EXPECT_OK(write_output(image, {.kind = OutputKind::root_folder, .dest = folder.path() / "r"}, {},
                               tools(store_)));
        return listing(folder.path() / "r");
    }
    std::map<std::string, std::string> files_by_umoci(const Image& image) {
        const TempDir folder = TempDir::make("umoci").value();
        const auto name = registry::Reference::parse("x.test/app:1").value();
        EXPECT_OK(write_output(image, {.kind = OutputKind::oci_folder, .dest = folder.path() / "oci"}, {name},
                               tools(store_)));
        EXPECT_OK(
            check_output({.argv = {"umoci", "unpack", "--image", (folder.path() / "oci").string() + ":1",
                                   (folder.path() / "bundle").string()}},
                         Errc::io));
        return listing(folder.path() / "bundle/rootfs");
    }
    // Returns how many of the builds were differences.
    int edits_are_right(const std::string& dockerfile, std::uint32_t seed, int rounds) {
        context_.file("Dockerfile", dockerfile).file(".dockerignore", "Dockerfile\n");
        Edits source(context_.path() / "src", seed);
        Edits more(context_.path() / "more", seed + 1);
        int differences = 0;
        for (int round = 0; round < rounds; ++round) {
            const auto clean = build_it(false);
            const auto image = build_it(true);
            EXPECT_EQ(clean.has_value(), image.has_value());
            if (!clean) fill();  // a file met a folder: another start
            if (clean && image) {
                differences += image->layers.size() > clean->layers.size() ? 1 : 0;
                EXPECT_EQ(files_of(*clean), files_of(*image)) << "seed " << seed << ", round " << round;
                EXPECT_EQ(image->copied.size(), clean->copied.size());
                if (round % 8 == 7) {
                    EXPECT_EQ(files_of(*clean), files_by_umoci(*image)) << seed << " " << round;
                }
                const auto again = build_it(true);
                EXPECT_TRUE(again && again->digest == image->digest) << "nothing changed";
            }
            if (HasFailure()) return differences;
            source.edit();
            if (round % 2 == 1) more.edit();
        }
        return differences;
    }

    registry::Connector connector_;
    ImageContext context_;
    TempDir store_ = TempDir::make("store").value();
    TempDir clean_ = TempDir::make("clean").value();
};

TEST_F(Incremental, RandomEditsOnNothing) {
    int differences = 0;
    for (const std::uint32_t seed : {1U, 2U, 3U})
        differences += edits_are_right("FROM scratch\nCOPY src/ /app/\nCOPY more/ /app/c/\n", seed, 16);
    EXPECT_GT(differences, 8) << "or the test shows nothing";
}

TEST_F(Incremental, RandomEditsOverWhatARunLeft) {
    int differences = 0;
    for (const std::uint32_t seed : {11U, 12U})
        differences += edits_are_right(
            "FROM scratch AS tools\nCOPY busybox /bin/\nCOPY busybox /bin/sh\nFROM tools\n"
            "RUN busybox mkdir -p /app/a/b /app/d/c && busybox touch /app/a/b/below /app/d/a\n"
            "COPY src/ /app/\nCOPY --from=tools /bin/busybox /app/t/\nCOPY more/ /more/\n",
            seed, 16);
    EXPECT_GT(differences, 4) << "or the test shows nothing";
}

TEST_F(Incremental, RandomEditsOnABaseImage) {
    auto server = RegistryServer::start();
    ASSERT_OK(server);
    const auto name = registry::Reference::parse(server->address() + "/base:1").value();
    ImageContext base;
    base.file("t/a/below", "b").file("t/d/c", "c").file("Dockerfile", "FROM scratch\nCOPY t /app\n");
    const auto image = build({.context = base.path(), .compression = Compression::gzip}, tools(clean_));
    ASSERT_OK(image);
    ASSERT_OK(push(*image, name, tools(clean_)));
    int differences = 0;
    for (const std::uint32_t seed : {21U, 22U, 23U})
        differences +=
            edits_are_right("FROM " + name.to_string() + "\nCOPY src/ /app/\nCOPY more/ /m/\n", seed, 16);
    EXPECT_GT(differences, 2) << "or the test shows nothing";
}

TEST_F(Incremental, WhatTheImageBelowHasByNowIsNotHidden) {
    const auto build_with = [&](const std::string& made_below) {
        context_.file("Dockerfile", "FROM scratch\nCOPY busybox /bin/\nCOPY busybox /bin/sh\nRUN busybox " +
                                        made_below + "\nCOPY src/ /app/\n");
        return files_of(changed());
    };
    build_with("mkdir -p /app");
    fs::remove_all(context_.path() / "src/a");
    EXPECT_FALSE(build_with("mkdir -p /app").contains("app/a"));
    EXPECT_TRUE(build_with("mkdir -p /app/a/below").contains("app/a/below"));
    context_.file("src/a/0", "0");
    build_with("mkdir -p /app");
    fs::remove_all(context_.path() / "src/a");
    context_.file("src/b", "3");
    EXPECT_FALSE(build_with("mkdir -p /app").contains("app/a"));
    context_.file("src/a/1", "1");
    EXPECT_TRUE(build_with("mkdir -p /app/a/below").contains("app/a/below"));
}

TEST_F(Incremental, WhatARunReadsIsOneLayer) {
    context_.file(
        "Dockerfile",
        "FROM scratch\nCOPY busybox /bin/\nCOPY busybox /bin/sh\nCOPY src/ /app/\nRUN busybox ls /app "
        ">/list\nCOPY more/ /more/\n");
    changed();
    context_.file("src/b", "other");
    const Image image = changed();
    EXPECT_EQ(image.layers.size(), 5u);
}

TEST_F(Incremental, ASavedFileIsASmallLayer) {
    context_.file("Dockerfile", "FROM scratch\nCOPY src/ /app/\n");
    const Image first = changed();
    EXPECT_EQ(first.layers.size(), 1u);
    context_.file("src/b", "22");
    const Image second = changed();
    ASSERT_EQ(second.layers.size(), 2u);
    EXPECT_EQ(second.layers[0].blob, first.layers[0].blob);
    EXPECT_LT(second.layers[1].blob.size, 1000u);
    EXPECT_EQ(changed().digest, second.digest);
    context_.file("src/b", "2");
    EXPECT_EQ(changed().digest, first.digest) << "a layer of all of it was made before";
}

TEST_F(Incremental, ARemovedFileIsAWhiteout) {
    context_.file("Dockerfile", "FROM scratch\nCOPY src/ /app/\n");
    changed();
    fs::remove_all(context_.path() / "src/a");
    const Image image = changed();
    EXPECT_EQ(image.layers.size(), 2u);
    const auto files = files_by_umoci(image);
    EXPECT_FALSE(files.contains("app/a"));
    EXPECT_TRUE(files.contains("app/b"));
}

TEST_F(Incremental, AfterAFewItIsOneLayerAgain) {
    context_.file("Dockerfile", "FROM scratch\nCOPY src/ /app/\n");
    std::vector<std::size_t> layers;
    for (int i = 0; i < 7; ++i) {
        context_.file("src/b", std::to_string(i));
        layers.push_back(changed().layers.size());
    }
    EXPECT_THAT(layers, testing::ElementsAre(1, 2, 3, 4, 5, 1, 2));
}

TEST_F(Incremental, HalfOfAllIsOneLayer) {
    context_.file("Dockerfile", "FROM scratch\nCOPY src/ /app/\n");
    changed();
    context_.file("src/big", noise(190'000, 7));
    EXPECT_EQ(changed().layers.size(), 1u);
}

TEST_F(Incremental, ALostOrDamagedRecordCostsALayerAndNoMore) {
    context_.file("Dockerfile", "FROM scratch\nCOPY src/ /app/\n");
    for (int i = 0; i < 3; ++i) {
        changed();
        for (const auto& record : fs::directory_iterator(store_.path() / "chains")) {
            std::string bytes = read_file(record.path()).value();
            if (i == 0) bytes[bytes.size() / 2] ^= 1;
            if (i == 1) bytes.clear();
            ASSERT_OK(write_file_atomic(record.path(), bytes));
        }
        if (i == 2) ASSERT_OK(prune_store(store_.path(), PruneScope::everything, 0));
        context_.file("src/b", "x" + std::to_string(i));
        const Image image = changed();
        EXPECT_EQ(image.layers.size(), 1u);
        EXPECT_TRUE(files_of(image).contains("app/b"));
    }
}

TEST_F(Incremental, AnUnaskedBuildStaysClean) {
    context_.file("Dockerfile", "FROM scratch\nCOPY src/ /app/\n");
    changed();
    context_.file("src/b", "22");
    const auto plain = build({.context = context_.path(), .compression = Compression::gzip}, tools(store_));
    ASSERT_OK(plain);
    const auto clean = build_it(false);
    ASSERT_OK(clean);
    EXPECT_EQ(plain->digest, clean->digest);
}

}  // namespace
}  // namespace synchost::images
