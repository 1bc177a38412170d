// Whole small files in and out. A file that we publish appears complete under its name or not at all.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace synchost {

// O_CLOEXEC is always added. The error names the path.
Result<Fd> open_file(const std::filesystem::path& path, int flags, mode_t mode = 0);
Result<> write_all(int fd, std::string_view bytes);
// Until end of file; invalid_input past max_bytes, with nothing kept.
Result<std::string> read_all(int fd, std::size_t max_bytes);
Result<std::string> read_file(const std::filesystem::path& path,
                              std::size_t max_bytes = std::size_t{64} << 20);

// Fills `into` from `offset` on by pread; how many bytes there were, less than asked for at the end of file
// only.
Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<char> into);

// A temporary file beside `path`; commit() renames it over `path`, destruction without commit() discards it.
class AtomicFile {
  public:
    static Result<AtomicFile> open(const std::filesystem::path& path, mode_t mode);
    AtomicFile(AtomicFile&&) noexcept = default;
    AtomicFile& operator=(AtomicFile&&) = delete;
    ~AtomicFile();

    [[nodiscard]] int fd() const { return fd_.get(); }
    Result<> write(std::string_view bytes);
    Result<> commit();
    // The same under a name that was not known before, in the same file system.
    Result<> commit_as(const std::filesystem::path& path);

  private:
    AtomicFile(std::filesystem::path path, std::string temporary, Fd fd)
        : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}
    std::filesystem::path path_;
    std::string temporary_;
    Fd fd_;
};

Result<> write_file_atomic(const std::filesystem::path& path, std::string_view bytes, mode_t mode = 0644);
// Like mkdir -p; `mode` (less umask) holds for every folder that is made.
Result<> make_folders(const std::filesystem::path& path, mode_t mode = 0755);

}  // namespace synchost
