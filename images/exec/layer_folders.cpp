#include "images/exec/layer_folders.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/file.hpp"
#include "images/exec/detail/beneath.hpp"

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
    TRY(make_folders(store / kFolder));
    return LayerFolders(store);
}

std::string LayerFolders::name_of(const Layer& layer) {
    const std::string name = layer.remote ? "blob-" + layer.blob.digest.hex() : "diff-" + layer.diff_id.hex();
    return std::string(kFolder) + "/" + name;
}

bool LayerFolders::has(const Layer& layer) const {
    return is_folder(path_of(layer));
}

Result<> LayerFolders::unpack(const Layer& layer, const EachEntry& each) const {
    if (has(layer)) return {};
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

}  // namespace synchost::images
