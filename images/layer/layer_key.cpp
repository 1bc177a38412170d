#include "images/layer/layer_key.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <functional>

#include "base/wire.hpp"
#include "images/base_image/base_image.hpp"
#include "images/layer/compressor.hpp"
#include "images/layer/tar_writer.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kFormat = "COPY layer, format 3\n";

char tar_type(FileKind kind) {
    switch (kind) {
        case FileKind::file:
            return '0';
        case FileKind::folder:
            return '5';
        case FileKind::symlink:
            return '2';
        case FileKind::fifo:
            return '6';
        case FileKind::char_device:
            return '3';
        case FileKind::block_device:
            return '4';
    }
    return '0';
}

using IdOf = std::function<ContentId(std::string_view path, const Node& node)>;

Digest digest_over(std::string_view what, const NodeMap& nodes, const IdOf& id_of, const LayerForm& form) {
    Xxh3Hasher hash;
    const LinkNames links = link_names(nodes);
    std::string identity;
    for (const auto& [path, node] : nodes) {
        const auto first = links.find(path);
        const bool has_content = node.kind == FileKind::file && first == links.end();
        const ContentId id = has_content ? id_of(path, node) : ContentId();
        hash.update(node_header(path, node, id.size, form,
                                first == links.end() ? std::string_view() : first->second));
        identity.assign(1, has_content ? 'c' : '-');
        WireWriter writer(identity);
        writer.number(id.size);
        writer.hash(id.hash);
        hash.update(identity);
    }
    std::string key(kFormat);
    key += what;
    key += std::string(short_name(form.compression)) + " " +
           (form.compression == Compression::zstd ? ZSTD_versionString() : zlibVersion()) + "\n";
    WireWriter(key).hash(hash.value());
    return sha256(key);
}

}  // namespace

std::optional<ContentId> fixed_identity(const Node& node) {
    if (const auto* bytes = std::get_if<std::shared_ptr<const std::string>>(&node.content))
        return ContentId{(*bytes)->size(), xxh3(**bytes)};
    if (const auto* member = std::get_if<LayerMember>(&node.content)) {
        const Digest& layer = member->image->layers()[member->layer].digest;
        return ContentId{0, xxh3("member " + layer.to_string() + " " + member->path)};
    }
    if (std::holds_alternative<std::monostate>(node.content)) return ContentId{0, xxh3("")};
    return std::nullopt;
}

LinkNames link_names(const NodeMap& nodes) {
    LinkNames out;
    std::map<const LinkGroup*, std::string_view> first_names;
    for (const auto& [path, node] : nodes) {
        if (!node.links) continue;
        const auto [first, is_first] = first_names.try_emplace(node.links.get(), path);
        if (!is_first) out.emplace(path, first->second);
    }
    return out;
}

std::string node_header(std::string_view path, const Node& node, std::uint64_t size, const LayerForm& form,
                        std::string_view first_name) {
    const bool again = !first_name.empty();
    return tar_header({.path = path,
                       .type = again ? '1' : tar_type(node.kind),
                       .mode = node.mode,
                       .uid = node.uid,
                       .gid = node.gid,
                       .size = size,
                       .mtime = node.mtime ? std::min(*node.mtime, form.latest) : form.time,
                       .link = again ? first_name : std::string_view(node.link),
                       .device = again ? DeviceNumber() : node.device,
                       .xattrs = again ? nullptr : node.xattrs.get()});
}

Digest layer_key(const NodeMap& nodes, const ContentIds& ids, const LayerForm& form) {
    return digest_over(
        "contents\n", nodes, [&](std::string_view path, const Node&) { return ids.at(path); }, form);
}

Digest layer_shape(const NodeMap& nodes, const LayerForm& form) {
    const auto size_of = [](std::string_view, const Node& node) {
        const auto* file = std::get_if<ContextFile>(&node.content);
        return file != nullptr ? ContentId{file->stamp.size, {}} : fixed_identity(node).value_or(ContentId());
    };
    return digest_over("shape\n", nodes, size_of, form);
}

}  // namespace synchost::images
