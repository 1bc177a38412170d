#include "images/layer/layer_writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "base/rel_path.hpp"
#include "images/layer/compressor.hpp"
#include "images/layer/content_reader.hpp"
#include "images/layer/tar_writer.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kReadStep = std::size_t{256} << 10;

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

Result<> write_content(const OpenContent& content, std::string& buffer, const ByteSink& sink) {
    if (content.fd < 0) return content.memory.empty() ? Result<>{} : sink(content.memory);
    for (std::uint64_t done = 0; done < content.size;) {
        const std::size_t want =
            static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), content.size - done));
        const ssize_t got =
            ::pread(content.fd, buffer.data(), want, static_cast<off_t>(content.offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno("read");
        if (got == 0) return fail(Errc::conflict, "it became shorter while it was read", "Build again.");
        TRY(sink({buffer.data(), static_cast<std::size_t>(got)}));
        done += static_cast<std::uint64_t>(got);
    }
    return {};
}

Result<> write_tar(const NodeMap& nodes, const ContentReader& contents, const LayerSettings& settings,
                   const ByteSink& sink) {
    const auto own_time = [&](const Node& node) {
        return node.mtime ? std::min(*node.mtime, settings.latest) : settings.time;
    };
    std::string buffer(kReadStep, '\0');
    std::map<std::shared_ptr<const LinkGroup>, std::string_view> first_names;
    for (const auto& [path, node] : nodes) {
        if (node.links) {
            const auto [first, is_first] = first_names.try_emplace(node.links, path);
            if (!is_first) {
                TRY(sink(tar_header({.path = path,
                                     .type = '1',
                                     .mode = node.mode,
                                     .uid = node.uid,
                                     .gid = node.gid,
                                     .mtime = own_time(node),
                                     .link = first->second})));
                continue;
            }
        }
        OpenContent content;
        if (node.kind == FileKind::file) {
            TRY_ASSIGN(content, contents.open(node));
        }
        TRY(sink(tar_header({.path = path,
                             .type = tar_type(node.kind),
                             .mode = node.mode,
                             .uid = node.uid,
                             .gid = node.gid,
                             .size = content.size,
                             .mtime = own_time(node),
                             .link = node.link,
                             .device = node.device,
                             .xattrs = node.xattrs.get()})));
        if (auto written = write_content(content, buffer, sink); !written) {
            return std::unexpected(std::move(written.error()).context(printable(path)));
        }
        if (const std::string_view padding = tar_padding(content.size); !padding.empty()) TRY(sink(padding));
    }
    return sink(tar_end());
}

}  // namespace

Result<Layer> write_layer(const NodeMap& nodes, const LayerSettings& settings, const BlobStore& store) {
    TRY_ASSIGN(const ContentReader contents, ContentReader::make(nodes, settings.context, settings.scratch));
    Sha256 first_look;
    TRY(write_tar(nodes, contents, settings, [&](std::string_view bytes) -> Result<> {
        first_look.update(bytes);
        return {};
    }));
    if (auto known = store.find_layer(first_look.finish(), settings.compression)) return *std::move(known);

    TRY_ASSIGN(AtomicFile file, store.new_blob());
    Sha256 blob_hash;
    Sha256 diff_hash;
    std::uint64_t size = 0;
    TRY_ASSIGN(const auto compressor, make_compressor(settings.compression, [&](std::string_view bytes) {
                   blob_hash.update(bytes);
                   size += bytes.size();
                   return file.write(bytes);
               }));
    TRY(write_tar(nodes, contents, settings, [&](std::string_view bytes) {
        diff_hash.update(bytes);
        return compressor->write(bytes);
    }));
    TRY(compressor->finish());
    Layer out{.blob = {std::string(layer_media_type(settings.compression)), blob_hash.finish(), size},
              .diff_id = diff_hash.finish()};
    out.file = store.path_of(out.blob.digest);
    TRY(store.take_in(std::move(file), out.blob.digest));
    TRY(store.remember_layer(out, settings.compression));
    return out;
}

}  // namespace synchost::images
