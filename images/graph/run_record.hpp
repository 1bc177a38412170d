// What earlier RUN steps came to, so that the same step need not run again:
//
//   STORE/runs/HEX   by the step's key: the diff ID of its layer, and the layer's nodes
//
// The key is a digest over all that the step can read: the layers below it, command, variables (without
// proxies), user, working directory, network, and its mounts: of a bind mount the content that it shows, of
// cache, secret and ssh mounts the names alone. Records appear by rename.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "images/image.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

// A layer's identity as later steps see it.
std::string identity_of(const Layer& layer);

struct RunRecord {
    Digest diff_id;
    NodeMap layer;  // contents lie in a folder that the reader of the record names
};

std::string format_run_record(const RunRecord& record);
// Untrusted; nothing where it is none. Files have their path below `folder` as content.
std::optional<RunRecord> parse_run_record(std::string_view bytes, const std::filesystem::path& folder);

inline constexpr std::size_t kMaxRunRecordBytes = std::size_t{512} << 20;
std::filesystem::path run_record_file(const std::filesystem::path& store, const Digest& key);

}  // namespace synchost::images
