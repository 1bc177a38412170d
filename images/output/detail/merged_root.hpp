// The file system that the layers of an image result in, as a container sees it: later layers over earlier
// ones, whiteouts applied (image-spec layer.md), with two passes over the layers and no bytes in memory.
//
// Every byte is hostile. What a layer puts below a symlink lands where the symlink leads inside the image; a
// path never leaves the root. Of several names of one file the first gets the bytes, the others are hard
// links.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "images/layer/tar_reader.hpp"

namespace synchost::images::detail {

// Told in an order that a tar may have: folders before what is in them, a file before its links.
class RootSink {
  public:
    virtual ~RootSink() = default;
    virtual Result<> node(const std::string& path, const TarEntry& entry) = 0;  // neither file nor hard link
    virtual Result<> file(const std::string& path, const TarEntry& entry, TarContent& content) = 0;
    virtual Result<> hard_link(const std::string& path, const std::string& target, const TarEntry& entry) = 0;
};

class MergedRoot {
  public:
    static Result<MergedRoot> read(const std::vector<std::filesystem::path>& layers);
    Result<> visit(RootSink& sink) const;

  private:
    using Place = std::pair<std::size_t, std::size_t>;  // layer, entry in its tar
    struct Final {
        TarEntry entry;
        Place place;
    };
    Result<> add_layer(std::size_t layer);
    Result<> put(TarEntry entry, Place place);
    void hide(const std::string& path);
    void erase_below(const std::string& path);
    // Where it lies with the symlinks on the way followed; folders that are only implied are made.
    Result<std::string> locate(const std::string& path);
    Result<std::string> enter(std::string left);

    std::vector<std::filesystem::path> layers_;
    std::map<std::string, Final, std::less<>> nodes_;
    NameBudget names_;
    NameBudget steps_{std::uint64_t{16} << 30};
};

}  // namespace synchost::images::detail
