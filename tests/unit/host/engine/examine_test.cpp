// Real files in a temporary context, and a Dockerfile that copies them.
#include "host/engine/examine.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using protocol::ChangeKind;
using protocol::GenerationId;

class ExamineTest : public testing::Test {
  protected:
    void SetUp() override {
        auto dir = TempDir::make("test");
        ASSERT_OK(dir);
        dir_.emplace(*std::move(dir));
        write("Dockerfile",
              "FROM scratch\nWORKDIR /srv\nCOPY app/ app/\nCOPY one.conf /etc/one.conf\nCMD [\"/x\"]\n");
        write("app/main.py", "one");
        write("app/lib/util.py", "two");
        write("one.conf", "three");
        write("elsewhere.txt", "four");
        request_ = {.context = dir_->path(), .dockerfile = dir_->path() / "Dockerfile"};
        auto index = FileIndex::open(dir_->path());
        ASSERT_OK(index);
        index_.emplace(*std::move(index));
        contents_ = std::make_shared<Contents>(
            FileIndex::open(dir_->path()).value(),
            std::make_shared<delta::SignatureCache>(dir_->path() / "outside-of-the-copy"));
        auto first = survey(request_);
        ASSERT_OK(first);
        mirror_.reset(std::move(first->nodes), std::move(first->managed_paths));
    }
    void write(const std::string& path, const std::string& content) {
        fs::create_directories((dir_->path() / path).parent_path());
        ASSERT_OK(write_file_atomic(dir_->path() / path, content));
    }
    TreeUpdate look(const std::set<std::string>& sources) {
        auto update = examine(sources, request_, mirror_, *index_);
        EXPECT_OK(update);
        return update.value_or(TreeUpdate{});
    }
    // The generation for a container at `from`, after the update was taken in.
    protocol::Generation generation(TreeUpdate update, GenerationId from = {}) {
        mirror_.advance(std::move(update));
        std::vector<WantedPath> wanted;
        for (const Mirror::Changed& changed : mirror_.changed_since(from)) {
            const auto node = mirror_.nodes().find(changed.image_path);
            WantedPath& path =
                wanted.emplace_back(WantedPath{.image_path = changed.image_path, .had = changed.had});
            if (node != mirror_.nodes().end()) path.node = node->second;
            path.bytes = mirror_.recent_content(changed.image_path);
        }
        auto out = assemble(mirror_.generation(), mirror_.managed_paths(), wanted, *contents_);
        EXPECT_OK(out);
        return out.value_or(protocol::Generation{});
    }

    std::optional<TempDir> dir_;
    images::BuildRequest request_;
    // The bytes that go out, whole; nothing where the change is left out.
    static std::optional<std::string> sent(const protocol::Change& change) {
        auto reader = change.content();
        EXPECT_OK(reader);
        if (!reader || !*reader) return std::nullopt;
        std::string bytes;
        for (auto piece = (*reader)->next(); piece && *piece; piece = (*reader)->next())
            bytes += std::get<std::string_view>(**piece);
        EXPECT_EQ((*reader)->hash(), xxh3(bytes));
        return bytes;
    }

    std::optional<FileIndex> index_;
    std::shared_ptr<Contents> contents_;
    Mirror mirror_;
};

TEST_F(ExamineTest, TheSurveyMapsSourcesToImagePaths) {
    EXPECT_EQ(mirror_.managed_paths(), (std::vector<std::string>{"/etc/one.conf", "/srv/app/"}));
    EXPECT_EQ(mirror_.image_paths_of("app/lib/util.py"), std::vector<std::string>{"/srv/app/lib/util.py"});
    EXPECT_EQ(mirror_.image_paths_of("one.conf"), std::vector<std::string>{"/etc/one.conf"});
    EXPECT_TRUE(mirror_.image_paths_of("elsewhere.txt").empty());
}

TEST_F(ExamineTest, AnEditIsOnePutWithItsContent) {
    write("app/main.py", "changed");
    const auto made = generation(look({"app/main.py"}));
    ASSERT_EQ(made.changes.size(), 1u);
    EXPECT_EQ(made.changes[0].kind, ChangeKind::put_file);
    EXPECT_EQ(made.roots.at(made.changes[0].root), "/srv/app/");
    EXPECT_EQ(made.changes[0].path.str(), "main.py");
    EXPECT_EQ(sent(made.changes[0]), "changed");
    EXPECT_EQ(made.changes[0].mode, 0644u);
}

TEST_F(ExamineTest, ASaveWithoutAChangeIsNoGenerationOnceTheContentIsKnown) {
    write("app/main.py", "changed");
    mirror_.advance(look({"app/main.py"}));
    write("app/main.py", "changed");
    EXPECT_TRUE(look({"app/main.py"}).empty());
}

TEST_F(ExamineTest, SameSizeAndTimeDoesNotHideAnEdit) {
    write("app/main.py", "aaaa");
    mirror_.advance(look({"app/main.py"}));
    struct stat before{};
    ASSERT_EQ(::stat((dir_->path() / "app/main.py").c_str(), &before), 0);
    auto fd = open_file(dir_->path() / "app/main.py", O_WRONLY);
    ASSERT_OK(fd);
    ASSERT_OK(write_all(fd->get(), "bbbb"));
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::futimens(fd->get(), times), 0);
    EXPECT_FALSE(look({"app/main.py"}).empty());
}

