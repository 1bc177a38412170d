// The OCI distribution API (distribution-spec spec.md): blobs and manifests of one registry, over one
// connection.
//
// A Connector knows what the user said about registries (which are plain http, which CA, which logins) and
// makes Clients; a Client is one connection and serves one thread, so a parallel push makes several. Memory
// stays flat: blobs go between file, wire and other registry in pieces.
//
// What may pass is tried again in here (retry.hpp): requests that can be repeated as they are, uploads from
// the offset that the registry reports, downloads from the byte where they broke off. An error that comes
// back has outlived that, and says after how many attempts; nothing is waited for at a registry that was
// never reached.
//
// The process must ignore SIGPIPE (::signal(SIGPIPE, SIG_IGN)): the HTTP library underneath writes without
// MSG_NOSIGNAL, and a registry that closes early would otherwise end the process.
//
// Every error starts with "registry HOST: ". Codes: auth (401, 403), not_found (404), timeout, cancelled (the
// caller asked to stop), protocol, and registry for all else, its own code and message included: "registry
// HOST: manifest invalid (MANIFEST_INVALID, HTTP 400)".
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "registry-client/manifest.hpp"
#include "registry-client/reference.hpp"
#include "registry-client/retry.hpp"

namespace synchost::registry {

struct ConnectorOptions {
    // "host" or "host:port" that speak plain http. Loopback addresses, localhost and *.localhost do so
    // anyway.
    std::vector<std::string> insecure_hosts;
    std::vector<std::string> tls_hosts;        // local ones that do speak TLS after all
    std::filesystem::path ca_file;             // PEM, in place of the system's; empty for those
    std::filesystem::path client_certificate;  // PEM, for registries that ask for one; with its key
    std::filesystem::path client_key;
    std::vector<std::filesystem::path> login_files;  // of docker or podman; those of the user where empty
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds silence_timeout{60'000};  // the longest wait for the next byte
    RetryPolicy retry;
    std::stop_token stop;  // ends requests and pauses of all clients, within a moment
    // A blob of more bytes goes in pieces of this size, so that a registry has something to resume from.
    std::uint64_t piece_bytes = std::uint64_t{64} << 20;
};

struct FetchedManifest {
    std::string bytes;  // exactly as stored
    Digest digest;      // of `bytes`
    Manifest manifest;
};

using BlobSink = std::function<Result<>(std::string_view bytes)>;

// A blob that is made while it is sent. `next` puts its next bytes into `into` and says how many, 0 at its
// end; `rewind` makes it start from its first byte again, the same bytes, and is empty where that cannot be.
// `digest` tells it after the end to who does not want the bytes hashed again; it is empty where nobody
// knows.
struct BlobSource {
    std::function<Result<std::size_t>(std::span<char> into)> next;
    std::function<Result<>()> rewind;
    std::function<Digest()> digest;
};
struct StreamedBlob {
    Digest digest;
    std::uint64_t size = 0;
};

namespace detail {
class Authorizer;
class HttpConnection;
struct HttpOptions;
class UploadSession;
struct ClientSettings;
struct HttpRequest;
struct HttpResponse;
}  // namespace detail

class Client {
  public:
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    [[nodiscard]] const std::string& host() const { return host_; }

    // Told the bytes of blobs as they move, in either direction, by the thread that uses the client; negative
    // where bytes that were told of have to move again.
    void on_progress(std::function<void(std::int64_t bytes)> progress);

    // GET /v2/: it is there, speaks the API, and accepts our login.
    Result<> ping();

    // The size of the blob in bytes, or nothing where the repository lacks it.
    Result<std::optional<std::uint64_t>> head_blob(const std::string& repository, const Digest& digest);
    // Streams the blob to `sink`. A blob of another size or digest is a protocol error, but only at its end:
    // the sink must not publish before this returned well.
    Result<> get_blob(const std::string& repository, const Descriptor& blob, const BlobSink& sink);
    // Into memory; protocol error past max_bytes, before they are fetched.
    Result<std::string> get_blob_bytes(const std::string& repository, const Descriptor& blob,
                                       std::size_t max_bytes);
    // Into a file that appears under its name only whole and verified; damaged on the way, it is fetched
    // again.
    Result<> get_blob_file(const std::string& repository, const Descriptor& blob,
                           const std::filesystem::path& path);

    // The registry verifies the digest; the bytes are not hashed here again.
    Result<> upload_blob_file(const std::string& repository, const Descriptor& blob,
                              const std::filesystem::path& path);
    Result<> upload_blob_bytes(const std::string& repository, const Digest& digest, std::string_view bytes);
    // The request that begins the upload asks for the blob as well, which saves a HEAD: false where it was
    // there, and nothing was sent. Only for a registry of which mount_blob() from a repository to itself has
    // shown that it looks; any other gets the bytes again.
    Result<bool> upload_blob_file_if_missing(const std::string& repository, const Descriptor& blob,
                                             const std::filesystem::path& path);
    // Takes the blob over from another repository of the same registry; false where the registry would not.
    Result<bool> mount_blob(const std::string& repository, const Digest& digest,
                            const std::string& from_repository);
    // From another registry, without touching the disk; verified on the way, and not published where it is
    // damaged.
    Result<> stream_blob(Client& from, const std::string& from_repository, const std::string& repository,
                         const Descriptor& blob);

