#include "images/base_image/base_image.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{8} << 20;
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

// What a layer removes from those below it (image-spec layer.md, Whiteouts).
struct Removed {
    std::set<std::string, std::less<>> paths;           // with all below them
    std::set<std::string, std::less<>> opaque_folders;  // all below them

    // Takes note of a whiteout; false where the entry is none.
    bool note(const TarEntry& entry) {
        const std::string_view name = base_name(entry.path);
        const std::string folder(parent_path(entry.path));
        if (name == kOpaque) {
            opaque_folders.insert(folder);
        } else if (name.starts_with(kWhiteout)) {
            paths.insert(join_path(folder, name.substr(kWhiteout.size())));
        } else {
            return false;
        }
        return true;
    }
    void merge(Removed other) {
        paths.merge(other.paths);
        opaque_folders.merge(other.opaque_folders);
    }
    [[nodiscard]] bool hides(std::string_view path) const {
        if (paths.contains(path)) return true;
        while (!path.empty()) {
            path = parent_path(path);
            if (opaque_folders.contains(path) || (!path.empty() && paths.contains(path))) return true;
        }
        return false;
    }
};

bool is_below_a_non_folder(const FileTree& tree, std::string_view path) {
    for (path = parent_path(path); !path.empty(); path = parent_path(path)) {
        // All above a folder are folders.
        if (const Node* node = tree.find(path)) return node->kind != FileKind::folder;
    }
    return false;
}

using Paths = std::set<std::string, std::less<>>;

// Folders that a layer only implies by what lies in them; a lower layer may still say what they are.
Result<> make_parents(FileTree& tree, std::string_view path, Paths& implied, NameBudget& names) {
    std::vector<std::string_view> missing;
    for (std::string_view folder = parent_path(path); !folder.empty() && tree.find(folder) == nullptr;
         folder = parent_path(folder))
        missing.push_back(folder);
    for (auto it = missing.rbegin(); it != missing.rend(); ++it) {
        TRY(names.spend(*it));
        tree.put(std::string(*it), Node{});
        implied.emplace(*it);
    }
    return {};
}

// One layer beneath what the tree has from newer ones.
class Listing {
  public:
    Listing(FileTree& tree, const Removed& removed, Paths& implied, NameBudget& names,
            const std::shared_ptr<BaseImage>& image, std::size_t layer)
        : tree_(tree), removed_(removed), implied_(implied), names_(names), image_(image), layer_(layer) {}

    void take(const TarEntry& entry) {
        if (own.note(entry) || entry.kind == TarKind::other || entry.path.empty()) return;
        Node node = node_of(entry);
        if (entry.kind == TarKind::hard_link) {
            const auto target = members_.find(entry.link);
            if (target == members_.end()) return;
            if (target->second.kind == FileKind::file && !target->second.links)
                target->second.links = std::make_shared<const LinkGroup>();
            node = target->second;
        } else if (entry.kind == TarKind::file) {
            node.content = LayerMember{image_, layer_, entry.path};
        }
        members_.insert_or_assign(entry.path, std::move(node));
    }

    // Within one layer the later entry wins, so members are merged when all are known.
    Result<> merge() {
        for (auto& [path, node] : members_) {
            const bool known = tree_.find(path) != nullptr && implied_.erase(path) == 0;
            if (known || removed_.hides(path) || is_below_a_non_folder(tree_, path)) continue;
            TRY(make_parents(tree_, path, implied_, names_));
            tree_.put(path, std::move(node));
        }
        return {};
    }

    Removed own;

  private:
    FileTree& tree_;
    const Removed& removed_;
    Paths& implied_;
    NameBudget& names_;
    const std::shared_ptr<BaseImage>& image_;
    std::size_t layer_;
    NodeMap members_;
};

}  // namespace

Result<std::shared_ptr<BaseImage>> BaseImage::fetch(const registry::Reference& name,
                                                    const registry::Connector& connector,
                                                    const BlobStore* store,
                                                    const registry::Platform& platform) {
    registry::Client client = connector.client(name.host());
    TRY_ASSIGN(const registry::FetchedManifest fetched, client.get_manifest(name, platform));
    std::shared_ptr<BaseImage> out(new BaseImage(name.with_digest(fetched.digest), connector, store));
    TRY_ASSIGN(out->config_,
               client.get_blob_bytes(name.repository(), fetched.manifest.config, kMaxConfigBytes));
    out->layers_ = fetched.manifest.layers;
    return out;
}

Result<std::filesystem::path> BaseImage::layer_file(std::size_t layer) {
    const Descriptor& blob = layers_.at(layer);
    if (store_ == nullptr)
        return fail(Errc::unsupported, name_.to_string() + ": no store to read its layers into");
    std::filesystem::path path = store_->path_of(blob.digest);
    if (store_->has(blob)) return path;
    registry::Client client = connector_.client(name_.host());
    TRY(client.get_blob_file(name_.repository(), blob, path));
    return path;
}

Result<> BaseImage::each_entry(std::size_t layer, const TarVisitor& visit) {
    TRY_ASSIGN(const std::filesystem::path path, layer_file(layer));
    if (auto read = read_tar(path, visit); !read) {
        return std::unexpected(std::move(read.error()).context(name_.name()));
    }
    return {};
}

Result<> BaseImage::list_beneath(FileTree& tree, const Paths& hidden) {
    Removed removed{.paths = hidden, .opaque_folders = {}};
    Paths implied;
    NameBudget names;
    const std::shared_ptr<BaseImage> self = shared_from_this();
    for (std::size_t layer = layers_.size(); layer-- > 0;) {
        Listing listing(tree, removed, implied, names, self, layer);
        TRY(each_entry(layer, [&](const TarEntry& entry, TarContent&) -> Result<TarWalk> {
            listing.take(entry);
            return TarWalk::go_on;
        }));
        TRY(listing.merge());
        removed.merge(std::move(listing.own));
    }
    return {};
}

Result<std::optional<std::string>> BaseImage::read_file(const std::string& path, std::size_t max_bytes) {
    for (std::size_t layer = layers_.size(); layer-- > 0;) {
        Removed removed;
        std::optional<std::string> found;
        bool replaced = false;  // by something that is no plain file
        TRY(each_entry(layer, [&](const TarEntry& entry, TarContent& content) -> Result<TarWalk> {
            if (removed.note(entry) || entry.path != path) return TarWalk::go_on;
            replaced = entry.kind != TarKind::file;
            found.reset();
            if (replaced) return TarWalk::go_on;
            std::string bytes;
            TRY(content.read([&](std::string_view piece) -> Result<> {
                if (bytes.size() + piece.size() > max_bytes)
                    return fail(Errc::protocol, printable(path) + ": too large");
                bytes += piece;
                return {};
            }));
            found = std::move(bytes);
            return TarWalk::go_on;
        }));
        if (found || replaced || removed.hides(path)) return found;
    }
    return std::nullopt;
}

}  // namespace synchost::images
