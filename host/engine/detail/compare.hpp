// The content of one path, compared with what its node remembers.
#pragma once

#include <string>

#include "base/error.hpp"
#include "host/engine/mirror.hpp"
#include "host/tree/file_index.hpp"
#include "images/builder.hpp"

namespace synchost::host {

[[nodiscard]] inline bool same_shape(const Node& a, const Node& b) {
    return a.source == b.source && a.kind == b.kind && a.mode == b.mode;
}

// How contents are looked at: the index, and what knows differences of large files where there is one.
struct Look {
    Look(FileIndex& file_index, Contents* large_contents = nullptr)
        : index(file_index), contents(large_contents) {}
    FileIndex& index;
    Contents* contents;
};

// What the image gets of a source: a COPY that names a symlink takes what it leads to, so a node that is a
// file may have a symlink as its source.
Result<Entry> read_source(const Node& node, FileIndex& index, Want want = Want::content);

// Files the node into the update: under `put` where the source's content is not the one that it remembers,
// else under `refreshed`. Nothing where no such source lies there any more, or where it changes while it is
// read: its own event follows.
Result<> compare_content(const std::string& image_path, Node node, Look look, TreeUpdate& update);

// For a node that is new or has another shape than before: of a file nothing is read before it is sent.
void put_fresh(const std::string& image_path, Node node, TreeUpdate& update);

// Of the Dockerfile and the ignore files, there or not.
[[nodiscard]] Xxh3 inputs_of(const images::BuildRequest& request);

}  // namespace synchost::host