TEST_F(ExamineTest, ANewFileInACopiedFolderIsPut) {
    write("app/new/deep.py", "n");
    const auto made = generation(look({"app/new", "app/new/deep.py"}));
    ASSERT_EQ(made.changes.size(), 2u);
    EXPECT_EQ(made.changes[0].kind, ChangeKind::make_folder);
    EXPECT_EQ(made.changes[0].path.str(), "new");
    EXPECT_EQ(made.changes[1].path.str(), "new/deep.py");
}

TEST_F(ExamineTest, ADeletedFolderRemovesEverythingBelow) {
    fs::remove_all(dir_->path() / "app/lib");
    const auto made = generation(look({"app/lib"}));
    ASSERT_EQ(made.changes.size(), 2u);
    for (const auto& change : made.changes) EXPECT_EQ(change.kind, ChangeKind::remove);
}

TEST_F(ExamineTest, ARenameIsAPutAndARemove) {
    fs::rename(dir_->path() / "app/main.py", dir_->path() / "app/start.py");
    const auto made = generation(look({"app/main.py", "app/start.py"}));
    ASSERT_EQ(made.changes.size(), 2u);
    EXPECT_EQ(made.changes[0].kind, ChangeKind::remove);
    EXPECT_EQ(made.changes[1].kind, ChangeKind::put_file);
    EXPECT_EQ(sent(made.changes[1]), "one");
}

TEST_F(ExamineTest, AModeAloneIsAChange) {
    ASSERT_EQ(::chmod((dir_->path() / "app/main.py").c_str(), 0755), 0);
    const auto made = generation(look({"app/main.py"}));
    ASSERT_EQ(made.changes.size(), 1u);
    EXPECT_EQ(made.changes[0].mode, 0755u);
}

TEST_F(ExamineTest, ASymlinkInsideACopiedFolderStaysOne) {
    fs::create_symlink("main.py", dir_->path() / "app/link");
    const auto made = generation(look({"app/link"}));
    ASSERT_EQ(made.changes.size(), 1u);
    EXPECT_EQ(made.changes[0].kind, ChangeKind::put_symlink);
    EXPECT_EQ(made.changes[0].link_target, "main.py");
}

TEST_F(ExamineTest, WhatNothingCopiesIsNoChange) {
    write("elsewhere.txt", "changed");
    EXPECT_TRUE(look({"elsewhere.txt"}).empty());
}

TEST_F(ExamineTest, AfterLostEventsTheWholeTreeIsCompared) {
    write("app/main.py", "changed");
    write("app/extra.py", "e");
    fs::remove(dir_->path() / "one.conf");
    write("one.conf", "three");
    auto update = examine_all(request_, mirror_, *index_);
    ASSERT_OK(update);
    EXPECT_TRUE(update->put.contains("/srv/app/main.py"));
    EXPECT_TRUE(update->put.contains("/srv/app/extra.py"));
}

TEST_F(ExamineTest, AContainersOwnAccountShowsWhatItLacks) {
    protocol::Inventory inventory{.id = GenerationId{7}, .roots = {"/srv/app/", "/etc/one.conf"}};
    auto hold = [&](std::uint16_t root, const std::string& path, ChangeKind kind, std::uint32_t mode,
                    const std::string& content) {
        inventory.entries.push_back({root, *RelPath::parse(path), kind, mode, xxh3(content)});
    };
    hold(0, "main.py", ChangeKind::put_file, 0644, "edited by somebody");
    hold(0, "lib", ChangeKind::make_folder, 0755, "");
    hold(0, "lib/util.py", ChangeKind::put_file, 0644, "two");
    hold(1, "one.conf", ChangeKind::put_file, 0600, "three");
    hold(0, "of_the_image", ChangeKind::put_file, 0644, "gone since");
    hold(0, "sent", ChangeKind::put_file, 0644, "gone since");
    inventory.entries.back().ours = true;
    hold(0, "of_the_app", ChangeKind::put_file, 0644, "its own");
    const auto compared = differences(inventory, mirror_, {"/srv/app/of_the_image"}, *index_);
    ASSERT_OK(compared);
    std::vector<std::string> lacks;
    for (const auto& lack : compared->lacks) lacks.push_back(lack.image_path);
    EXPECT_EQ(lacks, (std::vector<std::string>{"/etc/one.conf", "/srv/app/main.py", "/srv/app/of_the_image",
                                               "/srv/app/sent"}));
    EXPECT_EQ(compared->lacks[1].had, xxh3("edited by somebody"));
    EXPECT_TRUE(compared->learned.contains("/srv/app/lib/util.py"));
    EXPECT_TRUE(compared->learned.contains("/srv/app/main.py"));
}

