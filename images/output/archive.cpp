#include <fcntl.h>
#include <unistd.h>

#include "base/file.hpp"
#include "images/layer/tar_writer.hpp"
#include "images/output/detail/archive.hpp"

namespace synchost::images::detail {

Result<> write_to(const std::filesystem::path& dest, const std::function<Result<>(const ByteSink&)>& write) {
    if (dest == "-") return write([](std::string_view bytes) { return write_all(STDOUT_FILENO, bytes); });
    if (std::error_code error; std::filesystem::is_directory(dest, error)) {
        return fail(Errc::conflict, dest.native() + " is a folder, the output is one file",
                    "Name a file in it.");
    }
    TRY_ASSIGN(AtomicFile file, AtomicFile::open(dest, 0644));
    TRY(write([&](std::string_view bytes) { return file.write(bytes); }));
    return file.commit();
}

Result<> Archive::folder(std::string_view path) {
    return sink_(tar_header({.path = path, .type = '5', .mode = 0755}));
}

Result<> Archive::bytes(std::string_view path, std::string_view content) {
    TRY(sink_(tar_header({.path = path, .mode = 0644, .size = content.size()})));
    TRY(sink_(content));
    return sink_(tar_padding(content.size()));
}

Result<> Archive::file(std::string_view path, int fd, std::uint64_t size) {
    TRY(sink_(tar_header({.path = path, .mode = 0644, .size = size})));
    std::string buffer(std::size_t{256} << 10, '\0');
    std::uint64_t done = 0;
    while (done < size) {
        const std::size_t want = std::min<std::uint64_t>(buffer.size(), size - done);
        TRY_ASSIGN(const std::size_t got, read_at(fd, done, {buffer.data(), want}));
        if (got == 0) return fail(Errc::conflict, std::string(path) + ": became shorter while it was read");
        TRY(sink_({buffer.data(), got}));
        done += got;
    }
    return sink_(tar_padding(size));
}

Result<> Archive::finish() {
    return sink_(tar_end());
}

}  // namespace synchost::images::detail
