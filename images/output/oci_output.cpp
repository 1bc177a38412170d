// OCI image layouts: the folder and the archive hold the same files (image-spec image-layout.md).
#include <fcntl.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "images/output/detail/archive.hpp"
#include "images/output/detail/formats.hpp"

namespace synchost::images::detail {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kLayout = R"({"imageLayoutVersion":"1.0.0"})";
constexpr const char* kRefName = "org.opencontainers.image.ref.name";

Json descriptors(const Descriptor& root, const Names& names) {
    const Json plain = {
        {"mediaType", root.media_type}, {"digest", root.digest.to_string()}, {"size", root.size}};
    Json out = Json::array();
    for (const registry::Reference& name : names) {
        Json one = plain;
        one["annotations"][kRefName] = name.tag().value_or("latest");
        if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
    }
    if (out.empty()) out.push_back(plain);
    return out;
}

std::string index_of(const Json& manifests) {
    return Json{{"schemaVersion", 2}, {"mediaType", registry::kOciIndex}, {"manifests", manifests}}.dump();
}

std::string ref_name(const Json& entry) {
    const auto annotations = entry.find("annotations");
    if (annotations == entry.end() || !annotations->is_object()) return {};
    const auto name = annotations->find(kRefName);
    return name != annotations->end() && name->is_string() ? name->get<std::string>() : std::string();
}

// What a layout names already stays, but for the names that are given anew.
Result<Json> merged(const std::filesystem::path& index, const Json& ours) {
    TRY_ASSIGN(const std::string text, read_file(index, registry::kMaxManifestBytes));
    const Json there = Json::parse(text, nullptr, false);
    const auto manifests = there.is_object() ? there.find("manifests") : there.end();
    if (!there.is_object() || manifests == there.end() || !manifests->is_array())
        return fail(Errc::conflict, index.native() + " is no OCI index", "Name an empty or a new folder.");
    Json out = Json::array();
    for (const Json& entry : *manifests) {
        if (!entry.is_object()) return fail(Errc::conflict, index.native() + " is no OCI index");
        const bool replaced = std::any_of(ours.begin(), ours.end(),
                                          [&](const Json& one) { return ref_name(one) == ref_name(entry); });
        if (!replaced) out.push_back(entry);
    }
    for (const Json& one : ours) out.push_back(one);
    return out;
}

struct Blob {
    std::string_view bytes;
    std::filesystem::path file;
    std::uint64_t size = 0;
};

std::map<std::string, Blob> blobs_of(const LaidImages& images) {
    std::map<std::string, Blob> out;
    const auto put = [&](std::string_view bytes) {
        out[sha256(bytes).hex()] = {.bytes = bytes, .size = bytes.size()};
    };
    for (std::size_t number = 0; number < images.layers.size(); ++number) {
        const Image& image = images.set.images[number];
        for (std::size_t at = 0; at < image.layers.size(); ++at) {
            const Descriptor& blob = image.layers[at].blob;
            out[blob.digest.hex()] = {.file = images.layers[number][at], .size = blob.size};
        }
        put(image.config);
        put(image.manifest);
    }
    if (!images.set.index.empty()) put(images.set.index);
    return out;
}

Result<> put_blob(const std::filesystem::path& path, const Blob& blob) {
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error) && std::filesystem::file_size(path, error) == blob.size)
        return {};
    if (blob.file.empty()) return write_file_atomic(path, blob.bytes);
    TRY_ASSIGN(AtomicFile out, AtomicFile::open(path, 0644));
    TRY_ASSIGN(const Fd in, open_file(blob.file, O_RDONLY));
    std::string buffer(std::size_t{256} << 10, '\0');
    for (std::uint64_t done = 0;;) {
        TRY_ASSIGN(const std::size_t got, read_at(in.get(), done, buffer));
        if (got == 0 && done != blob.size)
            return fail(Errc::conflict, blob.file.native() + " has another size than its layer");
        if (got == 0) return out.commit();
        TRY(out.write({buffer.data(), got}));
        done += got;
    }
}

}  // namespace

Result<> write_oci_folder(const LaidImages& images, const Names& names, const std::filesystem::path& dest) {
    std::error_code error;
    const bool there = std::filesystem::exists(dest / "index.json", error);
    if (!there && std::filesystem::exists(dest, error) && !std::filesystem::is_empty(dest, error))
        return fail(Errc::conflict, "the folder holds other things than an OCI layout",
                    "Name an empty or a new folder.");
    Json manifests = descriptors(images.set.root(), names);
    if (there) {
        TRY_ASSIGN(manifests, merged(dest / "index.json", manifests));
    }
    TRY(make_folders(dest / "blobs" / "sha256"));
    for (const auto& [hex, blob] : blobs_of(images)) TRY(put_blob(dest / "blobs" / "sha256" / hex, blob));
    TRY(write_file_atomic(dest / "oci-layout", kLayout));
    return write_file_atomic(dest / "index.json", index_of(manifests));
}

Result<> write_oci_archive(const LaidImages& images, const Names& names, const std::filesystem::path& dest) {
    return write_to(dest, [&](const ByteSink& sink) -> Result<> {
        Archive archive(sink);
        TRY(archive.bytes("oci-layout", kLayout));
        TRY(archive.bytes("index.json", index_of(descriptors(images.set.root(), names))));
        TRY(archive.folder("blobs"));
        TRY(archive.folder("blobs/sha256"));
        for (const auto& [hex, blob] : blobs_of(images)) {
            const std::string path = "blobs/sha256/" + hex;
            if (blob.file.empty()) {
                TRY(archive.bytes(path, blob.bytes));
                continue;
            }
            TRY_ASSIGN(const Fd file, open_file(blob.file, O_RDONLY));
            TRY(archive.file(path, file.get(), blob.size));
        }
        return archive.finish();
    });
}

}  // namespace synchost::images::detail
