// What the containers of one image should hold, and what changed since the image was built.
//
// The tree is a map from image path to Node. Each batch of edits that changes something makes one generation:
// its number and the image paths that it touched go into a log, so that a container at generation g needs
// exactly the union of what the log says after g, read from disk as it is now. No state per container is kept
// but its number:
//
//     build            tree 0                        container a: 0   container b: 0
//     save app.py      tree 1, log {1: app.py}       a: 0 -> 1 sends app.py
//     save lib.py      tree 2, log {2: lib.py}       a: 1 -> 2 sends lib.py; b: 0 -> 2 sends app.py and
//     lib.py
//
// Pure: no files, no clock, no threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/rel_path.hpp"
#include "base/xxh3.hpp"
#include "host/engine/contents.hpp"
#include "host/engine/node_table.hpp"
#include "images/graph/copy_rules.hpp"
#include "protocol/generation.hpp"

namespace synchost::host {

// How the COPY instructions map the context, and the Dockerfile and ignore file that say so: while these have
// the same hash, what a new or a removed path means is known without a look at the others.
struct CopyPlan {
    images::CopyRules rules;
    Xxh3 inputs;
};

// Past this, contents are not kept but read from disk again.
inline constexpr std::size_t kMaxRecentBytes = std::size_t{8} << 20;
inline constexpr std::size_t kBulkyBytes = std::size_t{64} << 10;
// From so many on, what the work on them took of memory is worth giving back to the system.
inline constexpr std::size_t kManyPaths = 10'000;

// How the tree differs from what the mirror holds.
struct TreeUpdate {
    NodeMap put;                       // new or changed
    std::vector<std::string> removed;  // image paths
    NodeMap refreshed;                 // looked at and found unchanged: its hash is remembered
    // Content of what was read on the way, by image path, so that it need not be read again for sending.
    // At most kMaxRecentBytes in all.
    std::map<std::string, std::shared_ptr<const std::string>, std::less<>> contents;
    std::size_t contents_bytes = 0;
    std::map<std::string, KnownDifference, std::less<>> differences;  // of large files, likewise
    std::set<std::string, std::less<>> bulky;  // image paths of new files of at least kBulkyBytes
    std::optional<CopyPlan> plan;              // where the whole tree was looked at

    [[nodiscard]] bool empty() const { return put.empty() && removed.empty(); }
};

class Mirror {
  public:
    // After a build: the tree is generation 0 and the log is empty.
    void reset(NodeTable nodes, std::vector<std::string> managed_paths, std::optional<CopyPlan> plan = {});

    [[nodiscard]] const NodeTable& nodes() const { return nodes_; }
    [[nodiscard]] const std::optional<CopyPlan>& plan() const { return plan_; }
    [[nodiscard]] const std::vector<std::string>& managed_paths() const { return managed_paths_; }
    // Image paths that come from this path of the context; empty where none does.
    [[nodiscard]] std::vector<std::string> image_paths_of(std::string_view source) const {
        return nodes_.image_paths_of(source);
    }

    // Takes the update in. The new generation's number where it changes anything, else nothing.
    std::optional<protocol::GenerationId> advance(TreeUpdate update);
    [[nodiscard]] protocol::GenerationId generation() const { return generation_; }
    // Makes the next generation's number larger than one that a container reports from an earlier run. True
    // where it was not so already: containers that have a number below are to be asked anew.
    bool skip_to(protocol::GenerationId at_least);
    // Numbers below this are of an earlier run: what they stand for is not known. 0 is the image all the
    // same.
    [[nodiscard]] bool knows(protocol::GenerationId id) const {
        return id == protocol::GenerationId{} || id >= numbers_from_;
    }

    struct Changed {
        std::string image_path;
        std::optional<Xxh3> had;  // the content that a container at `from` has, where that is remembered
    };
    // What a container at `from` lacks, sorted by image path.
    [[nodiscard]] std::vector<Changed> changed_since(protocol::GenerationId from) const;
    // What one generation touched, removals first; nullptr where that is not kept.
    [[nodiscard]] const std::vector<Changed>* touched_by(protocol::GenerationId id) const;
    // Content read for the newest generation; nullptr where it was not, or was dropped since.
    [[nodiscard]] std::shared_ptr<const std::string> recent_content(const std::string& image_path) const;
    [[nodiscard]] std::optional<KnownDifference> recent_difference(const std::string& image_path) const;
    [[nodiscard]] bool is_bulky(std::string_view image_path) const {
        return recent_bulky_.contains(image_path);
    }
    // Takes over what was really sent.
    void learn(const std::vector<ReadNote>& notes);

  private:
    void log(const TreeUpdate& update, const NodeTable::Replaced& replaced);

    NodeTable nodes_;
    std::vector<std::string> managed_paths_;
    std::optional<CopyPlan> plan_;
    protocol::GenerationId generation_{};
    protocol::GenerationId numbers_from_{};
    // The newest generations, for a quick answer; all others are told from the nodes and from removed_at_.
    std::map<protocol::GenerationId, std::vector<Changed>> log_;
    std::size_t logged_paths_ = 0;
    protocol::GenerationId log_begins_after_{};
    std::map<std::string, protocol::GenerationId, std::less<>> removed_at_;
    std::map<std::string, std::shared_ptr<const std::string>, std::less<>> recent_;
    std::map<std::string, KnownDifference, std::less<>> recent_differences_;
    std::set<std::string, std::less<>> recent_bulky_;
};

// The paths of the context that an update is about, sorted; folders only where nothing else is. Before it is
// taken in.
std::vector<std::string> sources_of(const TreeUpdate& update, const Mirror& mirror);

// A managed path as the wire names it: the root, and the path below it.
struct Placed {
    std::uint16_t root = 0;  // index into managed_paths
    RelPath path;
};
// The longest managed path that covers image_path; nothing where none does.
std::optional<Placed> place(std::string_view image_path, const std::vector<std::string>& managed_paths);
// And back. A managed path that is a single file is its folder and the path.
[[nodiscard]] std::string image_path_of(const std::string& managed_path, const RelPath& path);

}  // namespace synchost::host
