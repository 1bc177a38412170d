#include "host/plan/existing_image.hpp"

#include <string_view>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "host/plan/config.hpp"

namespace synchost::host {
namespace {

bool leads_up(std::string_view path) {
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        if (path.substr(at, slash - at) == "..") return true;
        at = slash + 1;
    }
    return false;
}

}  // namespace

const char* sync_path_fault(const std::string& path) {
    if (path.size() > 4095) return "is longer than 4095 bytes";
    if (leads_up(path)) return "leads up (\"..\")";
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) return "has a control character";
        if (std::string_view("*?[$\\\"").contains(c)) return "has one of * ? [ $ \\ and quotes in it";
    }
    return nullptr;
}

std::string existing_image_dockerfile(const ImageConfig& image) {
    std::string out = "FROM " + image.from + "\n";
    for (const SyncEntry& entry : image.sync)
        out += "COPY [\"" + entry.source + "\", \"" + entry.image_path + "\"]\n";
    return out;
}

Result<> write_existing_images(Config& config, const std::filesystem::path& folder) {
    for (ImageConfig& image : config.images) {
        if (image.from.empty()) continue;
        const std::string text = existing_image_dockerfile(image);
        image.dockerfile = folder / (sha256(image.name).hex().substr(0, 16) + ".Dockerfile");
        const auto before = read_file(image.dockerfile, kMaxConfigBytes);
        if (before && *before == text) continue;
        TRY(make_folders(folder));
        TRY(write_file_atomic(image.dockerfile, text));
    }
    return {};
}

}  // namespace synchost::host
