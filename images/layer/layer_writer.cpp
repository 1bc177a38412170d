#include "images/layer/layer_writer.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <span>
#include <thread>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/cache/layer_records.hpp"
#include "images/layer/compressor.hpp"
#include "images/layer/content_reader.hpp"
#include "images/layer/detail/fan_out.hpp"
#include "images/layer/layer_key.hpp"
#include "images/layer/tar_writer.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "images/remote_cache/cache_sources.hpp"

namespace synchost::images {
namespace {

using Room = std::function<Result<std::span<char>>()>;
using Filled = std::function<Result<>(std::string_view)>;

Result<> check_stop(const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(Errc::cancelled, "the build was stopped");
    return {};
}

// Reads all of it into room after room.
Result<> read_content(const OpenContent& content, const Room& room, const Filled& filled) {
    for (std::uint64_t done = 0; done < content.size;) {
        TRY_ASSIGN(std::span<char> into, room());
        into =
            into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), content.size - done)));
        std::size_t got = 0;
        if (content.fd < 0) {
            got = content.memory.copy(into.data(), into.size(), static_cast<std::size_t>(done));
        } else {
            TRY_ASSIGN(got, read_at(content.fd, content.offset + done, into));
        }
        if (got == 0) return fail(Errc::conflict, "it became shorter while it was read", "Build again.");
        TRY(filled({into.data(), got}));
        done += got;
    }
    return {};
}

// Reads a file through `room`, and tells the index what it held.
Result<ContentId> read_and_learn(const OpenContent& content, FileIndex* index, std::int64_t opened_ns,
                                 const Room& room, const Filled& filled) {
    Xxh3Hasher hash;
    TRY(read_content(content, room, [&](std::string_view bytes) {
        hash.update(bytes);
        return filled(bytes);
    }));
    if (index != nullptr && content.own) {
        struct stat info{};
        if (::fstat(content.fd, &info) == 0)
            index->learn(content.stamp, stamp_of(info), hash.value(), opened_ns);
    }
    return ContentId{content.size, hash.value()};
}

class Writer {
  public:
    Writer(const NodeMap& nodes, const LayerSettings& settings, const BlobStore& store)
        : nodes_(nodes),
          settings_(settings),
          store_(store),
          links_(link_names(nodes)),
          form_{settings.compression, settings.time, settings.latest} {}
    Result<Layer> run(LayerReport& report);
    Result<std::optional<Layer>> find_read(LayerReport& report) const;
    // For later builds elsewhere: the keys that a build without this store looks for.
    void note(const LayerReport& report, const Layer& layer) const;

  private:
    struct Known {
        ContentIds ids;
        std::vector<const NodeMap::value_type*> unknown;
    };
    [[nodiscard]] Known known_contents() const;
    [[nodiscard]] std::optional<Layer> find(const ContentIds& ids) const;
    [[nodiscard]] bool was_made_before(const Digest& shape) const;
    Result<> hash_unknown(Known& known) const;
    Result<ContentIds> write_tar(const ContentReader& contents, detail::FanOut& tar) const;
    Result<Layer> make(const Digest& shape, ContentIds& ids) const;
    [[nodiscard]] unsigned workers() const;

    const NodeMap& nodes_;
    const LayerSettings& settings_;
    const BlobStore& store_;
    LinkNames links_;
    LayerForm form_;
};

Writer::Known Writer::known_contents() const {
    Known out;
    for (const auto& entry : nodes_) {
        const auto& [path, node] = entry;
        if (node.kind != FileKind::file || links_.contains(path)) continue;
        auto id = fixed_identity(node);
        if (const auto* file = std::get_if<ContextFile>(&node.content); file && settings_.index) {
            if (const auto hash = settings_.index->find(file->stamp)) id = ContentId{file->stamp.size, *hash};
        }
        if (id) {
            out.ids.emplace_hint(out.ids.end(), path, *id);
        } else {
            out.unknown.push_back(&entry);
        }
    }
    return out;
}

std::optional<Layer> Writer::find(const ContentIds& ids) const {
    const Digest key = layer_key(nodes_, ids, form_);
    auto out = find_layer(store_, key);
    if (!out && settings_.cache_from != nullptr) out = settings_.cache_from->find(key, form_.compression);
    return out;
}

bool Writer::was_made_before(const Digest& shape) const {
    return find_layer(store_, shape) ||
           (settings_.cache_from != nullptr && settings_.cache_from->knows(shape));
}

Result<> Writer::hash_unknown(Known& known) const {
    NodeMap unread;
    for (const auto* entry : known.unknown) unread.insert(*entry);
    TRY_ASSIGN(const ContentReader contents,
               ContentReader::make(unread, settings_.context, settings_.scratch));
    std::string buffer(std::size_t{256} << 10, '\0');
    for (const auto* entry : known.unknown) {
        TRY(check_stop(settings_.stop));
        const std::int64_t now = wall_clock_ns();
        TRY_ASSIGN(const OpenContent content, contents.open(entry->second));
        auto id = read_and_learn(
            content, settings_.index, now, [&]() -> Result<std::span<char>> { return std::span(buffer); },
            [](std::string_view) -> Result<> { return {}; });
        if (!id) return std::unexpected(std::move(id.error()).context(printable(entry->first)));
        known.ids.emplace(entry->first, *id);
    }
    known.unknown.clear();
    return {};
}

