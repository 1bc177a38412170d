#include "images/cache/layer_chain.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.hpp"
#include "base/wire.hpp"
#include "images/cache/layer_records.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kMagic = "SYNCHAIN";
constexpr std::size_t kCheckBytes = 8;

std::unexpected<Error> damaged() {
    return fail(Errc::protocol, "the record of an incremental step is damaged");
}

Result<std::string> take_path(WireReader& reader) {
    std::string path(reader.text());
    if (path.empty() || clean_path(path) != path) return damaged();
    return path;
}

}  // namespace

std::string format_layer_chain(const LayerChain& chain) {
    std::string out(kMagic);
    WireWriter writer(out);
    writer.number(static_cast<std::uint8_t>(chain.layers.size()));
    for (const Layer& layer : chain.layers) writer.text(layer_record(layer));
    writer.number(static_cast<std::uint32_t>(chain.entries.size()));
    for (const auto& [path, entry] : chain.entries) {
        writer.text(path);
        writer.number(static_cast<std::uint8_t>(entry.kind));
        writer.hash(entry.header);
        writer.number(entry.content.size);
        writer.hash(entry.content.hash);
    }
    writer.number(static_cast<std::uint32_t>(chain.removed.size()));
    for (const std::string& path : chain.removed) writer.text(path);
    writer.number(xxh3_64(out));
    return out;
}

Result<LayerChain> parse_layer_chain(std::string_view bytes) {
    if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + kCheckBytes) return damaged();
    const std::string_view body = bytes.substr(0, bytes.size() - kCheckBytes);
    WireReader check(bytes.substr(body.size()));
    if (check.number<std::uint64_t>() != xxh3_64(body)) return damaged();
    WireReader reader(body.substr(kMagic.size()));
    LayerChain out;
    const auto layers = reader.number<std::uint8_t>();
    if (layers == 0 || layers > kMaxChainLayers) return damaged();
    for (std::uint8_t i = 0; i < layers; ++i) {
        TRY_ASSIGN(out.layers.emplace_back(), parse_layer_record(reader.text()));
    }
    for (auto left = reader.number<std::uint32_t>(); left > 0 && !reader.failed(); --left) {
        TRY_ASSIGN(std::string path, take_path(reader));
        ChainEntry entry;
        const auto kind = reader.number<std::uint8_t>();
        if (kind > static_cast<std::uint8_t>(FileKind::block_device)) return damaged();
        entry.kind = static_cast<FileKind>(kind);
        entry.header = reader.hash();
        entry.content.size = reader.number<std::uint64_t>();
        entry.content.hash = reader.hash();
        out.entries.insert_or_assign(out.entries.end(), std::move(path), entry);
    }
    for (auto left = reader.number<std::uint32_t>(); left > 0 && !reader.failed(); --left) {
        TRY_ASSIGN(std::string path, take_path(reader));
        out.removed.insert(std::move(path));
    }
    TRY(reader.done("the record of an incremental step"));
    return out;
}

std::optional<LayerChain> find_layer_chain(const BlobStore& store, const std::filesystem::path& record) {
    const auto bytes = read_file(record, kMaxChainBytes);
    if (!bytes) return std::nullopt;
    auto out = parse_layer_chain(*bytes);
    if (!out) return std::nullopt;
    for (Layer& layer : out->layers) {
        if (!store.has(layer.blob)) return std::nullopt;
        layer.file = store.path_of(layer.blob.digest);
        ::utimensat(AT_FDCWD, layer.file.c_str(), nullptr, 0);
    }
    return *std::move(out);
}

Result<> remember_layer_chain(const std::filesystem::path& record, const LayerChain& chain) {
    TRY(make_folders(record.parent_path()));
    return write_file_atomic(record, format_layer_chain(chain));
}

}  // namespace synchost::images
