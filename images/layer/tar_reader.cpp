#include "images/layer/tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/layer/detail/plain_bytes.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {
namespace {

using detail::Compressions;
using detail::OpenArchive;
using detail::PlainBytes;

constexpr std::size_t kReadBlock = std::size_t{256} << 10;
constexpr std::size_t kMaxEntries = 4'000'000;
constexpr std::size_t kMaxXattrBytesOfTar = std::size_t{64} << 20;
constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999
constexpr auto kMaxDeviceMajor = (1U << 12) - 1;       // MINORBITS of Linux is 20
constexpr auto kMaxDeviceMinor = (1U << 20) - 1;
constexpr std::size_t kMaxPath = 4096;  // PATH_MAX and NAME_MAX: no kernel makes longer ones
constexpr std::size_t kMaxName = 255;
// Of one entry, with its long names and attributes. libarchive reads a header that follows a header by
// recursion, and compares each line of an ACL with all lines before it: 860 KB of them take 4 seconds.
constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{256} << 10;
// What headers have beyond a usual one's bytes (with what is read ahead), in all.
constexpr std::uint64_t kUsualHeader = std::uint64_t{64} << 10;
constexpr std::uint64_t kMaxLongHeaders = std::uint64_t{64} << 20;

std::string text(const char* bytes) {
    return bytes == nullptr ? std::string() : std::string(bytes);
}

// A tar that libarchive reads from bytes that are counted on their way.
class TarInput {
  public:
    TarInput(PlainBytes bytes, const ArchiveLimits& limits)
        : bytes_(std::move(bytes)), limits_(limits), in_(archive_read_new()) {}
    TarInput(const TarInput&) = delete;
    TarInput& operator=(const TarInput&) = delete;

    Result<> open(bool may_be_empty) {
        archive_read_support_format_tar(in_.get());
        if (may_be_empty) archive_read_support_format_empty(in_.get());
        // Names are bytes to us: without this libarchive converts them to the locale's charset.
        archive_read_set_format_option(in_.get(), "tar", "hdrcharset", "BINARY");
        header_left_ = kMaxHeaderBytes;
        if (archive_read_open(in_.get(), this, nullptr, &TarInput::give, nullptr) == ARCHIVE_OK) return {};
        return std::unexpected(fault());
    }

    // Null at the end.
    Result<archive_entry*> next_entry() {
        header_left_.reset();
        if (begun_ && archive_read_data_skip(in_.get()) < ARCHIVE_WARN) return std::unexpected(fault());
        begun_ = true;
        header_left_ = kMaxHeaderBytes;
        archive_entry* entry = nullptr;
        const int code = archive_read_next_header(in_.get(), &entry);
        const std::uint64_t used = kMaxHeaderBytes - *header_left_;
        header_left_.reset();
        if (code == ARCHIVE_EOF) return nullptr;
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return std::unexpected(fault());
        const std::uint64_t excess = used - std::min(used, kUsualHeader);
        if (excess > long_headers_left_)
            return fail(Errc::protocol, "more long headers than any real archive has");
        long_headers_left_ -= excess;
        return entry;
    }

    // archive_read_data fills the holes of sparse members with zeros; they count as what they become.
    Result<> read_content(const std::function<Result<>(std::string_view)>& sink) {
        std::string buffer(kReadBlock, '\0');
        for (;;) {
            const la_ssize_t got = archive_read_data(in_.get(), buffer.data(), buffer.size());
            if (got < 0) return std::unexpected(fault());
            if (got == 0) return {};
            const auto size = static_cast<std::uint64_t>(got);
            if (size > limits_.content_bytes) return std::unexpected(too_large());
            limits_.content_bytes -= size;
            TRY(sink({buffer.data(), static_cast<std::size_t>(got)}));
        }
    }

  private:
    static la_ssize_t give(archive* in, void* self, const void** out) {
        TarInput& input = *static_cast<TarInput*>(self);
        const auto bytes = input.take();
        if (!bytes) {
            input.fault_ = bytes.error();
            archive_set_error(in, EIO, "%s", bytes.error().message.c_str());
            return -1;
        }
        *out = bytes->data();
        return static_cast<la_ssize_t>(bytes->size());
    }
    Result<std::string_view> take() {
        TRY_ASSIGN(const std::string_view out, bytes_.next());
        if (out.size() > limits_.tar_bytes) return std::unexpected(too_large());
        limits_.tar_bytes -= out.size();
        if (header_left_) {
            if (out.size() > *header_left_)
                return fail(Errc::protocol, "an entry with a header of more than 256 KiB");
            *header_left_ -= out.size();
        }
        return out;
    }
    [[nodiscard]] Error too_large() const {
        return {Errc::protocol,
                "unpacks to far more than its " + std::to_string(bytes_.compressed_size()) +
                    " bytes can mean, as a decompression bomb does",
                0, "If it is what you want, unpack it by other means, and COPY its files."};
    }
    [[nodiscard]] Error fault() {
        if (fault_) return *fault_;
        return {
            Errc::protocol, "damaged archive: " + printable(text(archive_error_string(in_.get()))), 0, {}};
    }

