// Blobs out of a registry (distribution-spec spec.md, section Pulling blobs). The bytes are hashed as they
// come, and handed on; a download that breaks off goes on with a Range request from the byte that is missing,
// through the registry's own URL, so that a redirect to a store whose link has expired is made anew.
#include <fcntl.h>

#include <cerrno>
#include <charconv>

#include "base/file.hpp"
#include "registry-client/client.hpp"
#include "registry-client/detail/answer.hpp"
#include "registry-client/detail/http.hpp"
#include "registry-client/detail/range.hpp"
#include "registry-client/detail/targets.hpp"

namespace synchost::registry {
namespace {

constexpr int kTimesDamaged =
    3;  // fetched so often, and never right: it is the registry's copy that is damaged

// One blob on its way in, over several requests.
class Incoming {
  public:
    Incoming(const Descriptor& blob, const BlobSink& sink) : blob_(blob), sink_(sink) {}

    [[nodiscard]] std::uint64_t got() const { return got_; }
    [[nodiscard]] bool is_complete() const { return got_ == blob_.size; }
    [[nodiscard]] bool has_wrong_size() const { return wrong_size_; }
    [[nodiscard]] bool sink_failed() const { return sink_failed_; }
    [[nodiscard]] bool is_right() { return hash_.finish() == blob_.digest; }

    // Of a request from byte got() on: a server may answer with the range, or with everything.
    Result<> head(const detail::HttpResponse& answer) {
        skip_ = 0;
        if (answer.status == 206) {
            const auto range = detail::parse_content_range(answer.header("content-range"));
            if (!range || range->first != got_ || range->total.value_or(blob_.size) != blob_.size)
                return fail(Errc::protocol, "it answers with another range of the blob than was asked for");
            return {};
        }
        const std::string length = answer.header("content-length");
        wrong_size_ = !length.empty() && length != std::to_string(blob_.size);
        if (wrong_size_) return fail(Errc::protocol, "a blob of another size");
        skip_ = got_;
        return {};
    }

    // How many of these bytes were new.
    Result<std::size_t> take(std::string_view bytes) {
        const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
        skip_ -= known;
        bytes.remove_prefix(known);
        wrong_size_ = bytes.size() > blob_.size - got_;
        if (wrong_size_) return fail(Errc::protocol, "more bytes than the manifest says");
        if (bytes.empty()) return 0;
        hash_.update(bytes);
        got_ += bytes.size();
        auto taken = sink_(bytes);
        sink_failed_ = !taken;
        if (!taken) return std::unexpected(std::move(taken.error()));
        return bytes.size();
    }

  private:
    const Descriptor& blob_;
    const BlobSink& sink_;
    Sha256 hash_;
    std::uint64_t got_ = 0;
    std::uint64_t skip_ = 0;
    bool wrong_size_ = false;
    bool sink_failed_ = false;
};

}  // namespace

// False where the bytes were not those that the digest names; the sink has had some of them then.
Result<bool> Client::fetch_blob(const std::string& repository, const Descriptor& blob, const BlobSink& sink) {
    Incoming incoming(blob, sink);
    Attempts tries = attempts();
    bool by_range = true;
    while (true) {
        detail::HttpRequest request{.method = "GET",
                                    .target = detail::blob_target(repository, blob.digest),
                                    .scope = detail::pull_scope(repository),
                                    .follow_redirects = true};
        if (by_range && incoming.got() > 0)
            request.headers.emplace_back("Range", "bytes=" + std::to_string(incoming.got()) + "-");
        request.on_head = [&](const detail::HttpResponse& head) { return incoming.head(head); };
        request.sink = [&](std::string_view bytes) -> Result<> {
            TRY_ASSIGN(const std::size_t fresh, incoming.take(bytes));
            if (fresh > 0) tries.moved();
            moved(static_cast<std::int64_t>(fresh));
            return {};
        };
        Answer answer = http_->send(request);
        if (incoming.has_wrong_size()) return false;
        if (incoming.sink_failed()) return std::unexpected(own(std::move(answer.error())));
        if (incoming.is_complete() && (incoming.got() > 0 || (answer && answer->status == 200)))
            return incoming.is_right();
        if (answer && answer->status == 416 && incoming.got() > 0 && by_range) {
            by_range = false;
            continue;
        }
        if (answer && (answer->status == 200 || answer->status == 206))
            answer =
                std::unexpected(Error{Errc::registry, "the connection broke off", ECONNRESET, "Try again."});
        if (auto next = again(tries, answer); !next) {
            next.error().message += " (blob " + blob.digest.short_hex() + " of " + repository + ")";
            return std::unexpected(std::move(next.error()));
        }
    }
}

Error Client::damaged(const std::string& repository, const Descriptor& blob) const {
    return own(
        {Errc::protocol,
         repository + " blob " + blob.digest.short_hex() + ": its bytes are not those that its digest names",
         0, "Push the image again: the registry's copy may be damaged."});
}

Result<> Client::get_blob(const std::string& repository, const Descriptor& blob, const BlobSink& sink) {
    TRY_ASSIGN(const bool right, fetch_blob(repository, blob, sink));
    if (!right) return std::unexpected(damaged(repository, blob));
    return {};
}

Result<std::string> Client::get_blob_bytes(const std::string& repository, const Descriptor& blob,
                                           std::size_t max_bytes) {
    if (blob.size > max_bytes) {
        return std::unexpected(
            own({Errc::protocol,
                 repository + " blob " + blob.digest.short_hex() + ": " + std::to_string(blob.size) +
                     " bytes, more than " + std::to_string(max_bytes),
                 0,
                 {}}));
    }
    for (int times = 0; times < kTimesDamaged; ++times) {
        std::string out;
        TRY_ASSIGN(const bool right, fetch_blob(repository, blob, [&](std::string_view bytes) -> Result<> {
                       out += bytes;
                       return {};
                   }));
        if (right) return out;
        moved(-static_cast<std::int64_t>(out.size()));
    }
    return std::unexpected(damaged(repository, blob));
}

Result<> Client::get_blob_file(const std::string& repository, const Descriptor& blob,
                               const std::filesystem::path& path) {
    for (int times = 0; times < kTimesDamaged; ++times) {
        TRY_ASSIGN(AtomicFile file, AtomicFile::open(path, 0644));
        std::int64_t got = 0;
        TRY_ASSIGN(const bool right, fetch_blob(repository, blob, [&](std::string_view bytes) {
                       got += static_cast<std::int64_t>(bytes.size());
                       return file.write(bytes);
                   }));
        if (right) return file.commit();
        moved(-got);
    }
    return std::unexpected(damaged(repository, blob));
}

}  // namespace synchost::registry
