#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "base/rel_path.hpp"

namespace synchost {

Result<Fd> open_file(const std::filesystem::path& path, int flags, mode_t mode) {
    Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!fd) return fail_errno(printable(path.native()));
    return fd;
}

Result<> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            return fail_errno("write");
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::string> read_all(int fd, std::size_t max_bytes) {
    std::string out;
    struct stat info{};
    if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        out.reserve(std::min(static_cast<std::size_t>(info.st_size), max_bytes) + 1);
    }
    constexpr std::size_t kStep = std::size_t{64} << 10;
    for (;;) {
        const std::size_t had = out.size();
        const std::size_t want = std::max(kStep, out.capacity() - had);
        ssize_t got = 0;
        out.resize_and_overwrite(had + want, [&](char* data, std::size_t) {
            do got = ::read(fd, data + had, want);
            while (got < 0 && errno == EINTR);
            return had + (got > 0 ? static_cast<std::size_t>(got) : 0);
        });
        if (got < 0) return fail_errno("read");
        if (out.size() > max_bytes)
            return fail(Errc::invalid_input, "larger than " + std::to_string(max_bytes) + " bytes");
        if (got == 0) return out;
    }
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
    TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY));
    auto bytes = read_all(fd.get(), max_bytes);
    if (!bytes) return std::unexpected(std::move(bytes.error()).context(printable(path.native())));
    return bytes;
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<char> into) {
    std::size_t had = 0;
    while (had < into.size()) {
        const ssize_t got =
            ::pread(fd, into.data() + had, into.size() - had, static_cast<off_t>(offset + had));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno("read");
        if (got == 0) break;
        had += static_cast<std::size_t>(got);
    }
    return had;
}

Result<AtomicFile> AtomicFile::open(const std::filesystem::path& path, mode_t mode) {
    std::string temporary = path.native() + ".tmp-XXXXXX";
    Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd) return fail_errno(printable(path.native()));
    if (::fchmod(fd.get(), mode) != 0) {
        auto error = fail_errno(printable(path.native()));
        ::unlink(temporary.c_str());
        return error;
    }
    return AtomicFile(path, std::move(temporary), std::move(fd));
}

AtomicFile::~AtomicFile() {
    if (fd_) ::unlink(temporary_.c_str());
}

Result<> AtomicFile::write(std::string_view bytes) {
    if (auto written = write_all(fd_.get(), bytes); !written) {
        return std::unexpected(std::move(written.error()).context(printable(path_.native())));
    }
    return {};
}

Result<> AtomicFile::commit() {
    return commit_as(path_);
}

Result<> AtomicFile::commit_as(const std::filesystem::path& path) {
    if (::rename(temporary_.c_str(), path.c_str()) != 0) return fail_errno(printable(path.native()));
    fd_.reset();
    return {};
}

Result<> write_file_atomic(const std::filesystem::path& path, std::string_view bytes, mode_t mode) {
    TRY_ASSIGN(AtomicFile file, AtomicFile::open(path, mode));
    TRY(file.write(bytes));
    return file.commit();
}

Result<> make_folders(const std::filesystem::path& path, mode_t mode) {
    std::filesystem::path so_far;
    for (const auto& part : path) {
        so_far /= part;
        if (::mkdir(so_far.c_str(), mode) == 0 || errno == EEXIST) continue;
        struct stat info{};
        const int mkdir_errno = errno;
        if (::stat(so_far.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
            continue;  // e.g. EROFS on an existing one
        return fail_errno(printable(so_far.native()), mkdir_errno);
    }
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return fail_errno(printable(path.native()));
    if (!S_ISDIR(info.st_mode)) return fail_errno(printable(path.native()), ENOTDIR);
    return {};
}

}  // namespace synchost
