// Opens what a node's content names: a file of the context, bytes in memory, or a member of a base image's
// layer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

struct OpenContent {
    Fd own;                    // closed with this, where the content is a file of its own
    int fd = -1;               // -1: in memory
    std::uint64_t offset = 0;  // of the content in `fd`
    std::uint64_t size = 0;
    std::string_view memory;
    FileStamp stamp;  // of `own`, before anything was read
};

class ContentReader {
  public:
    // Members of layers that `nodes` needs are taken out of their tars into one nameless file in `scratch`.
    static Result<ContentReader> make(const NodeMap& nodes, const std::filesystem::path& context,
                                      const std::filesystem::path& scratch);

    // Never through a symlink, and never out of the context. The size is that of the moment.
    [[nodiscard]] Result<OpenContent> open(const Node& node) const;
    // The whole of it; invalid_input past max_bytes.
    [[nodiscard]] Result<std::string> read(const Node& node, std::size_t max_bytes) const;

  private:
    ContentReader() = default;
    using MemberKey = std::pair<const BaseImage*, std::pair<std::size_t, std::string>>;
    struct Extent {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
    };
    Fd context_;
    std::map<std::filesystem::path, Fd> named_contexts_;
    Fd spool_;
    std::map<MemberKey, Extent> members_;
};

}  // namespace synchost::images
