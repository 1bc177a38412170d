// Blobs into a registry (distribution-spec spec.md, sections Pushing blobs and Mounting a blob from another
// repository). A blob that fits in one piece is POST and PUT; a larger one is POST, a PATCH per piece and an
// empty PUT, because the HTTP library loses an error answer that comes while it still writes: with pieces,
// what was lost is at most one, and the reason is asked for with a GET of the upload.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.hpp"
#include "registry-client/client.hpp"
#include "registry-client/detail/answer.hpp"
#include "registry-client/detail/http.hpp"

namespace synchost::registry {
namespace {

constexpr std::uint64_t kPiece = std::uint64_t{64} << 20;
constexpr std::size_t kStreamPiece = std::size_t{8} << 20;  // held in memory between two registries

const std::pair<std::string, std::string> kOctets = {"Content-Type", "application/octet-stream"};

detail::BodyReader from_memory(std::string_view bytes) {
    return [bytes](std::uint64_t offset, std::span<char> into) -> Result<std::size_t> {
        return bytes.copy(into.data(), into.size(), static_cast<std::size_t>(offset));
    };
}

detail::BodyReader from_file(int fd, std::uint64_t start) {
    return [fd, start](std::uint64_t offset, std::span<char> into) -> Result<std::size_t> {
        ssize_t got = 0;
        do got = ::pread(fd, into.data(), into.size(), static_cast<off_t>(start + offset));
        while (got < 0 && errno == EINTR);
        if (got < 0) return fail_errno("read");
        return static_cast<std::size_t>(got);
    };
}

std::string push(const std::string& repository) {
    return "repository:" + repository + ":pull,push";
}

std::string with_digest(const std::string& target, const Digest& digest) {
    return target + (target.contains('?') ? "&" : "?") + "digest=" + digest.to_string();
}

std::pair<std::string, std::string> content_range(std::uint64_t offset, std::uint64_t size) {
    return {"Content-Range", std::to_string(offset) + "-" + std::to_string(offset + size - 1)};
}

}  // namespace

Result<std::string> Client::upload_target(const detail::HttpResponse& answer) const {
    auto location = detail::parse_location(answer.header("location"), http_->server());
    if (!location) return std::unexpected(own(std::move(location.error())));
    if (location->server != http_->server()) {
        return std::unexpected(
            own({Errc::unsupported, "it sends uploads to another server, " + location->server.origin(), 0,
                 "Name the registry by the address that it knows itself by."}));
    }
    return std::move(location->target);
}

Result<Client::Upload> Client::start_upload(const std::string& repository) {
    const std::string scope = push(repository);
    TRY_ASSIGN(const auto answer,
               send({.method = "POST", .target = "/v2/" + repository + "/blobs/uploads/", .scope = scope}));
    if (answer.status != 202) {
        Error error = detail::error_of_answer(answer.status, answer.body);
        return std::unexpected(own(std::move(error).context("upload to " + repository)));
    }
    TRY_ASSIGN(std::string target, upload_target(answer));
    return Upload{std::move(target), scope};
}

// An answer that came while we still wrote is lost in the library: ask for the state of the upload.
Error Client::why_upload_failed(const Upload& upload, Error error) {
    if (error.code != Errc::registry || error.sys_errno != 0) return error;
    const auto state = http_->send({.method = "GET", .target = upload.target, .scope = upload.scope});
    if (state && state->status >= 400) return own(detail::error_of_answer(state->status, state->body));
    return error;
}

Result<> Client::append_to_upload(Upload& upload, std::uint64_t offset, std::uint64_t size,
                                  const BodyReader& body) {
    auto answer = send({.method = "PATCH",
                        .target = upload.target,
                        .scope = upload.scope,
                        .headers = {kOctets, content_range(offset, size)},
                        .body_size = size,
                        .body = body});
    if (!answer) return std::unexpected(why_upload_failed(upload, std::move(answer.error())));
    if (answer->status != 202)
        return std::unexpected(own(detail::error_of_answer(answer->status, answer->body)));
    moved(static_cast<std::int64_t>(size));
    TRY_ASSIGN(upload.target, upload_target(*answer));
    return {};
}

Result<> Client::end_upload(const Upload& upload, const Digest& digest, std::uint64_t size,
                            const BodyReader& body) {
    auto answer = send({.method = "PUT",
                        .target = with_digest(upload.target, digest),
                        .scope = upload.scope,
                        .headers = {kOctets},
                        .body_size = size,
                        .body = body});
    if (!answer) return std::unexpected(why_upload_failed(upload, std::move(answer.error())));
    if (answer->status != 201) {
        Error error = detail::error_of_answer(answer->status, answer->body);
        return std::unexpected(own(std::move(error).context("blob " + digest.short_hex())));
    }
    moved(static_cast<std::int64_t>(size));
    return {};
}

Result<> Client::upload_blob_bytes(const std::string& repository, const Digest& digest,
                                   std::string_view bytes) {
    TRY_ASSIGN(const Upload upload, start_upload(repository));
    return end_upload(upload, digest, bytes.size(), from_memory(bytes));
}

Result<> Client::upload_blob_file(const std::string& repository, const Descriptor& blob,
                                  const std::filesystem::path& path) {
    TRY_ASSIGN(const Fd file, open_file(path, O_RDONLY));
    TRY_ASSIGN(Upload upload, start_upload(repository));
    if (blob.size <= kPiece) return end_upload(upload, blob.digest, blob.size, from_file(file.get(), 0));
    for (std::uint64_t offset = 0; offset < blob.size;) {
        const std::uint64_t size = std::min(kPiece, blob.size - offset);
        TRY(append_to_upload(upload, offset, size, from_file(file.get(), offset)));
        offset += size;
    }
    return end_upload(upload, blob.digest, 0, {});
}

Result<bool> Client::mount_blob(const std::string& repository, const Digest& digest,
                                const std::string& from_repository) {
    const std::string query = "?mount=" + digest.to_string() + "&from=" + from_repository;
    const std::string scope = push(repository) + " repository:" + from_repository + ":pull";
    TRY_ASSIGN(
        const auto answer,
        send({.method = "POST", .target = "/v2/" + repository + "/blobs/uploads/" + query, .scope = scope}));
    if (answer.status == 201) return true;
    if (answer.status == 202) {  // an ordinary upload was opened instead
        TRY_ASSIGN(const std::string target, upload_target(answer));
        TRY(send({.method = "DELETE", .target = target, .scope = scope}));
        return false;
    }
    Error error = detail::error_of_answer(answer.status, answer.body);
    return std::unexpected(own(std::move(error).context("mount into " + repository)));
}

Result<> Client::stream_blob(Client& from, const std::string& from_repository, const std::string& repository,
                             const Descriptor& blob) {
    TRY_ASSIGN(Upload upload, start_upload(repository));
    std::string piece;
    piece.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(blob.size, kStreamPiece)));
    std::uint64_t sent = 0;
    TRY(from.get_blob(from_repository, blob, [&](std::string_view bytes) -> Result<> {
        while (piece.size() + bytes.size() >= kStreamPiece) {
            const std::size_t room = kStreamPiece - piece.size();
            piece += bytes.substr(0, room);
            bytes.remove_prefix(room);
            TRY(append_to_upload(upload, sent, piece.size(), from_memory(piece)));
            sent += piece.size();
            piece.clear();
        }
        piece += bytes;
        return {};
    }));
    return end_upload(upload, blob.digest, piece.size(), from_memory(piece));
}

Result<StreamedBlob> Client::upload_blob_stream(const std::string& repository, const BlobSource& source) {
    TRY_ASSIGN(Upload upload, start_upload(repository));
    Sha256 hash;
    StreamedBlob out;
    std::string piece(kStreamPiece, '\0');
    while (true) {
        std::size_t filled = 0;
        while (filled < piece.size()) {
            TRY_ASSIGN(const std::size_t got, source.next(std::span(piece).subspan(filled)));
            if (got == 0) break;
            filled += got;
        }
        const std::string_view bytes(piece.data(), filled);
        hash.update(bytes);
        if (filled < piece.size()) {
            out.digest = hash.finish();
            TRY(end_upload(upload, out.digest, filled, from_memory(bytes)));
            out.size += filled;
            return out;
        }
        TRY(append_to_upload(upload, out.size, filled, from_memory(bytes)));
        out.size += filled;
    }
}

}  // namespace synchost::registry
