#include "images/layer/tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>

#include "base/rel_path.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kReadBlock = std::size_t{256} << 10;
constexpr std::size_t kMaxEntries = 4'000'000;
constexpr std::size_t kMaxXattrBytesOfTar = std::size_t{64} << 20;
constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999
constexpr auto kMaxDeviceMajor = (1U << 12) - 1;       // MINORBITS of Linux is 20
constexpr auto kMaxDeviceMinor = (1U << 20) - 1;

struct FreeArchive {
    void operator()(archive* a) const { archive_read_free(a); }
};

bool climbs(std::string_view path) {
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        if (path.substr(at, slash - at) == "..") return true;
        at = slash + 1;
    }
    return false;
}

std::string text(const char* bytes) {
    return bytes == nullptr ? std::string() : std::string(bytes);
}

class ArchiveContent final : public TarContent {
  public:
    explicit ArchiveContent(archive* from) : from_(from) {}
    Result<> read(const std::function<Result<>(std::string_view)>& sink) override {
        // archive_read_data fills the holes of sparse members with zeros.
        std::string buffer(kReadBlock, '\0');
        for (;;) {
            const la_ssize_t got = archive_read_data(from_, buffer.data(), buffer.size());
            if (got < 0)
                return fail(Errc::protocol, "damaged layer: " + printable(text(archive_error_string(from_))));
            if (got == 0) return {};
            TRY(sink({buffer.data(), static_cast<std::size_t>(got)}));
        }
    }

  private:
    archive* from_;
};

Result<std::shared_ptr<const Xattrs>> convert_xattrs(archive_entry* from, std::size_t& total) {
    Xattrs out;
    archive_entry_xattr_reset(from);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
        if (name == nullptr || !carries_xattr(name)) continue;
        total += size;
        if (size > kMaxXattrBytes || total > kMaxXattrBytesOfTar)
            return fail(Errc::protocol, "too large extended attributes");
        out.insert_or_assign(name, std::string(static_cast<const char*>(value), size));
    }
    if (out.empty()) return nullptr;
    return std::make_shared<const Xattrs>(std::move(out));
}

Result<DeviceNumber> convert_device(archive_entry* from) {
    const auto major = archive_entry_rdevmajor(from);
    const auto minor = archive_entry_rdevminor(from);
    if (major > kMaxDeviceMajor || minor > kMaxDeviceMinor)
        return fail(Errc::protocol, "a device with a number that Linux does not have");
    return DeviceNumber{static_cast<std::uint32_t>(major), static_cast<std::uint32_t>(minor)};
}

Result<TarEntry> convert(archive_entry* from, std::size_t& xattr_bytes) {
    TarEntry out;
    const std::string path = text(archive_entry_pathname(from));
    if (climbs(path)) return fail(Errc::protocol, "a layer with the path " + printable(path));
    out.path = clean_path(path);
    out.mode = static_cast<std::uint32_t>(archive_entry_perm(from)) & 07777;
    out.uid = static_cast<std::uint32_t>(archive_entry_uid(from));
    out.gid = static_cast<std::uint32_t>(archive_entry_gid(from));
    out.mtime = std::clamp<std::int64_t>(archive_entry_mtime(from), 0, kLastSecond);
    out.size = static_cast<std::uint64_t>(std::max<std::int64_t>(archive_entry_size(from), 0));
    TRY_ASSIGN(out.xattrs, convert_xattrs(from, xattr_bytes));
    if (const char* target = archive_entry_hardlink(from); target != nullptr) {
        if (climbs(target)) return fail(Errc::protocol, "a layer with a hard link to " + printable(target));
        out.kind = TarKind::hard_link;
        out.link = clean_path(target);
        return out;
    }
    switch (archive_entry_filetype(from)) {
        case AE_IFREG:
            out.kind = TarKind::file;
            break;
        case AE_IFDIR:
            out.kind = TarKind::folder;
            break;
        case AE_IFLNK:
            out.kind = TarKind::symlink;
            out.link = text(archive_entry_symlink(from));
            break;
        case AE_IFIFO:
            out.kind = TarKind::fifo;
            break;
        case AE_IFCHR:
        case AE_IFBLK: {
            out.kind =
                archive_entry_filetype(from) == AE_IFCHR ? TarKind::char_device : TarKind::block_device;
            TRY_ASSIGN(out.device, convert_device(from));
            break;
        }
        default:
            out.kind = TarKind::other;
    }
    return out;
}

}  // namespace

Node node_of(const TarEntry& entry) {
    Node out{.kind = FileKind::file,
             .mode = entry.mode,
             .uid = entry.uid,
             .gid = entry.gid,
             .link = entry.link,
             .device = entry.device,
             .xattrs = entry.xattrs,
             .mtime = entry.mtime};
    switch (entry.kind) {
        case TarKind::folder:
            out.kind = FileKind::folder;
            break;
        case TarKind::symlink:
            out.kind = FileKind::symlink;
            break;
        case TarKind::fifo:
            out.kind = FileKind::fifo;
            break;
        case TarKind::char_device:
            out.kind = FileKind::char_device;
            break;
        case TarKind::block_device:
            out.kind = FileKind::block_device;
            break;
        default:
            break;
    }
    return out;
}

Result<> read_tar(const std::filesystem::path& path, const TarVisitor& visit) {
    const std::unique_ptr<archive, FreeArchive> in(archive_read_new());
    const auto broken = [&] {
        return fail(Errc::protocol, "damaged layer " + path.filename().native() + ": " +
                                        printable(text(archive_error_string(in.get()))));
    };
    archive_read_support_filter_gzip(in.get());
    archive_read_support_filter_zstd(in.get());
    archive_read_support_format_tar(in.get());
    archive_read_support_format_empty(in.get());
    // Names are bytes to us: without this libarchive converts them to the locale's charset.
    archive_read_set_format_option(in.get(), "tar", "hdrcharset", "BINARY");
    if (archive_read_open_filename(in.get(), path.c_str(), kReadBlock) != ARCHIVE_OK) return broken();
    std::size_t xattr_bytes = 0;
    for (std::size_t count = 0;; ++count) {
        if (count == kMaxEntries) return fail(Errc::protocol, "a layer with more than 4000000 entries");
        archive_entry* entry = nullptr;
        const int code = archive_read_next_header(in.get(), &entry);
        if (code == ARCHIVE_EOF) return {};
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return broken();
        TRY_ASSIGN(const TarEntry converted, convert(entry, xattr_bytes));
        ArchiveContent content(in.get());
        TRY_ASSIGN(const TarWalk next, visit(converted, content));
        if (next == TarWalk::stop) return {};
    }
}

}  // namespace synchost::images
