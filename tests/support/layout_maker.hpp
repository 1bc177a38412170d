// An OCI image layout of the test's own making, of which other tools make images too: real layers (tar, gzip)
// and configs, an image for each platform, an attestation as buildkit adds it, and an index over all.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/temp_dir.hpp"

namespace synchost::test {

struct LayoutOptions {
    std::vector<std::string> platforms = {"linux/amd64"};  // one: a plain image; more: an index
    std::size_t layer_bytes = 100'000;                     // of what does not compress, in each layer
    bool attestation = false;                              // a manifest of platform unknown/unknown
};

class LayoutMaker {
  public:
    // A failed step fails the test.
    explicit LayoutMaker(const LayoutOptions& options = {});

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
    [[nodiscard]] const Digest& root() const { return root_; }  // of the index or the image
    [[nodiscard]] const std::string& root_bytes() const { return root_bytes_; }
    [[nodiscard]] const std::vector<Digest>& images() const { return images_; }  // as options.platforms
    [[nodiscard]] const std::vector<std::string>& diff_ids() const {
        return diff_ids_;
    }  // of the first image

  private:
    std::string store(const std::string& bytes, const std::string& type, const std::string& extra = "");
    std::string image(const std::string& platform, std::size_t layer_bytes);
    std::string attestation();

    TempDir folder_;
    Digest root_;
    std::string root_bytes_;
    std::vector<Digest> images_;
    std::vector<std::string> diff_ids_;
};

}  // namespace synchost::test
