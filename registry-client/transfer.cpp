#include "registry-client/transfer.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace synchost::registry {
namespace {

constexpr std::size_t kWorthLearning = 16;  // blobs

class Blobs {
  public:
    Blobs(const std::vector<TransferBlob>& blobs, const Reference& target, const Connector& connector,
          const TransferOptions& options)
        : target_(target), connector_(connector), options_(options) {
        std::set<Digest> seen;
        for (const TransferBlob& blob : blobs) {
            if (seen.insert(blob.blob.digest).second) todo_.push_back(&blob);
        }
    }

    Result<TransferReport> send_all() {
        std::vector<std::jthread> workers;
        for (std::size_t i = 0; i < std::min(std::max<std::size_t>(options_.parallel, 1), todo_.size()); ++i)
            workers.emplace_back([this] { work(); });
        workers.clear();
        if (error_) return std::unexpected(std::move(*error_));
        return report_;
    }

  private:
    struct Lines {  // of one thread
        Client to;
        std::optional<Client> from;
    };

    void work() {
        Lines lines{connector_.client(target_.host()), {}};
        for (std::size_t i = next_++; i < todo_.size() && !failed_; i = next_++) {
            auto done = bring(lines, *todo_[i]);
            const std::lock_guard lock(mutex_);
            if (!done) {
                if (!error_) error_ = std::move(done.error());
                failed_ = true;
                return;
            }
            if (*done == BlobStep::sent) {
                ++report_.blobs_sent;
                report_.bytes_sent += todo_[i]->blob.size;
            } else {
                ++report_.blobs_present;
                report_.blobs_mounted += *done == BlobStep::mounted ? 1 : 0;
            }
        }
    }

    Result<BlobStep> bring(Lines& lines, const TransferBlob& blob) {
        Client& client = lines.to;
        if (looks_ && !blob.bytes && !blob.file.empty() && !blob.remote) return bring_file(client, blob);
        TRY_ASSIGN(const auto there, client.head_blob(target_.repository(), blob.blob.digest));
        if (there) return ended(blob, BlobStep::present);
        if (blob.remote && blob.remote->host() == target_.host()) {
            TRY_ASSIGN(const bool mounted, mount(client, blob));
            if (mounted) return ended(blob, BlobStep::mounted);
        }
        tell({blob.blob.digest, blob.blob.size, 0, BlobStep::started});
        auto sent = send(lines, blob);
        client.on_progress({});
        ended(blob, sent ? BlobStep::sent : BlobStep::failed);
        if (!sent) return std::unexpected(std::move(sent.error()));
        learn(client, blob.blob.digest);
        return BlobStep::sent;
    }

    // To a registry that looks for a blob when an upload begins: no HEAD.
    Result<BlobStep> bring_file(Client& client, const TransferBlob& blob) {
        bool begun = false;
        std::int64_t done = 0;
        const auto begin = [&] {
            if (!std::exchange(begun, true)) tell({blob.blob.digest, blob.blob.size, 0, BlobStep::started});
        };
        client.on_progress([&](std::int64_t bytes) {
            begin();
            done += bytes;
            tell_moved(blob, done);
        });
        const auto sent = client.upload_blob_file_if_missing(target_.repository(), blob.blob, blob.file);
        client.on_progress({});
        if (sent && !*sent) return ended(blob, BlobStep::present);
        begin();
        ended(blob, sent ? BlobStep::sent : BlobStep::failed);
        if (!sent) return std::unexpected(sent.error());
        return BlobStep::sent;
    }

    // Whether the registry looks: asked once, of a blob that it has, where it saves more than it costs.
    void learn(Client& client, const Digest& has) {
        if (todo_.size() < kWorthLearning || learnt_.exchange(true)) return;
        looks_ = client.mount_blob(target_.repository(), has, target_.repository()).value_or(false);
    }

    // A registry that refuses to mount, in whatever words, gets the bytes.
    Result<bool> mount(Client& client, const TransferBlob& blob) {
        auto mounted = client.mount_blob(target_.repository(), blob.blob.digest, blob.remote->repository());
        if (!mounted && !is_retryable(mounted.error())) return false;
        return mounted;
    }

    Result<> send(Lines& lines, const TransferBlob& blob) {
        Client& client = lines.to;
        std::int64_t done = 0;
        client.on_progress([&](std::int64_t bytes) {
            done += bytes;
            tell_moved(blob, done);
        });
        if (blob.bytes) return client.upload_blob_bytes(target_.repository(), blob.blob.digest, *blob.bytes);
        if (!blob.file.empty()) return client.upload_blob_file(target_.repository(), blob.blob, blob.file);
        if (blob.remote) {
            if (!lines.from || lines.from->host() != blob.remote->host())
                lines.from = connector_.client(blob.remote->host());
            return client.stream_blob(*lines.from, blob.remote->repository(), target_.repository(),
                                      blob.blob);
        }
        return fail(Errc::not_found,
                    "blob " + blob.blob.digest.short_hex() + " is neither here nor in a registry");
    }

    BlobStep ended(const TransferBlob& blob, BlobStep step) {
        tell({blob.blob.digest, blob.blob.size, step == BlobStep::failed ? 0 : blob.blob.size, step});
        return step;
    }

    void tell_moved(const TransferBlob& blob, std::int64_t done) {
        tell({blob.blob.digest, blob.blob.size, static_cast<std::uint64_t>(std::max<std::int64_t>(done, 0)),
              BlobStep::moved});
    }

    void tell(const BlobEvent& event) {
        if (!options_.progress) return;
        const std::lock_guard lock(telling_);
        options_.progress(event);
    }

    const Reference& target_;
    const Connector& connector_;
    const TransferOptions& options_;
    std::vector<const TransferBlob*> todo_;
    std::atomic<std::size_t> next_{0};
    std::atomic<bool> failed_{false};
    std::atomic<bool> learnt_{false};
    std::atomic<bool> looks_{false};
    std::mutex telling_;
    std::mutex mutex_;  // of what follows
    TransferReport report_;
    std::optional<Error> error_;
};

}  // namespace

Result<TransferReport> transfer(const TransferPlan& plan, const Reference& target, const Connector& connector,
                                const TransferOptions& options) {
    if (plan.manifests.empty()) return fail(Errc::invalid_input, target.to_string() + ": no manifest");
    const TransferManifest& named = plan.manifests.back();
    if (const Digest digest = sha256(named.bytes); target.digest() && *target.digest() != digest) {
        return fail(Errc::invalid_input,
                    target.to_string() + ": the image has another digest, " + digest.to_string());
    }
    TRY_ASSIGN(TransferReport report, Blobs(plan.blobs, target, connector, options).send_all());
    Client client = connector.client(target.host());
    for (const TransferManifest& manifest : plan.manifests) {
        const bool is_named = &manifest == &named;
        TRY(client.put_manifest(is_named ? target : target.with_digest(sha256(manifest.bytes)),
                                manifest.media_type, manifest.bytes));
    }
    return report;
}

}  // namespace synchost::registry
