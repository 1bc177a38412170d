#include "images/exec/layer_folders.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/file.hpp"
#include "images/exec/detail/beneath.hpp"
#include "images/exec/id_space.hpp"
#include "images/store/blob_store.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "unpacked";

bool is_folder(const fs::path& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

Result<LayerFolders> LayerFolders::open(const fs::path& store) {
    TRY(make_folders(store / kFolder, 0700));  // it holds setuid programs
    return LayerFolders(store);
}

std::string LayerFolders::name_of(const Layer& layer) {
    const std::string name = layer.remote ? "blob-" + layer.blob.digest.hex() : "diff-" + layer.diff_id.hex();
    return std::string(kFolder) + "/" + name + id_space_suffix();
}

bool LayerFolders::has(const Layer& layer) const {
    return is_folder(path_of(layer));
}

Result<> LayerFolders::unpack(const Layer& layer, const EachEntry& each) const {
    if (has(layer)) {
        const fs::path note = store_ / kUnpackedSizes / path_of(layer).filename();
        ::utimensat(AT_FDCWD, note.c_str(), nullptr, 0);  // a use, for pruning; there may be none yet
        return {};
    }
    std::string pattern = (store_ / kFolder / ".new-XXXXXX").native();
    if (::mkdtemp(pattern.data()) == nullptr) return fail_errno("a folder to unpack a layer into");
    const fs::path folder = pattern;
    auto done = unpack_into(folder, each);
    if (done && ::chmod(folder.c_str(), 0755) != 0) done = fail_errno(folder.native());
    if (done) done = take_in(folder, layer);
    if (!done) {
        detail::remove_tree(folder);
        return std::unexpected(
            std::move(done.error()).context("unpacking the layer " + layer.blob.digest.short_hex()));
    }
    return {};
}

Result<> LayerFolders::take_in(const fs::path& folder, const Layer& layer) const {
    const fs::path target = path_of(layer);
    if (::rename(folder.c_str(), target.c_str()) == 0) return {};
    // Another build was first, with the same content.
    if ((errno == EEXIST || errno == ENOTEMPTY) && is_folder(target)) {
        detail::remove_tree(folder);
        return {};
    }
    return fail_errno(target.native());
}

Result<std::string> read_from_layers(const std::vector<fs::path>& folders, const std::string& path,
                                     std::size_t max_bytes) {
    const std::string name(base_name(path));
    for (const fs::path& folder : folders) {
        TRY_ASSIGN(const Fd root, open_file(folder, O_PATH | O_DIRECTORY));
        const Fd parent =
            detail::open_beneath(root.get(), std::string(parent_path(path)), O_RDONLY | O_DIRECTORY);
        if (!parent && errno == ENOENT) continue;
        if (!parent) return std::string();  // hidden, or behind a symlink
        struct stat info{};
        if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
            char opaque = 0;
            if (::fgetxattr(parent.get(), opaque_attribute(), &opaque, 1) == 1) return std::string();
            continue;
        }
        if (!S_ISREG(info.st_mode)) return std::string();
        const Fd file = detail::open_beneath(parent.get(), name, O_RDONLY);
        if (!file) return fail_errno(path);
        return read_all(file.get(), max_bytes);
    }
    return std::string();
}

}  // namespace synchost::images
