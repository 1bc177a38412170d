// Bytes as an archive that ADD unpacks: whatever they say, no path leaves the root, every folder above a node
// is a node, and hard links and attributes stay in their bounds.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "images/layer/tar_reader.hpp"
#include "images/layer/unpack_archive.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost;
    const Fd file(::memfd_create("archive", MFD_CLOEXEC));
    if (!file || !write_all(file.get(), {reinterpret_cast<const char*>(data), size})) return 0;
    const bool archive = images::is_archive(file.get());
    const auto tree = images::unpack_archive(
        file.get(), "archive", {},
        images::ArchiveLimits{.tar_bytes = std::uint64_t{16} << 20, .content_bytes = std::uint64_t{1} << 20});
    if (!tree) return 0;
    if (!archive && tree->nodes().size() > 1) std::abort();
    for (const auto& [path, node] : tree->nodes()) {
        if (images::clean_path(path) != path) std::abort();
        if (!path.empty() && !tree->is_folder(images::parent_path(path))) std::abort();
        if (node.mode > 07777 || node.device.major > 4095 || (node.mtime && *node.mtime < 0)) std::abort();
        if (!node.xattrs) continue;
        for (const auto& [name, value] : *node.xattrs) {
            if (!images::carries_xattr(name) || value.size() > images::kMaxXattrBytes) std::abort();
        }
    }
    return 0;
}
