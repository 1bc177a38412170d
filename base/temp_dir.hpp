// A private folder (0700) that disappears with its owner, whatever was put into it.
#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace synchost {

class TempDir {
  public:
    // Below `parent`, or $TMPDIR, or /tmp; the name starts with "synchost-<label>-".
    static Result<TempDir> make(std::string_view label, const std::filesystem::path& parent = {});
    TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TempDir& operator=(TempDir&& other) noexcept;
    ~TempDir();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
    void remove() noexcept;
    std::filesystem::path path_;
};

}  // namespace synchost
