#include "images/remote_cache/cache_sources.hpp"

#include <map>
#include <set>
#include <utility>

#include "images/cache/layer_records.hpp"
#include "images/layer/compressor.hpp"
#include "images/remote_cache/detail/cached_folder.hpp"

namespace synchost::images {

struct CacheSources::Source {
    registry::Reference name;
    std::optional<registry::Client> client;
    std::map<Digest, CachedLayer> layers;
    Recorded runs;
    Recorded files;
    std::set<Digest> there;                                             // blobs that were asked for
    std::map<std::pair<Digest, Digest>, std::shared_ptr<Taken>> taken;  // by blob and diff ID
    bool dropped = false;
};

// A layer that a step hit, and what is to be remembered of it once it is here.
class CacheSources::Taken : public LazyFolder {
  public:
    Taken(CacheSources& sources, Source& source, Layer layer)
        : sources_(sources), source_(source), layer_(std::move(layer)) {}

    void add_key(const Digest& key) {
        const std::scoped_lock lock(mutex_);
        keys_.insert(key);
    }
    void add_run(const Digest& key, std::string record) {
        const std::scoped_lock lock(mutex_);
        runs_.insert_or_assign(key, std::move(record));
    }

    // One thread makes it, while others may find more keys of it.
    Result<> make() override {
        const std::scoped_lock one_at_a_time(making_);
        std::set<Digest> keys;
        std::map<Digest, std::string> runs;
        {
            const std::scoped_lock lock(mutex_);
            keys.swap(keys_);
            runs.swap(runs_);
        }
        if (failed_) return std::unexpected(*failed_);
        if (keys.empty() && runs.empty()) return {};
        auto done = bring(keys, runs);
        if (done) return {};
        failed_ = Error(done.error()).context("--cache-from " + source_.name.to_string());
        const std::scoped_lock all(sources_.mutex_);
        // A full disk and a user's stop say nothing of the cache.
        if (failed_->code != Errc::io && failed_->code != Errc::cancelled) {
            sources_.drop(source_, done.error());
            sources_.broke_ = true;
        }
        return std::unexpected(*failed_);
    }

  private:
    Result<> bring(const std::set<Digest>& keys, const std::map<Digest, std::string>& runs) {
        const BlobStore& store = *sources_.store_;
        const detail::CachedFolder folder(store, layer_);
        registry::Client client = sources_.registries_.client(source_.name.host());
        TRY(folder.make(client, source_.name.repository()));
        for (const auto& [key, record] : runs) TRY(folder.check_run(record));
        for (const auto& [key, record] : runs) TRY(folder.remember_run(key, record));
        if (!store.has(layer_.blob)) return {};  // the folder was there without
        for (const Digest& key : keys) TRY(remember_layer(store, key, layer_));
        return {};
    }

