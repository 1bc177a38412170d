// The archive of `docker save` and `docker load`: manifest.json, the config, and each layer as a plain tar.
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/output/detail/archive.hpp"
#include "images/output/detail/formats.hpp"

namespace synchost::images::detail {
namespace {

struct FreeArchive {
    void operator()(archive* a) const { archive_read_free(a); }
};

// Writes the layer's tar into a nameless file and returns its size; protocol where it is not the one of
// `diff_id`.
Result<std::uint64_t> decompress(const std::filesystem::path& layer, const Digest& diff_id, int into) {
    constexpr std::size_t kBlock = std::size_t{256} << 10;
    const std::unique_ptr<archive, FreeArchive> from(archive_read_new());
    archive_read_support_format_raw(from.get());
    archive_read_support_filter_gzip(from.get());
    archive_read_support_filter_zstd(from.get());
    const auto damaged = [&] {
        const char* why = archive_error_string(from.get());
        return fail(Errc::protocol, layer.native() + ": damaged: " + printable(why == nullptr ? "" : why));
    };
    archive_entry* entry = nullptr;
    if (archive_read_open_filename(from.get(), layer.c_str(), kBlock) != ARCHIVE_OK ||
        archive_read_next_header(from.get(), &entry) != ARCHIVE_OK)
        return damaged();
    Sha256 hash;
    std::uint64_t size = 0;
    std::string buffer(kBlock, '\0');
    for (;;) {
        const la_ssize_t got = archive_read_data(from.get(), buffer.data(), buffer.size());
        if (got < 0) return damaged();
        if (got == 0) break;
        const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
        hash.update(piece);
        TRY(write_all(into, piece));
        size += piece.size();
    }
    if (hash.finish() != diff_id)
        return fail(Errc::protocol, layer.native() + ": not the layer of diff ID " + diff_id.to_string());
    return size;
}

std::string manifest_of(const Image& image, const Names& names) {
    std::vector<std::string> tags;
    for (const registry::Reference& name : names) {
        const std::string tag = name.name() + ":" + name.tag().value_or("latest");
        if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(tag);
    }
    nlohmann::ordered_json layers = nlohmann::ordered_json::array();
    for (const Layer& layer : image.layers) layers.push_back(layer.diff_id.hex() + ".tar");
    nlohmann::ordered_json one = {
        {"Config", sha256(image.config).hex() + ".json"}, {"RepoTags", tags}, {"Layers", layers}};
    return nlohmann::ordered_json::array({std::move(one)}).dump();
}

}  // namespace

Result<> write_docker_archive(const Image& image, const LayerFiles& layers, const Names& names,
                              const std::filesystem::path& dest, const std::filesystem::path& scratch) {
    return write_to(dest, [&](const ByteSink& sink) -> Result<> {
        Archive archive(sink);
        TRY(archive.bytes("manifest.json", manifest_of(image, names)));
        TRY(archive.bytes(sha256(image.config).hex() + ".json", image.config));
        std::set<Digest> written;
        for (std::size_t at = 0; at < layers.size(); ++at) {
            const Digest& diff_id = image.layers[at].diff_id;
            if (!written.insert(diff_id).second) continue;
            TRY_ASSIGN(const Fd spool, open_file(scratch, O_TMPFILE | O_RDWR, 0600));
            TRY_ASSIGN(const std::uint64_t size, decompress(layers[at], diff_id, spool.get()));
            TRY(archive.file(diff_id.hex() + ".tar", spool.get(), size));
        }
        return archive.finish();
    });
}

}  // namespace synchost::images::detail
