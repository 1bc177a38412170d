#include "images/store/blob_store.hpp"

#include <sys/stat.h>

#include <charconv>

#include "images/layer/compressor.hpp"

namespace synchost::images {

Result<BlobStore> BlobStore::open(const std::filesystem::path& folder) {
    if (folder.empty()) return fail(Errc::invalid_input, "no folder for layer blobs is named");
    TRY(make_folders(folder / "blobs" / "sha256"));
    TRY(make_folders(folder / "diffs"));
    return BlobStore(folder);
}

std::filesystem::path BlobStore::path_of(const Digest& digest) const {
    return folder_ / "blobs" / "sha256" / digest.hex();
}

bool BlobStore::has(const Descriptor& blob) const {
    struct stat info{};
    return ::stat(path_of(blob.digest).c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           static_cast<std::uint64_t>(info.st_size) == blob.size;
}

std::filesystem::path BlobStore::record_of(const Digest& diff_id, Compression compression) const {
    return folder_ / "diffs" / (diff_id.hex() + "." + std::string(short_name(compression)));
}

std::optional<Layer> BlobStore::find_layer(const Digest& diff_id, Compression compression) const {
    constexpr std::size_t kMaxRecord = 200;
    const auto record = read_file(record_of(diff_id, compression), kMaxRecord);
    if (!record) return std::nullopt;
    const std::size_t blank = record->find(' ');
    const auto digest = Digest::parse(std::string_view(*record).substr(0, blank));
    if (!digest || blank == std::string::npos) return std::nullopt;
    Layer out{.blob = {std::string(layer_media_type(compression)), *digest, 0},
              .diff_id = diff_id,
              .file = path_of(*digest)};
    std::from_chars(record->data() + blank + 1, record->data() + record->size(), out.blob.size);
    if (!has(out.blob)) return std::nullopt;
    return out;
}

Result<> BlobStore::remember_layer(const Layer& layer, Compression compression) const {
    return write_file_atomic(record_of(layer.diff_id, compression),
                             layer.blob.digest.to_string() + " " + std::to_string(layer.blob.size));
}

Result<AtomicFile> BlobStore::new_blob() const {
    return AtomicFile::open(folder_ / "blobs" / "new", 0644);
}

Result<> BlobStore::take_in(AtomicFile file, const Digest& digest) const {
    return file.commit_as(path_of(digest));
}

}  // namespace synchost::images
