// The page as one file that can be given away: its script, its style and its icon stand in it, and so does
// what a watch knew at one moment, as GET /api/v1/snapshot tells it. Whoever opens it needs no watch, and it
// asks nobody: its Content-Security-Policy allows nothing but what it holds.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "host/control/http.hpp"
#include "host/ui/page_files.hpp"

namespace synchost::host::ui {

// What stands before and after the JSON.
struct SnapshotFrame {
    std::string before;
    std::string after;
};
// not_found where a file of the page, or its place in index.html, is missing.
Result<SnapshotFrame> snapshot_frame(std::span<const PageFile> files);

// A piece of JSON as it stands in the page: nothing in it ends the element around it. The pieces of a text
// may be cut anywhere.
std::string json_for_html(std::string_view piece);

// The file in pieces, from the JSON in pieces.
std::unique_ptr<ByteSource> snapshot_page(SnapshotFrame frame, std::unique_ptr<ByteSource> json);

}  // namespace synchost::host::ui