    CacheSources& sources_;
    Source& source_;
    Layer layer_;
    std::mutex making_;
    std::optional<Error> failed_;
    std::mutex mutex_;  // of what follows
    std::set<Digest> keys_;
    std::map<Digest, std::string> runs_;
};

CacheSources::CacheSources(std::vector<registry::Reference> names, const registry::Connector& registries)
    : registries_(registries) {
    for (registry::Reference& name : names)
        sources_.push_back(std::make_unique<Source>(Source{.name = std::move(name)}));
}

CacheSources::~CacheSources() = default;

std::vector<registry::Reference> CacheSources::names() const {
    std::vector<registry::Reference> out;
    for (const auto& source : sources_) out.push_back(source->name);
    return out;
}

CacheSources::Use::Use(CacheSources* sources, const BlobStore& store, const Tell& tell) : sources_(sources) {
    if (sources_ == nullptr) return;
    sources_->store_ = &store;
    sources_->tell_ = tell;
}

CacheSources::Use::~Use() {
    if (sources_ == nullptr) return;
    sources_->store_ = nullptr;
    sources_->tell_ = {};
}

void CacheSources::drop(Source& source, const Error& error) {
    if (std::exchange(source.dropped, true) || !tell_) return;
    tell_("the build cache " + source.name.to_string() + " is not used: " + error.message);
}

Result<> CacheSources::load(Source& source) {
    source.client = registries_.client(source.name.host());
    registry::Client& client = *source.client;
    TRY_ASSIGN(const registry::StoredDocument found, client.get_document(source.name));
    const auto* manifest = std::get_if<registry::Manifest>(&found.document);
    if (manifest == nullptr || manifest->config.media_type != kCacheConfig)
        return fail(Errc::protocol, "it is no build cache of synchost");
    TRY_ASSIGN(const std::string config,
               client.get_blob_bytes(source.name.repository(), manifest->config, kMaxCacheConfigBytes));
    TRY_ASSIGN(CacheRecords records, parse_cache_records(config));
    // What the manifest does not name the registry may have thrown away.
    std::map<Digest, Descriptor> kept;
    for (const Descriptor& blob : manifest->layers) kept.emplace(blob.digest, blob);
    for (const Descriptor& blob : blobs_of(records)) {
        const auto at = kept.find(blob.digest);
        if (at == kept.end() || at->second != blob)
            return fail(Errc::protocol, "its records and its manifest name different blobs");
    }
    for (CachedLayer& layer : records.layers) source.layers.emplace(layer.key, std::move(layer));
    for (CachedBytes& run : records.runs) source.runs.emplace(run.key, std::move(run));
    for (CachedBytes& file : records.files) source.files.emplace(file.key, std::move(file));
    return {};
}

void CacheSources::load() {
    if (std::exchange(loaded_, true)) return;
    for (const auto& source : sources_) {
        if (const auto done = load(*source); !done) drop(*source, done.error());
    }
}

bool CacheSources::is_there(Source& source, const CachedLayer& layer) {
    if (source.there.contains(layer.blob.digest)) return true;
    const auto size = source.client->head_blob(source.name.repository(), layer.blob.digest);
    if (!size || *size != layer.blob.size) {
        drop(source, size
                         ? Error{Errc::protocol, "it lacks the layer " + layer.blob.digest.short_hex(), 0, {}}
                         : size.error());
        return false;
    }
    source.there.insert(layer.blob.digest);
    return true;
}

bool CacheSources::knows(const Digest& layer_key) {
    const std::scoped_lock lock(mutex_);
    load();
    for (const auto& source : sources_) {
        if (!source->dropped && source->layers.contains(layer_key)) return true;
    }
    return false;
}

std::optional<Layer> CacheSources::find(const Digest& layer_key, Compression compression) {
    const std::scoped_lock lock(mutex_);
    load();
    for (const auto& source : sources_) {
        if (source->dropped) continue;
        const auto found = source->layers.find(layer_key);
        if (found == source->layers.end()) continue;
        const CachedLayer& layer = found->second;
        if (layer.blob.media_type != layer_media_type(compression) || !is_there(*source, layer)) continue;
        Layer out{.blob = layer.blob, .diff_id = layer.diff_id, .cached = source->name};
        std::shared_ptr<Taken>& taken = source->taken[{layer.blob.digest, layer.diff_id}];
        if (!taken) taken = std::make_shared<Taken>(*this, *source, out);
        taken->add_key(layer_key);
        return out;
    }
    return std::nullopt;
}

std::optional<std::string> CacheSources::fetch(Recorded Source::* records, const Digest& key,
                                               std::size_t max_bytes,
                                               const std::function<bool(const std::string&)>& is_right) {
    const std::scoped_lock lock(mutex_);
    load();
    for (const auto& source : sources_) {
        const Recorded& all = (*source).*records;
        const auto found = all.find(key);
        if (source->dropped || found == all.end()) continue;
        auto bytes =
            source->client->get_blob_bytes(source->name.repository(), found->second.record, max_bytes);
        if (bytes && is_right(*bytes)) return *std::move(bytes);
        drop(*source, bytes ? Error{Errc::protocol, "one of its records is none", 0, {}} : bytes.error());
    }
    return std::nullopt;
}

std::optional<CacheSources::FoundRun> CacheSources::find_run(const Digest& key) {
    std::optional<RunRecord> record;
    auto bytes = fetch(&Source::runs, key, kMaxCachedRunBytes, [&](const std::string& text) {
        record = parse_run_record(text, {});
        return record.has_value();
    });
    if (!bytes) return std::nullopt;
    return FoundRun{*std::move(record), *std::move(bytes)};
}

std::optional<std::string> CacheSources::find_file(const Digest& key) {
    auto bytes = fetch(&Source::files, key, kMaxCachedFileBytes,
                       [](const std::string& text) { return text.starts_with('='); });
    if (bytes) bytes->erase(0, 1);
    return bytes;
}

std::shared_ptr<CacheSources::Taken> CacheSources::taken(const Layer& layer) {
    const std::scoped_lock lock(mutex_);
    for (const auto& source : sources_) {
        if (source->name != layer.cached) continue;
        const auto found = source->taken.find({layer.blob.digest, layer.diff_id});
        if (found != source->taken.end()) return found->second;
    }
    return nullptr;
}

std::shared_ptr<LazyFolder> CacheSources::folder_of(const Layer& layer) {
    return taken(layer);
}

std::shared_ptr<LazyFolder> CacheSources::folder_of(const Layer& layer, const Digest& run_key,
                                                    const std::string& run_record) {
    std::shared_ptr<Taken> out = taken(layer);
    if (out) out->add_run(run_key, run_record);
    return out;
}

bool CacheSources::broke() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(broke_, false);
}

}  // namespace synchost::images
