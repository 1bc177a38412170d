// A file system as a sorted map from path to node: the build context, or what a stage's image holds. COPY
// works on two of these and never on a disk, so it is the same for a build, for a trace, and for a test.
//
// Paths are relative to the root, '/'-separated, without "." and ".."; "" is the root itself, which always
// exists. Every folder on the way to a node is a node.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "images/cache/file_stamp.hpp"
#include "images/image.hpp"
#include "images/tree/xattrs.hpp"

namespace synchost::images {

class BaseImage;

// A folder that comes into being when something in it is read. Any thread may ask for it.
class LazyFolder {
  public:
    LazyFolder() = default;
    LazyFolder(const LazyFolder&) = delete;
    LazyFolder& operator=(const LazyFolder&) = delete;
    virtual ~LazyFolder() = default;
    virtual Result<> make() = 0;  // nothing to do where it is there
};

struct ContextFile {
    std::string path;                                     // relative to its root
    std::shared_ptr<const std::filesystem::path> root{};  // of a named context; the build context where null
    FileStamp stamp{};                                    // as the scan saw it
    std::shared_ptr<LazyFolder> lazy{};                   // makes the root; null where that is there
};
struct LayerMember {
    std::shared_ptr<BaseImage> image;
    std::size_t layer = 0;
    std::string path;  // in the layer's tar, cleaned
};
using Content = std::variant<std::monostate, ContextFile, LayerMember, std::shared_ptr<const std::string>>;

// Files that point to the same one are hard links of each other.
struct LinkGroup {};

struct DeviceNumber {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    bool operator==(const DeviceNumber&) const = default;
};

struct Node {
    FileKind kind = FileKind::folder;
    std::uint32_t mode = 0755;  // permission bits, with setuid, setgid and sticky
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string link;                        // target of a symlink
    Content content;                         // of a file
    DeviceNumber device;                     // of a device
    std::shared_ptr<const Xattrs> xattrs;    // null where there are none
    std::optional<std::int64_t> mtime;       // seconds, where it is part of the content, as in ADD of a tar
    std::shared_ptr<const LinkGroup> links;  // of a file with several names, as one COPY laid them
    std::optional<std::string> context_source;  // the path of the context that a COPY laid here
    int line = 0;                               // of that COPY
};

using NodeMap = std::map<std::string, Node, std::less<>>;

class FileTree {
  public:
    FileTree() { nodes_.emplace("", Node{}); }

    [[nodiscard]] const Node* find(std::string_view path) const;
    [[nodiscard]] Node* find(std::string_view path);
    [[nodiscard]] bool is_folder(std::string_view path) const;
    [[nodiscard]] const NodeMap& nodes() const { return nodes_; }

    // Sets a node; what was below it goes where it is no folder any more. The parent must be there.
    void put(std::string path, Node node);
    // The nodes themselves, for a change of all of them that keeps their kinds.
    [[nodiscard]] NodeMap& nodes() { return nodes_; }
    // With all below it.
    void remove(std::string_view path);

    // The path with every symlink on the way followed inside this tree ("/" and ".." stay inside), the last
    // component too. What does not exist is kept as it is written. invalid_input after 40 links.
    [[nodiscard]] Result<std::string> resolve(std::string_view path) const;

    // Names directly in the folder, sorted.
    [[nodiscard]] std::vector<std::string> children(std::string_view folder) const;
    // Every node strictly below the folder, sorted: f(path relative to the folder, node).
    void each_below(std::string_view folder,
                    const std::function<void(std::string_view, const Node&)>& f) const;

    // Paths that match a pattern of Go's filepath.Match, component by component, sorted; symlinked folders on
    // the way are entered.
    [[nodiscard]] std::vector<std::string> glob(std::string_view pattern) const;

  private:
    NodeMap nodes_;
};

// "a", "b" -> "a/b"; "" and "b" -> "b".
std::string join_path(std::string_view folder, std::string_view name);
std::string_view parent_path(std::string_view path);  // "" for the top
std::string_view base_name(std::string_view path);
// Any text as a path of a tree: "/a/./b/../c/" -> "a/c"; ".." stops at the root.
std::string clean_path(std::string_view text);
// True where path is folder itself or below it.
bool is_at_or_below(std::string_view path, std::string_view folder);

}  // namespace synchost::images
