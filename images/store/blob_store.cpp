#include "images/store/blob_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

Result<> lock_shared(const Fd& file, const std::filesystem::path& path) {
    while (::flock(file.get(), LOCK_SH) != 0) {
        if (errno != EINTR) return fail_errno("locking " + printable(path.native()));
    }
    return {};
}

}  // namespace

Result<BlobStore> BlobStore::open(const std::filesystem::path& folder) {
    if (folder.empty()) return fail(Errc::invalid_input, "no folder for layer blobs is named");
    TRY(make_folders(folder / "blobs" / "sha256"));
    TRY(make_folders(folder / "layers"));
    TRY(make_folders(folder / "index"));
    TRY_ASSIGN(Fd lock, open_file(folder / kStoreLock, O_RDWR | O_CREAT, 0644));
    TRY(lock_shared(lock, folder));
    return BlobStore(folder, std::move(lock));
}

std::filesystem::path BlobStore::path_of(const Digest& digest) const {
    return folder_ / "blobs" / "sha256" / digest.hex();
}

bool BlobStore::has(const Descriptor& blob) const {
    struct stat info{};
    return ::stat(path_of(blob.digest).c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           static_cast<std::uint64_t>(info.st_size) == blob.size;
}

std::filesystem::path BlobStore::layer_record_of(const Digest& key) const {
    return folder_ / "layers" / key.hex();
}

std::filesystem::path BlobStore::index_of(const std::filesystem::path& context) const {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(context, error);
    return folder_ / "index" / sha256((error ? context : real).native()).hex();
}

Result<AtomicFile> BlobStore::new_blob() const {
    return AtomicFile::open(folder_ / "blobs" / "new", 0644);
}

Result<std::shared_ptr<const HeldBlobs>> BlobStore::hold(const std::vector<Layer>& layers) const {
    auto out = std::make_shared<HeldBlobs>();
    for (const Layer& layer : layers) {
        if (layer.file.empty()) continue;
        TRY_ASSIGN(Fd file, open_file(layer.file, O_RDONLY));
        TRY(lock_shared(file, layer.file));
        out->push_back(std::move(file));
    }
    return out;
}

Result<> BlobStore::take_in(AtomicFile file, const Digest& digest) const {
    return file.commit_as(path_of(digest));
}

}  // namespace synchost::images
