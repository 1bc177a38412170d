#include "host/delta/detail/stable_file.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "host/delta/signature.hpp"

namespace synchost::host::delta::detail {
namespace {

bool is_same(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

std::unexpected<Error> changed() {
    return fail(Errc::conflict, "the file changed while it was read", "Try again once it has settled.");
}

Result<StableFile> StableFile::of(int fd) {
    struct stat info{};
    if (::fstat(fd, &info) != 0) return fail_errno("stat");
    if (!S_ISREG(info.st_mode)) return fail(Errc::invalid_input, "not a regular file");
    if (static_cast<std::uint64_t>(info.st_size) > kMaxSignedBytes) {
        return fail(Errc::unsupported,
                    "larger than " + std::to_string(kMaxSignedBytes >> 30) + " GiB: no differences are made");
    }
    return StableFile(fd, info);
}

Result<> StableFile::read(std::uint64_t offset, std::span<char> into) const {
    TRY_ASSIGN(const std::size_t got, read_at(fd_, offset, into));
    if (got < into.size()) return changed();
    return {};
}

Result<std::string_view> StableFile::read_chunk(std::uint64_t offset, std::span<char> buffer) const {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size() - offset));
    TRY(read(offset, buffer.first(length)));
    return std::string_view(buffer.data(), length);
}

Result<> StableFile::check_unchanged() const {
    struct stat now{};
    if (::fstat(fd_, &now) != 0) return fail_errno("stat");
    const bool same = now.st_size == info_.st_size && is_same(now.st_mtim, info_.st_mtim) &&
                      is_same(now.st_ctim, info_.st_ctim);
    if (!same) return changed();
    return {};
}

}  // namespace synchost::host::delta::detail
