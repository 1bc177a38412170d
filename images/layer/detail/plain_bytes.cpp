#include "images/layer/detail/plain_bytes.hpp"

#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/file.hpp"
#include "base/rel_path.hpp"

namespace synchost::images::detail {
namespace {

constexpr std::size_t kReadBlock = std::size_t{256} << 10;
// What next() gives at once: small, so that who counts it can stop early.
constexpr std::size_t kSlice = std::size_t{32} << 10;

bool is_zstd(std::string_view start) {
    using namespace std::string_view_literals;
    if (start.size() < 4) return false;
    const bool skippable = (start[0] & 0xf0) == 0x50 && start.substr(1, 3) == "\x2a\x4d\x18"sv;
    return skippable || start.starts_with("\x28\xb5\x2f\xfd"sv);
}

int filter_of(std::string_view start, Compressions known) {
    using namespace std::string_view_literals;
    if (start.starts_with("\x1f\x8b"sv)) return ARCHIVE_FILTER_GZIP;
    if (is_zstd(start)) return ARCHIVE_FILTER_ZSTD;
    if (known == Compressions::of_layers) return ARCHIVE_FILTER_NONE;
    if (start.starts_with("BZh"sv)) return ARCHIVE_FILTER_BZIP2;
    if (start.starts_with("\xfd"
                          "7zXZ\0"sv))
        return ARCHIVE_FILTER_XZ;
    return ARCHIVE_FILTER_NONE;
}

std::unexpected<Error> damaged(archive* in) {
    const char* why = archive_error_string(in);
    return fail(Errc::protocol, "damaged archive: " + printable(why == nullptr ? "" : why));
}

}  // namespace

Result<PlainBytes> PlainBytes::open(int fd, Compressions known) {
    std::array<char, 6> start{};
    struct stat info{};
    if (::fstat(fd, &info) != 0 || ::lseek(fd, 0, SEEK_SET) != 0) return fail_errno("read");
    TRY_ASSIGN(const std::size_t got, read_at(fd, 0, start));
    OpenArchive in(archive_read_new());
    archive_read_support_format_raw(in.get());
    archive_read_support_format_empty(in.get());
    // Never ARCHIVE_FILTER_NONE: without any filter libarchive does not look for one either.
    const int filter = filter_of({start.data(), got}, known);
    if (filter != ARCHIVE_FILTER_NONE && archive_read_append_filter(in.get(), filter) != ARCHIVE_OK)
        return damaged(in.get());
    if (archive_read_open_fd(in.get(), fd, kReadBlock) != ARCHIVE_OK) return damaged(in.get());
    return PlainBytes(std::move(in), static_cast<std::uint64_t>(info.st_size));
}

Result<std::string_view> PlainBytes::next() {
    if (!begun_) {
        archive_entry* entry = nullptr;
        const int code = archive_read_next_header(in_.get(), &entry);
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN && code != ARCHIVE_EOF) return damaged(in_.get());
        begun_ = true;
        ended_ = code == ARCHIVE_EOF;
    }
    while (block_.empty() && !ended_) {
        const void* bytes = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        const int code = archive_read_data_block(in_.get(), &bytes, &size, &offset);
        if (code == ARCHIVE_EOF) {
            ended_ = true;
        } else if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
            return damaged(in_.get());
        } else {
            block_ = {static_cast<const char*>(bytes), size};
        }
    }
    const std::string_view out = block_.substr(0, kSlice);
    block_.remove_prefix(out.size());
    return out;
}

}  // namespace synchost::images::detail