    // A blob whose digest is known at its end only; a piece of it at a time in memory.
    Result<StreamedBlob> upload_blob_stream(const std::string& repository, const BlobSource& source);

    // A manifest or an index as it is.
    Result<StoredDocument> get_document(const Reference& image);
    // The image manifest; of an index the one that the platform runs best.
    Result<FetchedManifest> get_manifest(const Reference& image, const Platform& platform = host_platform());
    // Digest of what the reference names now, or nothing where there is no such tag.
    Result<std::optional<Digest>> head_manifest(const Reference& image);
    // Names `bytes` by the reference's tag, or by digest alone where it has one.
    Result<Digest> put_manifest(const Reference& image, std::string_view media_type, std::string_view bytes);

    // By the reference's tag that tag alone, by its digest the manifest with all its tags. Errors of these
    // two: not_found; unsupported where the registry does not remove anything, with the next step.
    Result<> delete_manifest(const Reference& image);
    Result<> delete_blob(const std::string& repository, const Digest& digest);

    // In the registry's order, which is the alphabet's. protocol where pages do not end, or name no tags.
    Result<std::vector<std::string>> list_tags(const std::string& repository);
    // The manifests that say to be about `subject`, of one artifact type where that is not empty. Of a
    // registry without the referrers API: what its clients keep under the tag sha256-HEX.
    Result<std::vector<IndexEntry>> list_referrers(const std::string& repository, const Digest& subject,
                                                   const std::string& artifact_type = {});

  private:
    friend class Connector;
    friend class detail::UploadSession;
    using BodyReader = std::function<Result<std::size_t>(std::uint64_t offset, std::span<char> into)>;
    using Answer = Result<detail::HttpResponse>;
    Client(std::string host, std::unique_ptr<detail::HttpConnection> http,
           std::shared_ptr<const detail::ClientSettings> settings);
    // Sends a request that may be repeated as it is, again where that may help; never a status that
    // is_retryable() is true of.
    Answer send(const detail::HttpRequest& request);
    [[nodiscard]] Attempts attempts() const;
    // After an answer that failed: waits for the next attempt, or says why there is none.
    Result<> again(Attempts& attempts, const Answer& answer);
    Result<bool> fetch_blob(const std::string& repository, const Descriptor& blob, const BlobSink& sink);
    Error damaged(const std::string& repository, const Descriptor& blob) const;
    enum class UploadStart : std::uint8_t { always, unless_present };
    // False where it was present.
    Result<bool> upload_blob(const std::string& repository, const Descriptor& blob, const BodyReader& body,
                             UploadStart start);
    Result<bool> upload_file(const std::string& repository, const Descriptor& blob,
                             const std::filesystem::path& path, UploadStart start);
    using PageReader = std::function<Result<>(const detail::HttpResponse& page)>;
    Result<int> each_page(std::string target, const detail::HttpRequest& like, const PageReader& read);
    Result<> remove(std::string target, const std::string& scope, const std::string& what);
    Error own(Error error) const;
    void moved(std::int64_t bytes) const;

    std::string host_;
    std::unique_ptr<detail::HttpConnection> http_;
    std::shared_ptr<const detail::ClientSettings> settings_;
    std::function<void(std::int64_t)> progress_;
};

// A file of any web server. An answer that says "as it was" is wanted where either of the two is not empty.
struct UrlRequest {
    std::string etag;           // as the server gave it
    std::string last_modified;  // the same
    BlobSink sink;              // takes the bytes of an answer with status 200
};
struct UrlAnswer {
    bool not_modified = false;
    std::string etag;
    std::string last_modified;
};

class Connector {
  public:
    explicit Connector(ConnectorOptions options = {});

    // Makes a client for "host[:port]" as Reference::host() names it; nothing is sent yet, so a registry that
    // is not there, or a login that is broken, shows at a request. All clients of a host share their tokens.
    // May be called by any thread.
    [[nodiscard]] Client client(const std::string& host) const;
    // One that tries each request once, for what somebody else does again where it failed.
    [[nodiscard]] Client impatient_client(const std::string& host) const;
    [[nodiscard]] bool is_plain_http(std::string_view host) const;
    // What it was made from, so that another process can make the same.
    [[nodiscard]] const ConnectorOptions& options() const { return options_; }

    // GET of a http or https URL, with up to 5 redirects, none of them from https to http. No login of ours
    // goes there, nor a client certificate, and a URL with one in it is refused. Tried once. Errors name the
    // URL without its query: not_found, auth, registry for other answers than 200, timeout, protocol.
    Result<UrlAnswer> get_url(std::string_view url, const UrlRequest& request) const;

  private:
    [[nodiscard]] detail::HttpOptions url_options() const;
    [[nodiscard]] Client client(const std::string& host,
                                const std::shared_ptr<const detail::ClientSettings>& settings) const;
    struct Shared;
    ConnectorOptions options_;
    std::shared_ptr<Shared> shared_;  // by copies too
};

}  // namespace synchost::registry
