#include "host/delta/signature_cache.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"

namespace synchost::host::delta {
namespace {

constexpr std::size_t kNameLength = 32;
constexpr std::string_view kTemporary = ".tmp-";  // as AtomicFile names them
constexpr std::chrono::hours kAbandonedAfter{1};

struct CacheFile {
    std::string name;
    std::int64_t used_s = 0;
    std::int64_t used_ns = 0;
    std::uint64_t bytes = 0;
};

std::uint64_t on_disk(std::uint64_t bytes) {
    constexpr std::uint64_t kDiskBlock = 4096;
    return (bytes + kDiskBlock - 1) / kDiskBlock * kDiskBlock;
}

bool is_entry(std::string_view name) {
    return name.size() == kNameLength && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool is_temporary(std::string_view name) {
    return name.size() > kNameLength && is_entry(name.substr(0, kNameLength)) &&
           name.substr(kNameLength).starts_with(kTemporary);
}
bool is_abandoned(const struct stat& info) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::seconds(info.st_mtim.tv_sec) + kAbandonedAfter < now;
}

// The signatures that are there. What a killed process left half-written is removed on the way; whatever else
// lies there is not ours.
std::vector<CacheFile> list(int folder, DIR* entries) {
    std::vector<CacheFile> out;
    while (const dirent* entry = ::readdir(entries)) {
        const std::string_view name = entry->d_name;
        if (!is_entry(name) && !is_temporary(name)) continue;
        struct stat info{};
        if (::fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
            continue;
        if (is_entry(name)) {
            out.push_back({std::string(name), info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                           on_disk(static_cast<std::uint64_t>(info.st_size))});
        } else if (is_abandoned(info)) {
            ::unlinkat(folder, entry->d_name, 0);
        }
    }
    return out;
}

}  // namespace

std::optional<Signature> SignatureCache::find(const Xxh3& hash) {
    const auto path = folder_ / hash.hex();
    // Not to wait for a FIFO, and not to follow: whatever lies there is looked at before it is read.
    const auto fd = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!fd) return std::nullopt;
    struct stat info{};
    if (::fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    const auto bytes = read_all(fd->get(), kMaxSignatureFileBytes);
    if (!bytes && bytes.error().code == Errc::io) return std::nullopt;
    if (bytes) {
        auto signature = parse_signature(*bytes);
        if (signature && signature->hash == hash) {
            ::futimens(fd->get(), nullptr);
            return std::move(*signature);
        }
    }
    ::unlink(path.c_str());
    return std::nullopt;
}

Result<> SignatureCache::put(const Signature& signature) {
    if (signature.size < kSignFromBytes) return {};
    const std::string bytes = format_signature(signature);
    if (on_disk(bytes.size()) > max_bytes_ / 8) return {};
    const auto path = folder_ / signature.hash.hex();
    TRY(make_folders(folder_, 0700));
    TRY(write_file_atomic(path, bytes, 0600));
    const std::lock_guard lock(mutex_);
    if (added_since_trim_) *added_since_trim_ += on_disk(bytes.size());
    if (!added_since_trim_ || *added_since_trim_ > max_bytes_ / 16) trim();
    return {};
}

void SignatureCache::trim() {
    added_since_trim_ = 0;
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder_.c_str()), ::closedir);
    if (!entries) return;
    const int folder = ::dirfd(entries.get());
    std::vector<CacheFile> files = list(folder, entries.get());
    std::uint64_t total = 0;
    for (const CacheFile& file : files) total += file.bytes;
    // What this process may add until it looks again is to fit too.
    if (total <= max_bytes_ - max_bytes_ / 16) return;
    std::ranges::sort(files, {}, [](const CacheFile& file) { return std::pair(file.used_s, file.used_ns); });
    for (const CacheFile& file : files) {
        if (total <= max_bytes_ - max_bytes_ / 8) break;
        ::unlinkat(folder, file.name.c_str(), 0);
        total -= file.bytes;
    }
}

}  // namespace synchost::host::delta
