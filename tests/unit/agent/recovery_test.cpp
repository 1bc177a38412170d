// A generation that is stopped anywhere: by an error of any system call, or by a kill before it.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "agent/apply/transaction.hpp"
#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"
#include "syscall_faults.hpp"

namespace synchost::agent {
namespace {

using namespace protocol;
using test::Fault;

using Tree = std::map<std::string, std::string>;

Tree tree_of(const std::filesystem::path& top) {
    Tree tree;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
        const std::string path = entry.path().lexically_relative(top);
        if (path.starts_with(kStagingPrefix)) continue;  // the area, where it could not be made outside
        const auto mode = std::to_string(static_cast<unsigned>(entry.symlink_status().permissions()));
        if (entry.is_symlink()) {
            tree[path] = "l:" + std::filesystem::read_symlink(entry.path()).native();
        } else if (entry.is_directory()) {
            tree[path] = "d:" + mode;
        } else {
            tree[path] = "f:" + mode + ":" + read_file(entry.path()).value_or("?");
        }
    }
    return tree;
}

class Scene {
  public:
    Scene() { std::filesystem::create_directory(app()); }
    [[nodiscard]] std::filesystem::path app() const { return dir_.path() / "app"; }
    [[nodiscard]] Tree tree() const { return tree_of(app()); }

    // A supervisor's life up to here.
    struct Supervisor {
        explicit Supervisor(const Scene& scene)
            : folders({scene.app().native() + "/"}), areas(folders, "test", {scene.dir_.path()}) {}
        Folders folders;
        StagingAreas areas;
    };

    Result<> first() {
        return generation(1, {{"a", "1"}, {"b", "1"}, {"d/x", "1"}, {"d/y", "1"}, {"f", "1"}}, {});
    }
    // Something of everything: replaced, new, new in a new folder, removed, a folder that goes with what it
    // holds, a file that becomes a folder, a symlink, a mode.
    Result<> second() {
        return generation(
            2, {{"a", "2"}, {"new", "2"}, {"n/deep/er", "2"}, {"n/x", "2"}, {"f/in", "2"}},
            {change(ChangeKind::remove, "b"), change(ChangeKind::remove, "d"),
             change(ChangeKind::remove, "d/x"), change(ChangeKind::remove, "d/y"),
             change(ChangeKind::make_folder, "n", 0755), change(ChangeKind::make_folder, "n/deep", 0555),
             change(ChangeKind::make_folder, "f", 0700), change(ChangeKind::put_symlink, "s", 0, "a")});
    }
    // So many that two threads make them.
    Result<> new_folder() {
        Puts puts;
        for (int i = 0; i < 45; ++i) puts.emplace_back("n/" + std::to_string(i), std::to_string(i));
        return generation(2, puts,
                          {change(ChangeKind::make_folder, "n", 0755), change(ChangeKind::remove, "b")});
    }
    Result<> one_file() { return generation(2, {{"a", "2"}}, {}); }