// Or nobody else would get it: the event that follows would find nothing new.
TEST_F(ExamineTest, WhatWasSavedDuringAComparisonIsLeftToItsEvent) {
    mirror_.advance({.put = {}, .removed = {}, .refreshed = {{"/srv/app/main.py", [&] {
                                                                  Node node =
                                                                      mirror_.nodes().at("/srv/app/main.py");
                                                                  node.hash = xxh3("before the save");
                                                                  return node;
                                                              }()}}});
    const protocol::Inventory inventory{
        .id = GenerationId{7},
        .roots = {"/srv/app/", "/etc/one.conf"},
        .entries = {{0, *RelPath::parse("main.py"), ChangeKind::put_file, 0644, xxh3("before the save")}}};
    const auto compared = differences(inventory, mirror_, {}, *index_);
    ASSERT_OK(compared);
    EXPECT_FALSE(compared->learned.contains("/srv/app/main.py"));
}

TEST_F(ExamineTest, KeepsNoMoreContentThanTheBound) {
    const std::string content(1'000'000, 'x');
    std::set<std::string> sources;
    for (int i = 0; i < 12; ++i) {
        write("app/" + std::to_string(i), content + std::to_string(i));
        sources.insert("app/" + std::to_string(i));
    }
    const TreeUpdate update = look(sources);
    EXPECT_EQ(update.put.size(), 12u);
    mirror_.advance(update);
    for (const std::string& source : sources) write(source, content + "changed");
    const TreeUpdate again = look(sources);
    EXPECT_EQ(again.put.size(), 12u);
    EXPECT_EQ(again.contents.size(), kMaxRecentBytes / 1'000'007);
    EXPECT_LE(again.contents_bytes, kMaxRecentBytes);
    const auto made = generation(again, GenerationId{1});
    ASSERT_EQ(made.changes.size(), 12u);
    for (const protocol::Change& change : made.changes) EXPECT_EQ(sent(change), content + "changed");
}

TEST_F(ExamineTest, ALargeFileIsComparedByItsHashAlone) {
    write("app/main.py", std::string(3'000'000, 'x'));
    const TreeUpdate update = look({"app/main.py"});
    EXPECT_TRUE(update.contents.empty());
    EXPECT_EQ(update.put.at("/srv/app/main.py").hash, xxh3(std::string(3'000'000, 'x')));
}

TEST_F(ExamineTest, AnotherDockerfileMakesTheWholeTreeCount) {
    write("Dockerfile", "FROM scratch\nCOPY app/ /elsewhere/\n");
    write("app/new.py", "n");
    const TreeUpdate update = look({"app/new.py"});
    EXPECT_TRUE(update.put.contains("/elsewhere/main.py"));
    EXPECT_TRUE(update.put.contains("/elsewhere/new.py"));
}

TEST_F(ExamineTest, AnotherIgnoreFileMakesTheWholeTreeCount) {
    write(".dockerignore", "app/lib\n");
    write("app/new.py", "n");
    const TreeUpdate update = look({"app/new.py"});
    EXPECT_EQ(update.removed, (std::vector<std::string>{"/srv/app/lib", "/srv/app/lib/util.py"}));
    EXPECT_TRUE(update.put.contains("/srv/app/new.py"));
}

TEST_F(ExamineTest, LargeFilesAreSpreadAmongTheSmallOnesThatFollowThem) {
    std::vector<WantedPath> wanted;
    const Node node = mirror_.nodes().at("/srv/app/main.py");
    for (const char* name : {"1L", "2L", "3", "4", "5", "6", "7", "8L"})
        wanted.push_back(
            {.image_path = "/srv/app/" + std::string(name), .node = node, .bulky = name[1] == 'L'});
    const auto made = assemble(mirror_.generation(), mirror_.managed_paths(), wanted, *contents_);
    ASSERT_OK(made);
    std::string order;
    for (const protocol::Change& change : made->changes) (order += change.path.str()) += ' ';
    EXPECT_EQ(order, "3 1L 4 2L 5 6 7 8L ");
}

TEST_F(ExamineTest, ANewFileIsBulkyByItsSize) {
    const auto plan = survey(request_);
    ASSERT_OK(plan);
    mirror_.reset(plan->nodes, plan->managed_paths, plan->plan);
    write("app/new/large", std::string(kBulkyBytes, 'a'));
    write("app/new/small", std::string(kBulkyBytes - 1, 'a'));
    const TreeUpdate update = look({"app/new"});
    EXPECT_TRUE(update.put.contains("/srv/app/new/small"));
    EXPECT_EQ(update.bulky, (std::set<std::string, std::less<>>{"/srv/app/new/large"}));
}

TEST_F(ExamineTest, ASourceThatVanishedMeanwhileIsLeftOut) {
    write("app/main.py", "changed");
    mirror_.advance(look({"app/main.py"}));
    fs::remove(dir_->path() / "app/main.py");
    const auto made = assemble(
        mirror_.generation(), mirror_.managed_paths(),
        {{.image_path = "/srv/app/main.py", .node = mirror_.nodes().at("/srv/app/main.py")}}, *contents_);
    ASSERT_OK(made);
    ASSERT_EQ(made->changes.size(), 1u);
    EXPECT_EQ(sent(made->changes[0]), std::nullopt);
}

}  // namespace
}  // namespace synchost::host
