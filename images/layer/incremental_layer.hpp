// The files of a COPY step as those of the last build and the difference to them: what `watch` builds, where
// a save must not cost a layer of everything.
//
//     first build        app/ with 2,000 files                                    [ L0 ]
//     one file saved     its entry and the folders above it                       [ L0, D1 ]
//     another removed    a whiteout                                               [ L0, D1, D2 ]
//     five, or half of all that there is: one layer again                         [ L1 ]
//
// On top of what lies below, the layers come to the same file system as one layer of all the nodes would.
// Where that is not certain there is one layer: a folder became something else or the other way round, a file
// has several names, or what is gone now, or was, may be there in the image below (of a base image whose
// files nobody has listed that is not known).
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "base/error.hpp"
#include "images/layer/layer_writer.hpp"
#include "images/store/blob_store.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

struct IncrementalStep {
    std::filesystem::path record;  // of the step's place, see cache/layer_chain.hpp
    const FileTree& image;         // with the nodes laid
    bool is_whole = false;         // the tree lacks nothing of the image
    std::size_t layers_below = 0;
};

// As write_layer(), but for what comes of it: one layer or several, bottom first. The report says of the
// nodes what it would say there, and is_cached where no layer had to be made.
Result<std::vector<Layer>> write_layer_incrementally(const NodeMap& nodes, const IncrementalStep& step,
                                                     const LayerSettings& settings, const BlobStore& store,
                                                     LayerReport& report);

}  // namespace synchost::images
