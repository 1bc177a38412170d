#include "host/steps/step_inputs.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

class StepInputsTest : public testing::Test {
  protected:
    void SetUp() override {
        auto folder = TempDir::make("steps");
        ASSERT_OK(folder);
        folder_.emplace(*std::move(folder));
        write("src/a.ts", "a");
        write("src/b.ts", "b");
        write("README.md", "r");
        step_ = bundle("src/**");
        auto inputs = StepInputs::open(folder_->path());
        ASSERT_OK(inputs);
        inputs_ = *std::move(inputs);
    }
    void write(const std::string& path, std::string_view text) {
        const auto full = folder_->path() / path;
        ASSERT_OK(make_folders(full.parent_path()));
        ASSERT_OK(write_file_atomic(full, text));
    }
    StepConfig bundle(std::string_view pattern) {
        StepConfig step;
        step.name = "bundle";
        step.argv = {"make"};
        step.folder = folder_->path();
        EXPECT_OK(step.inputs.add(pattern));
        step.outputs = {*RelPath::parse("dist")};
        return step;
    }
    Xxh3 print(const std::vector<Xxh3>& dependencies = {}) {
        const auto print = inputs_->print(step_, dependencies);
        EXPECT_OK(print);
        return print ? *print : Xxh3{};
    }
    // Another print after the change; the same again in the eyes of one who remembers nothing.
    template <typename Change>
    void expect_changed_by(Change change) {
        const Xxh3 before = print();
        EXPECT_EQ(print(), before);
        change();
        const Xxh3 after = print();
        EXPECT_NE(after, before);
        auto fresh = StepInputs::open(folder_->path());
        ASSERT_OK(fresh);
        inputs_ = *std::move(fresh);
        EXPECT_EQ(print(), after);
    }

    std::optional<TempDir> folder_;
    StepConfig step_;
    std::unique_ptr<StepInputs> inputs_;
};

TEST_F(StepInputsTest, ContentModeAndPathOfAnInputCount) {
    expect_changed_by([&] { write("src/a.ts", "c"); });
    expect_changed_by([&] { ::chmod((folder_->path() / "src/a.ts").c_str(), 0600); });
    expect_changed_by(
        [&] { std::filesystem::rename(folder_->path() / "src/a.ts", folder_->path() / "src/c.ts"); });
    expect_changed_by([&] { write("src/deep/er/d.ts", ""); });
    expect_changed_by([&] { std::filesystem::remove_all(folder_->path() / "src"); });
    expect_changed_by([&] {
        std::filesystem::create_directory(folder_->path() / "src");
        ASSERT_EQ(::symlink("one", (folder_->path() / "src/link").c_str()), 0);
    });
    expect_changed_by([&] {
        std::filesystem::remove(folder_->path() / "src/link");
        ASSERT_EQ(::symlink("two", (folder_->path() / "src/link").c_str()), 0);
    });
}

TEST_F(StepInputsTest, WhatIsNoInputDoesNotCount) {
    step_ = bundle("**");
    write("dist/out.js", "1");
    write(".git/index", "1");
    const Xxh3 before = print();
    write("dist/out.js", "2");
    write(".git/index", "2");
    std::filesystem::create_directory(folder_->path() / "empty");
    ::chmod((folder_->path() / "src").c_str(), 0700);
    EXPECT_EQ(print(), before);
    expect_changed_by([&] { write("README.md", "s"); });
}

TEST_F(StepInputsTest, TheDefinitionCounts) {
    expect_changed_by([&] { step_.argv = {"ma", "ke"}; });
    expect_changed_by([&] { step_.env["A"] = "b"; });
    expect_changed_by([&] { step_.env = {{"Ab", ""}}; });
    expect_changed_by([&] { step_.folder /= "src"; });
    expect_changed_by([&] { step_.outputs.push_back(*RelPath::parse("map")); });
    expect_changed_by([&] { EXPECT_OK(step_.inputs.add("!nothing")); });
    const Xxh3 before = print();
    step_.timeout = std::chrono::seconds(1);
    EXPECT_EQ(print(), before);
}

TEST_F(StepInputsTest, ThePrintsOfDependenciesCount) {
    EXPECT_NE(print({Xxh3{1, 2}}), print({}));
    EXPECT_NE(print({Xxh3{1, 2}}), print({Xxh3{2, 1}}));
}

TEST_F(StepInputsTest, OutputsAreThereOrNot) {
    EXPECT_FALSE(inputs_->has_outputs(step_));
    ASSERT_EQ(::symlink("nowhere", (folder_->path() / "dist").c_str()), 0);
    EXPECT_TRUE(inputs_->has_outputs(step_));
    step_.outputs.push_back(*RelPath::parse("src/a.ts/b"));
    EXPECT_FALSE(inputs_->has_outputs(step_));
    step_.outputs.clear();
    EXPECT_TRUE(inputs_->has_outputs(step_));
}

}  // namespace
}  // namespace synchost::host