  private:
    using Puts = std::vector<std::pair<std::string, std::string>>;
    static ChangeStart change(ChangeKind kind, std::string_view path, std::uint32_t mode = 0,
                              std::string target = {}) {
        return {{kind, 0, RelPath::parse(path).value(), mode, std::move(target), {}}, {}};
    }
    Result<> generation(std::uint64_t id, const Puts& puts, const std::vector<ChangeStart>& others) {
        Supervisor supervisor(*this);
        TRY(Transaction::recover(supervisor.folders, supervisor.areas));
        Transaction transaction(supervisor.folders, supervisor.areas, GenerationId{id});
        for (const ChangeStart& other : others) TRY(transaction.stage(other));
        for (const auto& [path, content] : puts) {
            TRY(transaction.stage(change(ChangeKind::put_file, path, 0644)));
            TRY(transaction.write({content}));
            TRY(transaction.finish({xxh3(content)}));
        }
        return transaction.commit();
    }
    TempDir dir_ = TempDir::make("recovery").value();
};

using Step = Result<> (Scene::*)();

struct Trees {
    Tree before;
    Tree after;
    int calls = 0;
};

Trees trees_of(Step step) {
    Scene scene;
    EXPECT_OK(scene.first());
    Trees trees;
    trees.before = scene.tree();
    test::arm_faults(0, Fault::fail, 0);
    const auto done = (scene.*step)();
    trees.calls = test::disarm_faults();
    EXPECT_OK(done);
    trees.after = scene.tree();
    return trees;
}

// Or at every so many-th.
void kill_at_every_call(Step step, int stride = 1) {
    const Trees trees = trees_of(step);
    ASSERT_GT(trees.calls, 4);
    int forward = 0;
    int back = 0;
    for (int nth = 1; nth <= trees.calls; nth += stride) {
        Scene scene;
        ASSERT_OK(scene.first());
        const pid_t child = ::fork();
        if (child == 0) {
            test::arm_faults(nth, Fault::kill, 0);
            (void)(scene.*step)();
            ::_exit(0);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        Scene::Supervisor next(scene);
        ASSERT_OK(Transaction::recover(next.folders, next.areas)) << nth;
        const Tree tree = scene.tree();
        if (next.areas.generation() == GenerationId{2}) {
            EXPECT_EQ(tree, trees.after) << "killed at call " << nth;
            ++forward;
        } else {
            EXPECT_EQ(next.areas.generation(), GenerationId{1});
            // One rename alone is not journalled: done, it is done again.
            EXPECT_TRUE(tree == trees.before || (step == &Scene::one_file && tree == trees.after)) << nth;
            ++back;
        }
        // And goes on from there.
        ASSERT_OK((scene.*step)()) << nth;
        EXPECT_EQ(scene.tree(), trees.after) << nth;
    }
    EXPECT_GT(forward, 0);
    EXPECT_GT(back, 0);
}

TEST(Recovery, AGenerationThatIsKilledAnywhereIsWholeAfterwards) {
    kill_at_every_call(&Scene::second);
}

TEST(Recovery, OneFileThatIsKilledAnywhereIsWholeAfterwards) {
    kill_at_every_call(&Scene::one_file);
}

TEST(Recovery, ANewFolderThatIsKilledAnywhereIsWholeAfterwards) {
    kill_at_every_call(&Scene::new_folder, 3);
}

TEST(Recovery, AKillDuringTheRecoveryIsRecoveredToo) {
    const Trees trees = trees_of(&Scene::second);
    for (int first = 1; first <= trees.calls; first += 3) {
        for (int second = 1; second < 30; second += 2) {
            Scene scene;
            ASSERT_OK(scene.first());
            for (const int nth : {first, second}) {
                const pid_t child = ::fork();
                if (child == 0) {
                    test::arm_faults(nth, Fault::kill, 0);
                    (void)scene.second();  // which recovers before it begins
                    ::_exit(0);
                }
                int status = 0;
                ASSERT_EQ(::waitpid(child, &status, 0), child);
            }
            Scene::Supervisor next(scene);
            ASSERT_OK(Transaction::recover(next.folders, next.areas)) << first << ", " << second;
            EXPECT_EQ(scene.tree(), next.areas.generation() == GenerationId{2} ? trees.after : trees.before)
                << first << ", " << second;
        }
    }
}

void fail_every_call(Step step, int stride = 1) {
    const Trees trees = trees_of(step);
    int refused = 0;
    for (const int why : {ENOSPC, EIO, EACCES}) {
        for (int nth = 1; nth <= trees.calls; nth += stride) {
            Scene scene;
            ASSERT_OK(scene.first());
            test::arm_faults(nth, Fault::fail, why);
            const auto done = (scene.*step)();
            test::disarm_faults();
            if (!done && done.error().message.contains("all else of this generation is in place")) continue;
            if (done) {  // a name that could not be deleted, say: nothing of the user's
                EXPECT_EQ(scene.tree(), trees.after) << nth;
            } else {
                EXPECT_FALSE(done.error().message.empty());
                EXPECT_FALSE(done.error().message.contains("taken back")) << done.error().message;
                Scene::Supervisor next(scene);
                const bool is_written_down = Transaction::recover(next.folders, next.areas).has_value() &&
                                             next.areas.generation() == GenerationId{2};
                EXPECT_EQ(scene.tree(), is_written_down ? trees.after : trees.before)
                    << nth << ": " << done.error().message;
                ++refused;
            }
            ASSERT_OK((scene.*step)()) << nth;
            EXPECT_EQ(scene.tree(), trees.after) << nth;
        }
    }
    EXPECT_GT(refused, 30);
}

TEST(Recovery, AnErrorOfAnyCallLeavesThePreviousGenerationOrSaysWhatIsMissing) {
    fail_every_call(&Scene::second);
}

TEST(Recovery, AnErrorOfAnyThreadLeavesThePreviousGeneration) {
    fail_every_call(&Scene::new_folder, 4);
}

TEST(Recovery, ADamagedJournalIsDropped) {
    Scene scene;
    ASSERT_OK(scene.first());
    const Tree before = scene.tree();
    Scene::Supervisor supervisor(scene);
    StagingArea* const area = supervisor.areas.of(0).value();
    ASSERT_OK(write_file_atomic(area->shown() + "/journal", "SYNCJRN3 and rubbish"));
    ASSERT_OK(write_file_atomic(area->shown() + "/left-over", "rubbish"));
    ASSERT_OK(Transaction::recover(supervisor.folders, supervisor.areas));
    EXPECT_EQ(scene.tree(), before);
    EXPECT_FALSE(std::filesystem::exists(area->shown() + "/journal"));
    EXPECT_FALSE(std::filesystem::exists(area->shown() + "/left-over"));
    EXPECT_EQ(supervisor.areas.generation(), GenerationId{1});
}

TEST(StagingArea, LiesOutsideOfTheRootWhereTheMountAllows) {
    Scene scene;
    ASSERT_OK(scene.first());
    for (const auto& [path, what] : scene.tree()) EXPECT_FALSE(path.contains("synchost")) << path;
    Folders folders({scene.app().native() + "/"});
    StagingAreas inside(folders, "test", {});
    EXPECT_TRUE(inside.of(0).value()->shown().starts_with(scene.app().native()));
}

TEST(StagingArea, IsNoFolderThatOthersMayWrite) {
    const TempDir dir = TempDir::make("area").value();
    std::filesystem::create_directory(dir.path() / "app");
    std::filesystem::create_directory(dir.path() / ".synchost-tmp-test");  // 0755
    Folders folders({(dir.path() / "app").native() + "/"});
    StagingAreas areas(folders, "test", {dir.path()});
    EXPECT_TRUE(areas.of(0).value()->shown().starts_with((dir.path() / "app").native()));
}

TEST(StagingArea, ADamagedStateIsNoGeneration) {
    const TempDir dir = TempDir::make("area").value();
    Folders folders({dir.path().native() + "/"});
    StagingAreas areas(folders, "test", {});
    StagingArea* const area = areas.of(0).value();
    EXPECT_EQ(area->generation(), GenerationId{});
    ASSERT_OK(area->set_generation(GenerationId{77}));
    EXPECT_EQ(area->generation(), GenerationId{77});
    const std::string state = read_file(area->shown() + "/state").value();
    for (std::size_t i = 0; i < state.size(); ++i) {
        std::string flipped = state;
        flipped[i] = static_cast<char>(flipped[i] ^ 4);
        Fd file = open_file(area->shown() + "/state", O_WRONLY | O_TRUNC).value();
        ASSERT_OK(write_all(file.get(), flipped));
        EXPECT_EQ(area->generation(), GenerationId{}) << i;
    }
}

}  // namespace
}  // namespace synchost::agent
