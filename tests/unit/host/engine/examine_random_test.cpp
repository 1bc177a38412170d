// What examine() tells from the touched paths alone must equal a look at the whole tree, whatever was done to
// the tree and whatever the Dockerfile and the ignore file say. Random edits find what nobody thought of;
// the seed is printed, and SYNCHOST_SEED repeats a run.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>

#include "host/engine/detail/examine_paths.hpp"
#include "host/engine/examine.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

struct Project {
    const char* name;
    const char* dockerfile;
    const char* ignore;
    bool mostly_told;  // from the paths alone
};

void PrintTo(const Project& project, std::ostream* out) {
    *out << project.name;
}

constexpr Project kProjects[] = {
    {"Whole", "FROM scratch\nCOPY . /app/\n", "", true},
    {"Root", "FROM scratch\nCOPY . /\n", "*.log\n**/tmp\n", true},
    {"Node", "FROM scratch\nWORKDIR /srv\nCOPY pack*.json ./\nCOPY src/ ./src/\nCOPY conf/one /etc/one\n",
     "**/*.log\nsrc/tmp\n", true},
    {"Reincluded", "FROM scratch\nCOPY . /app\n", "*\n!src\n!conf\nsrc/*.log\n**/a\n!**/a/keep\n", false},
    {"Overlaid", "FROM scratch\nCOPY src /x\nCOPY conf /x\nCOPY src /y\nWORKDIR /y/a/b\n", "", false},
    {"Staged", "FROM scratch AS s\nCOPY conf /c/\nFROM scratch\nCOPY --from=s /c /app/c/\nCOPY src /app/s/\n",
     "", true},
    {"Inherited", "FROM scratch AS s\nCOPY src /app/\nFROM s\nCOPY conf /etc/conf\nCOPY src/a* /etc/\n",
     "**/tmp\n", false},
    {"Linked", "FROM scratch\nCOPY link /l\nCOPY src /s/\n", "", false},
};

class Edits {
  public:
    Edits(test::TempTree& tree, std::mt19937& random) : tree_(tree), random_(random) {}

    // One edit, and the paths that a watcher would name for it.
    void one(std::set<std::string>& touched) {
        const std::string path = any_path();
        if (!can_hold(path)) return;
        touched.insert(path);
        const std::string full = (tree_ / path).native();
        switch (below(11)) {
            case 0:
            case 1:
            case 2:
                return write(path, touched);
            case 3:
                return touch_below(path, touched, [&] { fs::remove_all(full); });
            case 4: {
                const std::string to = any_path();
                if (!can_hold(to) || to.starts_with(path + "/") || path.starts_with(to + "/") || to == path ||
                    !exists(path))
                    return;
                fs::remove_all(tree_ / to);
                fs::rename(full, tree_ / to);
                touched.insert(to);
                return;
            }
            case 5:
                if (exists(path) && !fs::is_symlink(full) && !has_other_name(full))
                    ::chmod(full.c_str(), below(2) == 0 ? 0755 : 0700);
                return;
            case 6:
                fs::remove_all(full);
                fs::create_symlink(below(2) == 0 ? any_path() : any_name(), full);
                return;
            case 7:
                if (!exists(path)) fs::create_directory(full);
                return;
            case 8:
                fs::remove_all(full);
                if (below(2) == 0) ::mkfifo(full.c_str(), 0600);
                return;
            case 9: {  // a folder comes in whole
                fs::remove_all(full);
                fs::create_directory(full);
                for (int i = 0; i < 3; ++i) tree_.write(path + "/" + any_name(), std::to_string(below(9)));
                return;
            }
            default: {
                const std::string to = any_path();
                if (!can_hold(to) || exists(to) || !fs::is_regular_file(fs::symlink_status(full))) return;
                fs::create_hard_link(full, tree_ / to);
                touched.insert(to);
            }
        }
    }
    // What COPY names must be there, or every look ends in the same error.
    void restore(std::set<std::string>& touched) {
        for (const char* folder : {"src", "conf"}) {
            if (fs::is_directory(fs::symlink_status(tree_ / folder))) continue;
            fs::remove_all(tree_ / folder);
            fs::create_directory(tree_ / folder);
            touched.insert(folder);
        }
        for (const char* file : {"conf/one", "real"}) {
            if (fs::is_regular_file(fs::symlink_status(tree_ / file))) continue;
            fs::remove_all(tree_ / file);
            tree_.write(file, "1");
            touched.insert(file);
        }
        if (fs::is_symlink(tree_ / "link") && fs::read_symlink(tree_ / "link") == "real") return;
        fs::remove_all(tree_ / "link");
        fs::create_symlink("real", tree_ / "link");
        touched.insert("link");
    }

