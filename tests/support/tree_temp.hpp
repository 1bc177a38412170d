// A temporary folder to write files into, for tests that look at trees. A failed step ends the test with its
// reason.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/temp_dir.hpp"

namespace synchost::test {

class TempTree {
  public:
    TempTree() : dir_(TempDir::make("tree").value()) {}

    [[nodiscard]] const std::filesystem::path& root() const { return dir_.path(); }
    [[nodiscard]] std::filesystem::path operator/(std::string_view relative) const {
        return root() / relative;
    }

    void folder(std::string_view relative) { check(make_folders(root() / relative), relative); }
    // In place: truncated, written, closed. Folders that lead there are made.
    void write(std::string_view relative, std::string_view content) {
        make_parent(relative);
        auto file = open_file(root() / relative, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        check(file, relative);
        if (file) check(write_all(file->get(), content), relative);
    }
    void symlink(std::string_view target, std::string_view relative) {
        make_parent(relative);
        std::filesystem::create_symlink(target, root() / relative);
    }
    void rename(std::string_view from, std::string_view to) {
        std::filesystem::rename(root() / from, root() / to);
    }
    void remove(std::string_view relative) { std::filesystem::remove_all(root() / relative); }

  private:
    void make_parent(std::string_view relative) {
        check(make_folders((root() / relative).parent_path()), relative);
    }
    template <typename T>
    static void check(const Result<T>& result, std::string_view what) {
        if (!result) ADD_FAILURE() << what << ": " << result.error().message;
    }
    TempDir dir_;
};

}  // namespace synchost::test
