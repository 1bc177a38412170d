// However an editor saves, the save is one generation with the new content and nothing else: real vim in each
// of its ways, and the system calls that other editors make.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "integration/host/watch/saving.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;

constexpr const char* kOld = "the old text\n";
constexpr const char* kNew = "the new text\n";

class EditorSave : public Saving {
  protected:
    void SetUp() override {
        tree.write("src/app.py", kOld);
        tree.write("src/other.py", "x");
        begin();
    }
    void is_one_generation(std::function<void()> save) {
        const auto generations = generations_of(std::move(save));
        ASSERT_EQ(generations.size(), 1u);
        std::vector<std::string> put;
        for (const auto& [image_path, node] : generations[0].put) put.push_back(image_path);
        EXPECT_THAT(put, ElementsAre("/app/app.py"));
        EXPECT_THAT(generations[0].removed, ElementsAre());
        EXPECT_EQ(generations[0].put.at("/app/app.py").hash, xxh3(kNew));
        EXPECT_EQ(read_file(tree / "src/app.py").value_or(""), kNew);
        EXPECT_EQ(mirror.nodes().size(), 3u);
    }
    void chmod(std::string_view path, mode_t mode) { ASSERT_EQ(::chmod((tree / path).c_str(), mode), 0); }
    // As write(2) calls give it: the file is open between them.
    void write_slowly(std::string_view path, int flags) {
        const auto file = open_file(tree / path, O_WRONLY | O_CREAT | flags, 0644);
        ASSERT_OK(file);
        const std::string_view text = kNew;
        ASSERT_OK(write_all(file->get(), text.substr(0, 5)));
        ASSERT_EQ(::fsync(file->get()), 0);
        ASSERT_OK(write_all(file->get(), text.substr(5)));
        ASSERT_EQ(::ftruncate(file->get(), static_cast<off_t>(text.size())), 0);
    }
};

struct Vim {
    const char* name;
    std::vector<std::string> settings;
};
void PrintTo(const Vim& vim, std::ostream* out) {
    *out << vim.name;
}

class VimSave : public EditorSave, public testing::WithParamInterface<Vim> {};

TEST_P(VimSave, IsOneGeneration) {
    is_one_generation([&] {
        std::vector<std::string> argv = {"vim.tiny", "-Nu", "NONE", "-es"};
        for (const std::string& setting : GetParam().settings) {
            argv.insert(argv.end(), {"--cmd", "set " + setting});
        }
        argv.insert(argv.end(), {"-c", "%s/old/new/", "-c", "wq", "src/app.py"});
        must_run(std::move(argv), tree.root());
    });
}

INSTANTIATE_TEST_SUITE_P(Settings, VimSave,
                         testing::Values(Vim{"CopyThenWriteInPlace", {"backupcopy=yes", "writebackup"}},
                                         Vim{"RenameThenWriteAnew", {"backupcopy=no", "writebackup"}},
                                         Vim{"AsItSeesFit", {"backupcopy=auto", "writebackup"}},
                                         Vim{"KeepingTheBackup", {"backupcopy=no", "backup"}},
                                         Vim{"InPlaceWithoutABackup", {"nowritebackup", "nobackup"}},
                                         Vim{"WithASwapFile",
                                             {"backupcopy=no", "writebackup", "swapfile", "directory=."}},
                                         Vim{"WithoutFsync", {"backupcopy=no", "writebackup", "nofsync"}}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(EditorSave, ByTruncatingAndWritingAsVsCodeAndNanoDo) {
    is_one_generation([&] { write_slowly("src/app.py", O_TRUNC); });
}

TEST_F(EditorSave, ByWritingOverAndCuttingOff) {
    is_one_generation([&] { write_slowly("src/app.py", 0); });
}

TEST_F(EditorSave, BySafeWriteAsJetBrainsDoes) {
    is_one_generation([&] {
        write_slowly("src/app.py___jb_tmp___", O_TRUNC);
        chmod("src/app.py___jb_tmp___", 0644);
        tree.rename("src/app.py", "src/app.py___jb_old___");
        tree.rename("src/app.py___jb_tmp___", "src/app.py");
        tree.remove("src/app.py___jb_old___");
    });
}

TEST_F(EditorSave, ByRenamingToTheBackupUnderALockAsEmacsDoes) {
    is_one_generation([&] {
        tree.symlink("user@host.4711:1764000000", "src/.#app.py");
        tree.rename("src/app.py", "src/app.py~");
        write_slowly("src/app.py", O_EXCL);
        chmod("src/app.py", 0644);
        tree.remove("src/.#app.py");
    });
}

TEST_F(EditorSave, ByRenamingATemporaryFileOverAsKateDoes) {
    is_one_generation([&] {
        write_slowly("src/app.py.Xa81Zq", O_EXCL);
        chmod("src/app.py.Xa81Zq", 0644);
        tree.rename("src/app.py.Xa81Zq", "src/app.py");
    });
}

TEST_F(EditorSave, ByLinkingTheBackupAndRenamingOverAsGeditDoes) {
    is_one_generation([&] {
        write_slowly("src/.goutputstream-9QX0W2", O_EXCL);
        chmod("src/.goutputstream-9QX0W2", 0644);
        ASSERT_EQ(::link((tree / "src/app.py").c_str(), (tree / "src/app.py~").c_str()), 0);
        tree.rename("src/.goutputstream-9QX0W2", "src/app.py");
    });
}

TEST_F(EditorSave, ByUnlinkingAndWritingAnewAsGitDoes) {
    is_one_generation([&] {
        tree.remove("src/app.py");
        write_slowly("src/app.py", O_EXCL);
    });
}

TEST_F(EditorSave, FromANamelessFileThatIsLinkedIn) {
    is_one_generation([&] {
        const Fd file(::open((tree / "src").c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
        ASSERT_TRUE(file);
        ASSERT_OK(write_all(file.get(), kNew));
        const std::string by_handle = "/proc/self/fd/" + std::to_string(file.get());
        tree.remove("src/app.py");
        ASSERT_EQ(
            ::linkat(AT_FDCWD, by_handle.c_str(), AT_FDCWD, (tree / "src/app.py").c_str(), AT_SYMLINK_FOLLOW),
            0);
    });
}

}  // namespace
}  // namespace synchost::host