    PlainBytes bytes_;
    ArchiveLimits limits_;
    std::optional<std::uint64_t> header_left_;  // while a header is read
    std::uint64_t long_headers_left_ = kMaxLongHeaders;
    std::optional<Error> fault_;
    bool begun_ = false;
    OpenArchive in_;
};

class ArchiveContent final : public TarContent {
  public:
    explicit ArchiveContent(TarInput& from) : from_(from) {}
    Result<> read(const std::function<Result<>(std::string_view)>& sink) override {
        return from_.read_content(sink);
    }

  private:
    TarInput& from_;
};

Result<> check_path(std::string_view path) {
    if (path.size() > kMaxPath) {
        return fail(Errc::protocol, "an entry with a path of " + std::to_string(path.size()) +
                                        " bytes; Linux has 4096 at most");
    }
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, slash - at);
        if (part == "..") return fail(Errc::protocol, "an entry with the path " + printable(path));
        if (part.size() > kMaxName)
            return fail(Errc::protocol, "an entry with a name of more than 255 bytes");
        at = slash + 1;
    }
    return {};
}

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
    TRY(check_path(path));
    out.path = clean_path(path);
    out.mode = static_cast<std::uint32_t>(archive_entry_perm(from)) & 07777;
    out.uid = static_cast<std::uint32_t>(archive_entry_uid(from));
    out.gid = static_cast<std::uint32_t>(archive_entry_gid(from));
    out.mtime = std::clamp<std::int64_t>(archive_entry_mtime(from), 0, kLastSecond);
    out.size = static_cast<std::uint64_t>(std::max<std::int64_t>(archive_entry_size(from), 0));
    TRY_ASSIGN(out.xattrs, convert_xattrs(from, xattr_bytes));
    if (const char* target = archive_entry_hardlink(from); target != nullptr) {
        if (auto good = check_path(target); !good)
            return std::unexpected(
                std::move(good.error())
                    .context("a hard link to " + printable(std::string_view(target).substr(0, 100))));
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
            if (out.link.size() > kMaxPath)
                return fail(Errc::protocol, "a symlink with a target of more than 4096 bytes");
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

Result<> walk(TarInput& in, const TarVisitor& visit) {
    std::size_t xattr_bytes = 0;
    NameBudget names;
    for (std::size_t count = 0;; ++count) {
        if (count == kMaxEntries) return fail(Errc::protocol, "more than 4000000 entries");
        TRY_ASSIGN(archive_entry* const entry, in.next_entry());
        if (entry == nullptr) return {};
        TRY_ASSIGN(const TarEntry converted, convert(entry, xattr_bytes));
        TRY(names.spend(converted.path));
        TRY(names.spend(converted.link));
        ArchiveContent content(in);
        TRY_ASSIGN(const TarWalk next, visit(converted, content));
        if (next == TarWalk::stop) return {};
    }
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

Result<> NameBudget::spend(std::string_view name) {
    constexpr std::uint64_t kNode = 256;
    if (name.size() + kNode > left_)
        return fail(Errc::protocol, "more and longer names than any real archive has");
    left_ -= name.size() + kNode;
    return {};
}

ArchiveLimits limits_of(std::uint64_t compressed_bytes) {
    constexpr std::uint64_t kAlways = std::uint64_t{4} << 30;
    constexpr std::uint64_t kTimes = 250;
    const std::uint64_t most = kAlways + std::min(compressed_bytes, UINT64_MAX / kTimes - kAlways) * kTimes;
    return {most, most};
}

Result<> read_tar(const std::filesystem::path& path, const TarVisitor& visit) {
    TRY_ASSIGN(const Fd file, open_file(path, O_RDONLY));
    auto done = [&]() -> Result<> {
        TRY_ASSIGN(PlainBytes bytes, PlainBytes::open(file.get(), Compressions::of_layers));
        const ArchiveLimits limits = limits_of(bytes.compressed_size());
        TarInput in(std::move(bytes), limits);
        TRY(in.open(true));
        return walk(in, visit);
    }();
    if (!done) return std::unexpected(std::move(done.error()).context("layer " + path.filename().native()));
    return {};
}

Result<> read_archive(int fd, const ArchiveLimits& limits, const TarVisitor& visit) {
    TRY_ASSIGN(PlainBytes bytes, PlainBytes::open(fd, Compressions::of_archives));
    TarInput in(std::move(bytes), limits);
    TRY(in.open(false));
    return walk(in, visit);
}

Result<Digest> tar_digest(const std::filesystem::path& path) {
    TRY_ASSIGN(const Fd file, open_file(path, O_RDONLY));
    TRY_ASSIGN(PlainBytes bytes, PlainBytes::open(file.get(), Compressions::of_layers));
    std::uint64_t left = limits_of(bytes.compressed_size()).tar_bytes;
    Sha256 hash;
    while (true) {
        TRY_ASSIGN(const std::string_view piece, bytes.next());
        if (piece.empty()) return hash.finish();
        if (piece.size() > left) return fail(Errc::protocol, "it expands to more than any real layer");
        left -= piece.size();
        hash.update(piece);
    }
}

bool is_archive(int fd) {
    auto bytes = PlainBytes::open(fd, Compressions::of_archives);
    if (!bytes) return false;
    TarInput in(*std::move(bytes), {kMaxHeaderBytes, 0});
    if (!in.open(false)) return false;
    const auto entry = in.next_entry();
    return entry && *entry != nullptr;
}

}  // namespace synchost::images
