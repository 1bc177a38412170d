#include "images/layer/incremental_layer.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/xxh3.hpp"
#include "images/cache/layer_chain.hpp"
#include "images/layer/layer_key.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxImageLayers = 100;  // overlayfs ends at 127
constexpr std::uint64_t kEntryBytes = 512;    // of a tar header

class Incremental {
  public:
    Incremental(const NodeMap& nodes, const IncrementalStep& step, const LayerSettings& settings,
                const BlobStore& store)
        : nodes_(nodes),
          step_(step),
          settings_(settings),
          store_(store),
          form_{settings.compression, settings.time, settings.latest} {}
    Result<std::vector<Layer>> run(LayerReport& report);

  private:
    Result<std::vector<Layer>> make_whole(LayerReport& report);
    Result<std::vector<Layer>> keep(std::vector<Layer> layers, std::set<std::string, std::less<>> removed,
                                    const LayerReport& report) const;
    [[nodiscard]] ChainEntry entry_of(const std::string& path, const Node& node, const ContentIds& ids) const;
    // Nothing where it is not certain that the difference is all there is to it.
    [[nodiscard]] std::optional<NodeMap> difference(LayerChain& before, const ContentIds& ids) const;
    [[nodiscard]] bool hides_nothing(const std::set<std::string, std::less<>>& removed) const;
    void add_with_folders(const std::string& path, Node node, NodeMap& out) const;
    [[nodiscard]] static std::uint64_t bytes_of(const NodeMap& nodes, const ContentIds& ids);

    const NodeMap& nodes_;
    const IncrementalStep& step_;
    const LayerSettings& settings_;
    const BlobStore& store_;
    LayerForm form_;
};

bool has_whole_folder(const std::set<std::string, std::less<>>& folders, std::string_view path) {
    for (path = parent_path(path); !path.empty(); path = parent_path(path)) {
        if (folders.contains(path)) return true;
    }
    return false;
}

ChainEntry Incremental::entry_of(const std::string& path, const Node& node, const ContentIds& ids) const {
    const auto id = ids.find(path);
    const ContentId content = id == ids.end() ? ContentId() : id->second;
    return {node.kind, xxh3(node_header(path, node, content.size, form_, {})), content};
}

std::uint64_t Incremental::bytes_of(const NodeMap& nodes, const ContentIds& ids) {
    std::uint64_t sum = 0;
    for (const auto& [path, node] : nodes) {
        const auto id = ids.find(path);
        sum += kEntryBytes + (id == ids.end() ? 0 : id->second.size);
    }
    return sum;
}

void Incremental::add_with_folders(const std::string& path, Node node, NodeMap& out) const {
    for (std::string_view above = parent_path(path); !above.empty(); above = parent_path(above)) {
        const auto folder = nodes_.find(above);
        if (folder == nodes_.end() || !out.emplace(above, folder->second).second) break;
    }
    out.insert_or_assign(path, std::move(node));
}

bool Incremental::hides_nothing(const std::set<std::string, std::less<>>& removed) const {
    if (removed.empty()) return true;
    return step_.is_whole && std::ranges::none_of(removed, [&](const std::string& path) {
               return step_.image.find(path) != nullptr;
           });
}

std::optional<NodeMap> Incremental::difference(LayerChain& before, const ContentIds& ids) const {
    NodeMap out;
    for (const auto& [path, node] : nodes_) {
        const auto was = before.entries.find(path);
        const bool is_folder = node.kind == FileKind::folder;
        if (was == before.entries.end()) {
            // Below a whiteout's place a folder would not show what the image below has in it.
            if (before.removed.erase(path) != 0 && is_folder) return std::nullopt;
            add_with_folders(path, node, out);
            continue;
        }
        if ((was->second.kind == FileKind::folder) != is_folder) return std::nullopt;
        if (was->second != entry_of(path, node, ids)) add_with_folders(path, node, out);
    }
    std::set<std::string, std::less<>> gone;
    for (const auto& [path, entry] : before.entries) {
        if (!nodes_.contains(path) && !has_whole_folder(gone, path)) gone.insert(path);
    }
    for (const std::string& path : gone) {
        const std::string marker = join_path(parent_path(path), ".wh." + std::string(base_name(path)));
        add_with_folders(marker, Node{.kind = FileKind::file, .mode = 0}, out);
    }
    before.removed.merge(gone);
    if (!hides_nothing(before.removed)) return std::nullopt;
    return out;
}

Result<std::vector<Layer>> Incremental::keep(std::vector<Layer> layers,
                                             std::set<std::string, std::less<>> removed,
                                             const LayerReport& report) const {
    LayerChain chain{.layers = std::move(layers), .entries = {}, .removed = std::move(removed)};
    for (const auto& [path, node] : nodes_)
        chain.entries.emplace_hint(chain.entries.end(), path, entry_of(path, node, report.ids));
    TRY(remember_layer_chain(step_.record, chain));
    return std::move(chain.layers);
}

Result<std::vector<Layer>> Incremental::make_whole(LayerReport& report) {
    TRY_ASSIGN(Layer layer, write_layer(nodes_, settings_, store_, &report));
    return keep({std::move(layer)}, {}, report);
}

Result<std::vector<Layer>> Incremental::run(LayerReport& report) {
    if (!link_names(nodes_).empty()) {
        TRY_ASSIGN(Layer layer, write_layer(nodes_, settings_, store_, &report));
        return std::vector<Layer>{std::move(layer)};
    }
    auto before = find_layer_chain(store_, step_.record);
    if (!before) return make_whole(report);
    TRY_ASSIGN(auto known, find_written_layer(nodes_, settings_, store_, report));
    if (known) return keep({*std::move(known)}, {}, report);
    const auto changes = difference(*before, report.ids);
    if (!changes) return make_whole(report);
    if (changes->empty()) {
        report.is_cached = true;
        return std::move(before->layers);
    }
    if (before->layers.size() >= kMaxChainLayers ||
        step_.layers_below + before->layers.size() >= kMaxImageLayers ||
        bytes_of(*changes, report.ids) > bytes_of(nodes_, report.ids) / 2)
        return make_whole(report);
    LayerReport written;
    TRY_ASSIGN(Layer layer, write_layer(*changes, settings_, store_, &written));
    for (const auto& [path, id] : written.ids) {
        if (const auto known_id = report.ids.find(path); known_id != report.ids.end()) known_id->second = id;
    }
    before->layers.push_back(std::move(layer));
    return keep(std::move(before->layers), std::move(before->removed), report);
}

}  // namespace

Result<std::vector<Layer>> write_layer_incrementally(const NodeMap& nodes, const IncrementalStep& step,
                                                     const LayerSettings& settings, const BlobStore& store,
                                                     LayerReport& report) {
    return Incremental(nodes, step, settings, store).run(report);
}

}  // namespace synchost::images
