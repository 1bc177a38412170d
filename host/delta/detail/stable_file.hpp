// A file that must stay as it is while it is read. By pread and never by mmap: a file that somebody truncates
// meanwhile is an error here and would be a SIGBUS there.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace synchost::host::delta::detail {

// Read at a time: stays in the second-level cache while it is hashed two or three times, and is a multiple of
// every block size.
inline constexpr std::size_t kChunkBytes = std::size_t{256} << 10;

[[nodiscard]] std::unexpected<Error> changed();  // the conflict that all below report

class StableFile {
  public:
    // invalid_input where it is no regular file, unsupported where it is over kMaxSignedBytes.
    static Result<StableFile> of(int fd);

    [[nodiscard]] std::uint64_t size() const { return static_cast<std::uint64_t>(info_.st_size); }
    // All of `into`; conflict where the file ends before.
    Result<> read(std::uint64_t offset, std::span<char> into) const;
    // As much of `buffer` as lies before the end that the file had at first.
    Result<std::string_view> read_chunk(std::uint64_t offset, std::span<char> buffer) const;
    // conflict where its size or its times are not what they were.
    [[nodiscard]] Result<> check_unchanged() const;

  private:
    StableFile(int fd, const struct stat& info) : fd_(fd), info_(info) {}
    int fd_;
    struct stat info_;
};

}  // namespace synchost::host::delta::detail
