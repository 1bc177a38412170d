#include "images/remote_cache/cache_records.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "images/layer/compressor.hpp"
#include "registry-client/manifest.hpp"

namespace synchost::images {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxRecords = 4000;  // two for each layer that a manifest can have
constexpr std::uint64_t kMaxLayerBytes = std::uint64_t{1} << 40;
constexpr std::string_view kEmptyType = "application/vnd.oci.empty.v1+json";

std::unexpected<Error> bad(const std::string& why) {
    return fail(Errc::protocol, "the build cache's records: " + why);
}

Json json_of(const Descriptor& blob) {
    return {{"mediaType", blob.media_type}, {"digest", blob.digest.to_string()}, {"size", blob.size}};
}

Result<Digest> parse_digest(const Json& object, const char* member) {
    const auto found = object.find(member);
    if (found == object.end() || !found->is_string()) return bad("no " + std::string(member));
    auto out = Digest::parse(found->get_ref<const std::string&>());
    if (!out) return bad(std::string(member) + ": " + out.error().message);
    return *out;
}

Result<Descriptor> parse_blob(const Json& object, const char* member) {
    const auto found = object.find(member);
    if (found == object.end() || !found->is_object()) return bad("no " + std::string(member));
    Descriptor out;
    TRY_ASSIGN(out.digest, parse_digest(*found, "digest"));
    const auto type = found->find("mediaType");
    const auto size = found->find("size");
    if (type == found->end() || !type->is_string()) return bad("a blob without a media type");
    if (size == found->end() || !size->is_number_unsigned()) return bad("a blob without a size");
    out.media_type = type->get<std::string>();
    out.size = size->get<std::uint64_t>();
    return out;
}

// What is said of one blob or of one key is said once, or twice the same.
class Consistency {
  public:
    Result<> add_blob(const Descriptor& blob) {
        const auto [at, is_new] = blobs_.try_emplace(blob.digest, blob);
        if (!is_new && at->second != blob) return bad("two descriptions of one blob");
        return {};
    }
    Result<> add_key(const Digest& key) {
        if (!keys_.try_emplace(key).second) return bad("a key that is there twice");
        return {};
    }

  private:
    std::map<Digest, Descriptor> blobs_;
    std::map<Digest, bool> keys_;
};

Result<const Json*> parse_list(const Json& json, const char* member) {
    const auto found = json.find(member);
    if (found == json.end() || !found->is_array()) return bad("no list of " + std::string(member));
    if (found->size() > kMaxRecords) return bad("too many " + std::string(member));
    return &*found;
}

bool is_layer_type(std::string_view type) {
    return type == layer_media_type(Compression::gzip) || type == layer_media_type(Compression::zstd);
}

Result<std::vector<CachedLayer>> parse_layers(const Json& json, Consistency& seen) {
    TRY_ASSIGN(const Json* list, parse_list(json, "layers"));
    std::vector<CachedLayer> out;
    for (const Json& item : *list) {
        if (!item.is_object()) return bad("a layer that is no object");
        CachedLayer layer;
        TRY_ASSIGN(layer.key, parse_digest(item, "key"));
        TRY_ASSIGN(layer.blob, parse_blob(item, "blob"));
        TRY_ASSIGN(layer.diff_id, parse_digest(item, "diffId"));
        if (!is_layer_type(layer.blob.media_type)) return bad("a layer of another media type");
        if (layer.blob.size == 0 || layer.blob.size > kMaxLayerBytes) return bad("a layer of no such size");
        TRY(seen.add_key(layer.key));
        TRY(seen.add_blob(layer.blob));
        out.push_back(std::move(layer));
    }
    return out;
}

Result<std::vector<CachedBytes>> parse_bytes(const Json& json, const char* member, std::string_view type,
                                             std::size_t max_bytes, Consistency& seen) {
    TRY_ASSIGN(const Json* list, parse_list(json, member));
    std::vector<CachedBytes> out;
    for (const Json& item : *list) {
        if (!item.is_object()) return bad("one of its " + std::string(member) + " is no object");
        CachedBytes bytes;
        TRY_ASSIGN(bytes.key, parse_digest(item, "key"));
        TRY_ASSIGN(bytes.record, parse_blob(item, "record"));
        if (bytes.record.media_type != type) return bad("a record of another media type");
        if (bytes.record.size == 0 || bytes.record.size > max_bytes) return bad("a record of no such size");
        TRY(seen.add_key(bytes.key));
        TRY(seen.add_blob(bytes.record));
        out.push_back(std::move(bytes));
    }
    return out;
}

Json json_of(std::vector<CachedBytes> list) {
    std::ranges::sort(list, {}, &CachedBytes::key);
    Json out = Json::array();
    for (const CachedBytes& bytes : list)
        out.push_back({{"key", bytes.key.to_string()}, {"record", json_of(bytes.record)}});
    return out;
}

}  // namespace

std::string format_cache_records(CacheRecords records) {
    std::ranges::sort(records.layers, {}, &CachedLayer::key);
    Json layers = Json::array();
    for (const CachedLayer& layer : records.layers) {
        layers.push_back({{"key", layer.key.to_string()},
                          {"blob", json_of(layer.blob)},
                          {"diffId", layer.diff_id.to_string()}});
    }
    return Json{{"layers", std::move(layers)},
                {"runs", json_of(std::move(records.runs))},
                {"files", json_of(std::move(records.files))}}
        .dump();
}

Result<CacheRecords> parse_cache_records(std::string_view bytes) {
    if (bytes.size() > kMaxCacheConfigBytes) return bad("more than 4 MiB");
    const Json json = Json::parse(bytes, nullptr, false);
    if (!json.is_object()) return bad("not a JSON object");
    CacheRecords out;
    Consistency seen;
    TRY_ASSIGN(out.layers, parse_layers(json, seen));
    TRY_ASSIGN(out.runs, parse_bytes(json, "runs", kCachedRunRecord, kMaxCachedRunBytes, seen));
    TRY_ASSIGN(out.files, parse_bytes(json, "files", kCachedFile, kMaxCachedFileBytes, seen));
    return out;
}

std::vector<Descriptor> blobs_of(const CacheRecords& records) {
    std::map<Digest, Descriptor> blobs;
    for (const CachedLayer& layer : records.layers) blobs.emplace(layer.blob.digest, layer.blob);
    for (const CachedBytes& run : records.runs) blobs.emplace(run.record.digest, run.record);
    for (const CachedBytes& file : records.files) blobs.emplace(file.record.digest, file.record);
    std::vector<Descriptor> out;
    for (auto& [digest, blob] : blobs) out.push_back(std::move(blob));
    return out;
}

std::string cache_manifest(const Descriptor& config, const std::vector<Descriptor>& blobs) {
    Json layers = Json::array();
    for (const Descriptor& blob : blobs) layers.push_back(json_of(blob));
    if (layers.empty())
        layers.push_back(json_of({std::string(kEmptyType), sha256(kEmptyBlob), kEmptyBlob.size()}));
    return Json{{"schemaVersion", 2},
                {"mediaType", registry::kOciManifest},
                {"artifactType", kCacheConfig},
                {"config", json_of(config)},
                {"layers", std::move(layers)}}
        .dump();
}

}  // namespace synchost::images
