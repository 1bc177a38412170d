// The bytes of a file with one compression taken off, gzip, zstd, bzip2 or xz as its first bytes say, or as
// they are, by libarchive.
//
// One compression and no more: left to itself libarchive takes off 25 of them, and what lies between two is
// counted by nobody (a gigabyte of empty gzip members in a kilobyte of zstd keeps a reader busy and gives
// nothing). So all that a hostile file costs is bounded by its size and by the bytes that next() gave.
#pragma once

#include <archive.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.hpp"

namespace synchost::images::detail {

struct FreeArchive {
    void operator()(archive* a) const { archive_read_free(a); }
};
using OpenArchive = std::unique_ptr<archive, FreeArchive>;

enum class Compressions : std::uint8_t {
    of_layers,    // gzip and zstd
    of_archives,  // and bzip2 and xz
};

class PlainBytes {
  public:
    // From the file's start; `fd` stays open for as long as this is read.
    static Result<PlainBytes> open(int fd, Compressions known);
    // Some bytes, valid until the next call; "" at the end, and from then on. protocol where they are
    // damaged.
    Result<std::string_view> next();
    [[nodiscard]] std::uint64_t compressed_size() const { return size_; }

  private:
    PlainBytes(OpenArchive in, std::uint64_t size) : in_(std::move(in)), size_(size) {}
    OpenArchive in_;
    std::uint64_t size_;
    bool begun_ = false;
    bool ended_ = false;
    std::string_view block_;
};

}  // namespace synchost::images::detail
