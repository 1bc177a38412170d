// A build context on disk, written in a line: ImageContext().file("Dockerfile", "FROM scratch").file("app/x",
// "1").
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/temp_dir.hpp"

namespace synchost::test {

class ImageContext {
  public:
    ImageContext() : folder_(std::move(TempDir::make("context")).value()) {}

    ImageContext& file(std::string_view path, std::string_view content, mode_t mode = 0644) {
        const std::filesystem::path at = folder_.path() / path;
        make_folders(at.parent_path()).value();
        write_file_atomic(at, content, mode).value();
        return *this;
    }
    ImageContext& folder(std::string_view path, mode_t mode = 0755) {
        make_folders(folder_.path() / path).value();
        ::chmod((folder_.path() / path).c_str(), mode);
        return *this;
    }
    ImageContext& link(std::string_view path, std::string_view target) {
        make_folders((folder_.path() / path).parent_path()).value();
        std::filesystem::create_symlink(target, folder_.path() / path);
        return *this;
    }
    [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

  private:
    TempDir folder_;
};

}  // namespace synchost::test
