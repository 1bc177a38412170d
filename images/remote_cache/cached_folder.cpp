#include "images/remote_cache/detail/cached_folder.hpp"

#include "base/file.hpp"
#include "images/exec/layer_folders.hpp"
#include "images/graph/run_record.hpp"
#include "images/layer/content_reader.hpp"
#include "images/layer/tar_reader.hpp"

namespace synchost::images::detail {

Result<> CachedFolder::make(registry::Client& client, const std::string& repository) const {
    TRY_ASSIGN(const LayerFolders folders, LayerFolders::open(store_.folder()));
    if (folders.has(layer_)) return {};
    const std::filesystem::path path = store_.path_of(layer_.blob.digest);
    if (!store_.has(layer_.blob)) TRY(client.get_blob_file(repository, layer_.blob, path));
    TRY_ASSIGN(const Digest diff_id, tar_digest(path));
    if (diff_id != layer_.diff_id) return fail(Errc::protocol, "a layer of other content than it is said");
    return folders.unpack(layer_, [&](const TarVisitor& visit) { return read_tar(path, visit); });
}

Result<> CachedFolder::check_run(std::string_view bytes) const {
    const auto folder = store_.folder() / LayerFolders::name_of(layer_);
    const auto record = parse_run_record(bytes, folder);
    if (!record) return fail(Errc::protocol, "a damaged record of a RUN");
    TRY_ASSIGN(const ContentReader contents, ContentReader::make(record->layer, {}, store_.folder()));
    for (const auto& [path, node] : record->layer) {
        if (node.kind != FileKind::file || std::holds_alternative<std::monostate>(node.content)) continue;
        if (!contents.open(node))
            return fail(Errc::protocol, "a record of a RUN with files that its layer does not have");
    }
    return {};
}

Result<> CachedFolder::remember_run(const Digest& key, std::string_view record) const {
    const std::filesystem::path path = run_record_file(store_.folder(), key);
    TRY(make_folders(path.parent_path()));
    return write_file_atomic(path, record);
}

}  // namespace synchost::images::detail