  private:
    unsigned below(unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(random_); }
    std::string any_name() {
        static constexpr const char* kNames[] = {"a",   "b",         "keep", "x.log", "tmp",
                                                 "one", "pack.json", "A",    "n\nl",  "\xff"};
        return kNames[below(std::size(kNames))];
    }
    std::string any_path() {
        static constexpr const char* kTops[] = {"src", "src", "conf", "pack.json", "packs.json", "real", "a"};
        std::string path = kTops[below(std::size(kTops))];
        for (unsigned depth = below(4); depth > 0; --depth) path += "/" + any_name();
        return path;
    }
    bool exists(const std::string& path) { return fs::exists(fs::symlink_status(tree_ / path)); }
    // What is done to a file under one name shows under its other names, and no watcher tells of these.
    static bool has_other_name(const fs::path& full) {
        struct stat info{};
        return ::lstat(full.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink > 1;
    }
    bool can_hold(const std::string& path) {
        fs::path folder = tree_.root();
        for (const fs::path& name : fs::path(path).parent_path()) {
            folder /= name;  // from the top: a symlink on the way is not followed
            if (!fs::is_directory(fs::symlink_status(folder))) return false;
        }
        return true;
    }
    void write(const std::string& path, std::set<std::string>& touched) {
        const fs::path full = tree_ / path;
        if (fs::exists(fs::symlink_status(full)) && !fs::is_regular_file(fs::symlink_status(full))) {
            touch_below(path, touched, [&] { fs::remove_all(full); });
        }
        if (has_other_name(full)) fs::remove(full);
        tree_.write(path, std::to_string(below(9)));
    }
    // Half of the time the watcher names what is below too.
    template <typename Do>
    void touch_below(const std::string& path, std::set<std::string>& touched, Do act) {
        if (below(2) == 0 && fs::is_directory(fs::symlink_status(tree_ / path))) {
            for (const auto& entry : fs::recursive_directory_iterator(tree_ / path))
                touched.insert(entry.path().lexically_relative(tree_.root()).native());
        }
        act();
    }

    test::TempTree& tree_;
    std::mt19937& random_;
};

std::string told(const TreeUpdate& update) {
    std::string out;
    for (const auto& [image_path, node] : update.put) {
        out += "put " + image_path + " from " + node.source + " kind " +
               std::to_string(static_cast<int>(node.kind)) + " mode " + std::to_string(node.mode) + " " +
               (node.hash ? node.hash->hex() : "-") + "\n";
    }
    for (const std::string& image_path : update.removed) out += "removed " + image_path + "\n";
    for (const auto& [image_path, node] : update.refreshed) out += "same " + image_path + "\n";
    for (const auto& [image_path, content] : update.contents)
        out += "content " + image_path + *content + "\n";
    return out;
}

class ExamineRandom : public testing::TestWithParam<Project> {};

TEST_P(ExamineRandom, ThePathsAloneTellWhatTheWholeTreeDoes) {
    constexpr int kSteps = 600;
    const char* chosen = std::getenv("SYNCHOST_SEED");
    const auto seed =
        chosen != nullptr ? static_cast<unsigned>(std::strtoul(chosen, nullptr, 10)) : std::random_device{}();
    SCOPED_TRACE("SYNCHOST_SEED=" + std::to_string(seed));
    std::printf("SYNCHOST_SEED=%u\n", seed);
    std::mt19937 random(seed);
    test::TempTree tree;
    tree.write("Dockerfile", GetParam().dockerfile);
    tree.write(".dockerignore", GetParam().ignore);
    Edits edits(tree, random);
    std::set<std::string> touched;
    edits.restore(touched);
    // Stamps are never trusted: two edits in one tick of the clock are the rule here.
    auto index = FileIndex::open(tree.root(), {.settled = std::chrono::hours(24)}).value();
    const images::BuildRequest request{.context = tree.root(), .dockerfile = tree / "Dockerfile"};
    Mirror mirror;
    Survey first = survey(request).value();
    mirror.reset(std::move(first.nodes), std::move(first.managed_paths), std::move(first.plan));
    touched.clear();

    int by_paths = 0;
    for (int step = 0; step < kSteps; ++step) {
        for (unsigned edit = 0; edit <= random() % 3; ++edit) edits.one(touched);
        if (step % 8 == 7) edits.restore(touched);
        const auto wholly = examine_wholly(touched, request, mirror, index);
        TreeUpdate partly;
        const auto from_paths = examine_paths(touched, request, mirror, index, partly);
        ASSERT_OK(from_paths);
        std::string named;
        for (const std::string& path : touched) named += printable(path) + "  ";
        if (*from_paths) {
            ++by_paths;
            ASSERT_OK(wholly) << "step " << step << ": " << named;
            ASSERT_EQ(told(partly), told(*wholly)) << "step " << step << ": " << named;
        }
        auto update = examine(touched, request, mirror, index);
        ASSERT_EQ(update.has_value(), wholly.has_value()) << "step " << step << ": " << named;
        if (!update) continue;  // the paths stay touched
        ASSERT_EQ(told(*update), told(*wholly)) << "step " << step << ": " << named;
        mirror.advance(*std::move(update));
        touched.clear();
    }
    EXPECT_GT(by_paths, GetParam().mostly_told ? kSteps / 5 : 0);

    const auto last = survey(request);
    ASSERT_EQ(last.has_value(), touched.empty());
    if (!last) return;
    ASSERT_EQ(mirror.nodes().size(), last->nodes.size());
    auto held = mirror.nodes().begin();
    for (const auto& [image_path, node] : last->nodes) {
        EXPECT_EQ((*held).first, image_path);
        EXPECT_EQ(held->second.source, node.source);
        EXPECT_EQ(held->second.mode, node.mode);
        ++held;
    }
}

INSTANTIATE_TEST_SUITE_P(Projects, ExamineRandom, testing::ValuesIn(kProjects),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace synchost::host