Result<ContentIds> Writer::write_tar(const ContentReader& contents, detail::FanOut& tar) const {
    ContentIds ids;
    for (const auto& [path, node] : nodes_) {
        const auto first = links_.find(path);
        if (first != links_.end() || node.kind != FileKind::file) {
            TRY(tar.write(node_header(path, node, 0, form_,
                                      first == links_.end() ? std::string_view() : first->second)));
            continue;
        }
        const std::int64_t now = wall_clock_ns();
        TRY_ASSIGN(const OpenContent content, contents.open(node));
        TRY(tar.write(node_header(path, node, content.size, form_, {})));
        const auto fixed = fixed_identity(node);
        auto id = read_and_learn(
            content, settings_.index, now, [&] { return tar.room(); },
            [&](std::string_view bytes) { return tar.advance(bytes.size()); });
        if (!id) return std::unexpected(std::move(id.error()).context(printable(path)));
        ids.emplace_hint(ids.end(), path, fixed.value_or(*id));
        TRY(tar.write(tar_padding(content.size)));
    }
    TRY(tar.write(tar_end()));
    return ids;
}

// More than one only pays where there is more than one job for them.
unsigned Writer::workers() const {
    constexpr std::uint64_t kJob = std::uint64_t{8} << 20;
    std::uint64_t size = 0;
    for (const auto& [path, node] : nodes_) {
        if (const auto* file = std::get_if<ContextFile>(&node.content)) size += file->stamp.size;
    }
    const auto jobs = static_cast<unsigned>(std::min<std::uint64_t>(size / kJob + 1, kMaxWorkers));
    return std::clamp(std::thread::hardware_concurrency(), 1U, jobs);
}

Result<Layer> Writer::make(const Digest& shape, ContentIds& ids) const {
    TRY_ASSIGN(const ContentReader contents,
               ContentReader::make(nodes_, settings_.context, settings_.scratch));
    TRY_ASSIGN(AtomicFile file, store_.new_blob());
    Sha256 blob_hash;
    Sha256 diff_hash;
    std::uint64_t size = 0;
    const auto ahead = settings_.ahead != nullptr ? settings_.ahead->begin(file.fd()) : nullptr;
    const auto store_bytes = [&](std::string_view bytes) -> Result<> {
        TRY(file.write(bytes));
        size += bytes.size();
        if (ahead) ahead->grown(size);
        blob_hash.update(bytes);
        return {};
    };
    TRY_ASSIGN(const auto compressor, make_compressor(settings_.compression, store_bytes, workers()));
    const auto hash_diff = [&](std::string_view bytes) -> Result<> {
        TRY(check_stop(settings_.stop));
        diff_hash.update(bytes);
        return {};
    };
    detail::FanOut tar({hash_diff, [&](std::string_view bytes) { return compressor->write(bytes); }});
    TRY_ASSIGN(ids, write_tar(contents, tar));
    TRY(tar.finish());
    TRY(compressor->finish());
    Layer out{.blob = {std::string(layer_media_type(settings_.compression)), blob_hash.finish(), size},
              .diff_id = diff_hash.finish()};
    if (ahead) ahead->complete(out.blob.digest);
    out.file = store_.path_of(out.blob.digest);
    TRY(store_.take_in(std::move(file), out.blob.digest));
    TRY(remember_layer(store_, layer_key(nodes_, ids, form_), out));
    TRY(remember_layer(store_, shape, out));
    return out;
}

Result<Layer> Writer::run(LayerReport& report) {
    Known known = known_contents();
    std::optional<Digest> shape;
    if (!known.unknown.empty()) {
        shape = layer_shape(nodes_, form_);
        if (was_made_before(*shape)) TRY(hash_unknown(known));
    }
    if (known.unknown.empty()) {
        if (auto found = find(known.ids)) {
            report = {.is_cached = true, .ids = std::move(known.ids)};
            return *std::move(found);
        }
    }
    return make(shape ? *shape : layer_shape(nodes_, form_), report.ids);
}

Result<std::optional<Layer>> Writer::find_read(LayerReport& report) const {
    Known known = known_contents();
    TRY(hash_unknown(known));
    auto found = find(known.ids);
    report = {.is_cached = found.has_value(), .ids = std::move(known.ids)};
    return found;
}

void Writer::note(const LayerReport& report, const Layer& layer) const {
    if (settings_.cache_to == nullptr) return;
    settings_.cache_to->note_layer({layer_key(nodes_, report.ids, form_), layer_shape(nodes_, form_)}, layer,
                                   store_);
}

}  // namespace

Result<Layer> write_layer(const NodeMap& nodes, const LayerSettings& settings, const BlobStore& store,
                          LayerReport* report) {
    LayerReport unread;
    LayerReport& told = report != nullptr ? *report : unread;
    Writer writer(nodes, settings, store);
    TRY_ASSIGN(Layer out, writer.run(told));
    writer.note(told, out);
    return out;
}

Result<std::optional<Layer>> find_written_layer(const NodeMap& nodes, const LayerSettings& settings,
                                                const BlobStore& store, LayerReport& report) {
    return Writer(nodes, settings, store).find_read(report);
}

}  // namespace synchost::images
