// Layers as folders: hostile entries, whiteouts in overlayfs's form, attributes. Needs root.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "images/exec/layer_folders.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;

class Bytes final : public TarContent {
  public:
    explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
    Result<> read(const std::function<Result<>(std::string_view)>& sink) override { return sink(bytes_); }

  private:
    std::string bytes_;
};

class Unpack : public testing::Test {
  protected:
    Unpack() {
        fs::create_directories(root());
        fs::create_directories(outside());
    }
    [[nodiscard]] fs::path root() const { return folder_.path() / "layer"; }
    [[nodiscard]] fs::path outside() const { return folder_.path() / "outside"; }
    Result<> unpack(const std::vector<TarEntry>& entries) const {
        return unpack_into(root(), [&](const TarVisitor& visit) -> Result<> {
            for (const TarEntry& entry : entries) {
                Bytes content("content of " + entry.path);
                TRY(visit(entry, content));
            }
            return {};
        });
    }
    [[nodiscard]] struct stat info(const std::string& path) const {
        struct stat out{};
        EXPECT_EQ(::lstat((root() / path).c_str(), &out), 0) << path;
        return out;
    }
    [[nodiscard]] bool is_whiteout(const std::string& path) const {
        const struct stat out = info(path);
        return S_ISCHR(out.st_mode) && out.st_rdev == 0;
    }
    [[nodiscard]] bool is_opaque(const std::string& path) const {
        char value = 0;
        return ::lgetxattr((root() / path).c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
    }
    static TarEntry file(const std::string& path, std::uint32_t mode = 0644) {
        return {.path = path, .kind = TarKind::file, .mode = mode};
    }
    static TarEntry folder(const std::string& path, std::uint32_t mode = 0755) {
        return {.path = path, .kind = TarKind::folder, .mode = mode};
    }
    static TarEntry link(const std::string& path, const std::string& target,
                         TarKind kind = TarKind::symlink) {
        return {.path = path, .kind = kind, .mode = 0777, .link = target};
    }
    TempDir folder_ = TempDir::make("unpack").value();
};

TEST_F(Unpack, NothingIsWrittenThroughASymlink) {
    const std::string out = outside().native();
    ASSERT_OK(unpack({link("a", out), file("a/evil"), file("a/b/evil"), folder("a/c"), link("f", out + "/x"),
                      file("f"), link("up", ".."), file("up/evil"), file("a/.wh.kept"),
                      link("hard", "a/evil", TarKind::hard_link)}));
    EXPECT_TRUE(fs::is_empty(outside()));
    EXPECT_FALSE(fs::exists(folder_.path() / "evil"));
    EXPECT_TRUE(fs::is_symlink(root() / "a"));
    EXPECT_EQ(read_file(root() / "f").value(), "content of f");
    EXPECT_FALSE(fs::exists(root() / "hard"));
}

TEST_F(Unpack, AFolderThatGivesWayToASymlinkTakesNothingOutsideWithIt) {
    ASSERT_OK(write_file_atomic(outside() / "kept", "1"));
    ASSERT_OK(unpack({link("d/l", outside().native()), file("d/x"), link("d", outside().native())}));
    EXPECT_TRUE(fs::is_symlink(root() / "d"));
    EXPECT_EQ(read_file(outside() / "kept").value(), "1");
}

TEST_F(Unpack, WhiteoutsTakeTheFormOfOverlayfs) {
    ASSERT_OK(unpack({folder("d"), file("d/.wh.gone"), file("o/.wh..wh..opq"), file("o/new"),
                      file("e/.wh.both"), folder("e/both"), file("g/both"), file("g/.wh.both"),
                      folder("h/both"), file("h/.wh.both"), file(".wh.i"), file("i/new")}));
    EXPECT_TRUE(is_whiteout("d/gone"));
    EXPECT_TRUE(is_opaque("o"));
    EXPECT_TRUE(fs::is_regular_file(root() / "o/new"));
    EXPECT_TRUE(is_opaque("e/both")) << "removed from below, and made anew";
    EXPECT_TRUE(fs::is_regular_file(root() / "g/both"));
    EXPECT_TRUE(is_opaque("h/both"));
    EXPECT_TRUE(is_opaque("i"));
    EXPECT_FALSE(is_opaque("d"));
}

TEST_F(Unpack, AWhiteoutOfNoNameIsRefused) {
    for (const char* name : {".wh.", ".wh..", ".wh...", "d/.wh.."})
        EXPECT_FALSE(unpack({file(name)})) << name;
}

TEST_F(Unpack, AttributesAreThoseOfTheEntry) {
    TarEntry setuid = file("su", 04755);
    setuid.uid = 7;
    setuid.gid = 8;
    setuid.mtime = 1'000'000;
    setuid.xattrs = std::make_shared<const Xattrs>(Xattrs{{"user.key", "value"}});
    ASSERT_OK(unpack({setuid,
                      link("again", "su", TarKind::hard_link),
                      folder("t", 01777),
                      {.path = "fifo", .kind = TarKind::fifo, .mode = 0640},
                      {.path = "null", .kind = TarKind::char_device, .mode = 0666, .device = {1, 3}},
                      {.path = "zero", .kind = TarKind::char_device, .mode = 0666, .device = {0, 0}}}));
    const struct stat su = info("su");
    EXPECT_EQ(su.st_mode & 07777, 04755u);
    EXPECT_EQ(su.st_uid, 7u);
    EXPECT_EQ(su.st_gid, 8u);
    EXPECT_EQ(su.st_mtime, 1'000'000);
    EXPECT_EQ(su.st_ino, info("again").st_ino);
    char value[6] = {};
    EXPECT_EQ(::getxattr((root() / "su").c_str(), "user.key", value, 5), 5);
    EXPECT_STREQ(value, "value");
    EXPECT_EQ(info("t").st_mode & 07777, 01777u);
    EXPECT_TRUE(S_ISFIFO(info("fifo").st_mode));
    EXPECT_TRUE(S_ISCHR(info("null").st_mode));
    EXPECT_FALSE(fs::exists(root() / "zero")) << "it would hide a file below";
}

TEST_F(Unpack, ALaterEntryWins) {
    ASSERT_OK(unpack({file("a", 0600), file("a", 0644), folder("b"), file("b/x"), file("b"), file("c"),
                      folder("c", 0711)}));
    EXPECT_EQ(info("a").st_mode & 07777, 0644u);
    EXPECT_TRUE(fs::is_regular_file(root() / "b"));
    EXPECT_EQ(info("c").st_mode & 07777, 0711u);
}

TEST_F(Unpack, AFailedLayerLeavesNothing) {
    const auto folders = LayerFolders::open(folder_.path());
    ASSERT_OK(folders);
    Layer layer;
    layer.diff_id = sha256("x");
    layer.blob.digest = sha256("y");
    const auto broken = [](const TarVisitor& visit) -> Result<> {
        Bytes content("x");
        TRY(visit(file("a"), content));
        return fail(Errc::protocol, "damaged");
    };
    EXPECT_FALSE(folders->unpack(layer, broken));
    EXPECT_FALSE(folders->has(layer));
    EXPECT_TRUE(fs::is_empty(folder_.path() / "unpacked"));
    Layer claimed = layer;  // a base image that claims the same diff ID
    claimed.remote = registry::Reference::parse("localhost:5000/evil").value();
    EXPECT_NE(LayerFolders::name_of(claimed), LayerFolders::name_of(layer));
}

}  // namespace
}  // namespace synchost::images
