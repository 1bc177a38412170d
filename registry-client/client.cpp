#include "registry-client/client.hpp"

#include <cerrno>
#include <charconv>

#include "registry-client/detail/answer.hpp"
#include "registry-client/detail/client_settings.hpp"
#include "registry-client/detail/http.hpp"
#include "registry-client/detail/targets.hpp"

namespace synchost::registry {
namespace {

using detail::accept_manifests;
using detail::blob_target;
using detail::manifest_target;
using detail::pull_scope;

}  // namespace

Client::Client(std::string host, std::unique_ptr<detail::HttpConnection> http,
               std::shared_ptr<const detail::ClientSettings> settings)
    : host_(std::move(host)), http_(std::move(http)), settings_(std::move(settings)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Error Client::own(Error error) const {
    return std::move(error).context("registry " + host_);
}

void Client::on_progress(std::function<void(std::int64_t)> progress) {
    progress_ = std::move(progress);
}

void Client::moved(std::int64_t bytes) const {
    if (progress_ && bytes != 0) progress_(bytes);
}

Attempts Client::attempts() const {
    return {settings_->retry, settings_->world};
}

Result<> Client::again(Attempts& attempts, const Answer& answer) {
    Error error = answer ? detail::error_of_answer(answer->status, answer->body) : answer.error();
    // Nobody is there: a wrong address, or a registry that was not started. It is not waited for.
    const bool absent =
        error.sys_errno == ECONNREFUSED || error.sys_errno == EHOSTUNREACH || error.sys_errno == ENETUNREACH;
    if (absent && !http_->reached()) return std::unexpected(own(std::move(error)));
    const auto asked =
        answer ? parse_retry_after(answer->header("retry-after"), std::chrono::system_clock::now())
               : std::nullopt;
    auto waited = attempts.failed(std::move(error), asked);
    if (!waited) return std::unexpected(own(std::move(waited.error())));
    return {};
}

Client::Answer Client::send(const detail::HttpRequest& request) {
    Attempts tries = attempts();
    while (true) {
        auto answer = http_->send(request);
        if (answer && !is_retryable(detail::error_of_answer(answer->status, {}))) return answer;
        TRY(again(tries, answer));
    }
}

Result<> Client::ping() {
    TRY_ASSIGN(const auto answer, send({.method = "GET", .target = "/v2/"}));
    if (answer.status == 404) {
        return std::unexpected(own({Errc::registry, "there is a server, but no registry of API version 2", 0,
                                    "Check the address."}));
    }
    if (answer.status != 200)
        return std::unexpected(own(detail::error_of_answer(answer.status, answer.body)));
    return {};
}

Result<std::optional<std::uint64_t>> Client::head_blob(const std::string& repository, const Digest& digest) {
    TRY_ASSIGN(const auto answer, send({.method = "HEAD",
                                        .target = blob_target(repository, digest),
                                        .scope = pull_scope(repository),
                                        .follow_redirects = true}));
    if (answer.status == 404) return std::nullopt;
    if (answer.status != 200)
        return std::unexpected(own(detail::error_of_answer(answer.status, answer.body)));
    const std::string text = answer.header("content-length");
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::unexpected(own({Errc::protocol, "a blob without a size", 0, {}}));
    }
    return size;
}

Result<StoredDocument> Client::get_document(const Reference& image) {
    TRY_ASSIGN(auto answer, send({.method = "GET",
                                  .target = manifest_target(image),
                                  .scope = pull_scope(image.repository()),
                                  .headers = {accept_manifests()},
                                  .max_body = kMaxManifestBytes,
                                  .follow_redirects = true}));
    const auto named = [&](Error error) {
        return std::unexpected(own(std::move(error).context(image.to_string())));
    };
    if (answer.status == 404) {
        return named(
            detail::error_of_answer(404, answer.body).hint("Check the name, or push the image there."));
    }
    if (answer.status != 200) return named(detail::error_of_answer(answer.status, answer.body));
    // Of a tag nobody but the registry knows the digest: what came is at least what it sent.
    const auto said = Digest::parse(answer.header("docker-content-digest"));
    if (!image.digest() && said && *said != sha256(answer.body))
        return named({Errc::protocol, "the manifest was damaged on the way", 0, "Try again."});
    auto document = make_document(std::move(answer.body), answer.header("content-type"), image.digest());
    if (!document) return named(std::move(document.error()));
    return document;
}

Result<FetchedManifest> Client::get_manifest(const Reference& image, const Platform& platform) {
    Reference at = image;
    for (int depth = 0; depth < 2; ++depth) {
        TRY_ASSIGN(StoredDocument found, get_document(at));
        if (auto* manifest = std::get_if<Manifest>(&found.document)) {
            return FetchedManifest{std::move(found.bytes), found.digest, std::move(*manifest)};
        }
        const auto* index = std::get_if<Index>(&found.document);
        if (index == nullptr)
            return std::unexpected(own({Errc::unsupported, image.to_string() + ": no image", 0, {}}));
        auto chosen = choose_platform(*index, platform);
        if (!chosen) return std::unexpected(own(std::move(chosen.error()).context(image.to_string())));
        at = image.with_digest(chosen->digest);
    }
    return std::unexpected(own({Errc::unsupported, image.to_string() + ": an index within an index", 0, {}}));
}

Result<std::optional<Digest>> Client::head_manifest(const Reference& image) {
    TRY_ASSIGN(const auto answer, send({.method = "HEAD",
                                        .target = manifest_target(image),
                                        .scope = pull_scope(image.repository()),
                                        .headers = {accept_manifests()},
                                        .follow_redirects = true}));
    if (answer.status == 404) return std::nullopt;
    if (answer.status != 200) {
        return std::unexpected(
            own(detail::error_of_answer(answer.status, answer.body).context(image.to_string())));
    }
    auto digest = Digest::parse(answer.header("docker-content-digest"));
    if (!digest) return std::unexpected(own(std::move(digest.error()).context(image.to_string())));
    return *digest;
}

Result<Digest> Client::put_manifest(const Reference& image, std::string_view media_type,
                                    std::string_view bytes) {
    const Digest digest = sha256(bytes);
    if (image.digest() && *image.digest() != digest) {
        return fail(Errc::invalid_input,
                    image.to_string() + ": the manifest has another digest, " + digest.to_string());
    }
    const auto body = [&](std::uint64_t offset, std::span<char> into) -> Result<std::size_t> {
        return bytes.copy(into.data(), into.size(), static_cast<std::size_t>(offset));
    };
    TRY_ASSIGN(const auto answer, send({.method = "PUT",
                                        .target = manifest_target(image),
                                        .scope = detail::push_scope(image.repository()),
                                        .headers = {{"Content-Type", std::string(media_type)}},
                                        .body_size = bytes.size(),
                                        .body = body}));
    if (answer.status != 201) {
        return std::unexpected(
            own(detail::error_of_answer(answer.status, answer.body).context(image.to_string())));
    }
    if (const auto said = Digest::parse(answer.header("docker-content-digest")); said && *said != digest) {
        return std::unexpected(
            own({Errc::protocol,
                 image.to_string() + ": the registry has stored another manifest, " + said->to_string(), 0,
                 "Push again."}));
    }
    return digest;
}

}  // namespace synchost::registry
