// Blobs into a registry (distribution-spec spec.md, sections Pushing blobs and Mounting a blob from another
// repository). A blob that fits in one piece is POST and PUT; a larger one is POST, a PATCH per piece and an
// empty PUT: with pieces, what a broken connection costs is at most one, where the registry keeps uploads.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/file.hpp"
#include "registry-client/client.hpp"
#include "registry-client/detail/answer.hpp"
#include "registry-client/detail/client_settings.hpp"
#include "registry-client/detail/http.hpp"
#include "registry-client/detail/targets.hpp"
#include "registry-client/detail/upload_session.hpp"

namespace synchost::registry {
namespace {

using detail::UploadSession;
using End = UploadSession::End;

constexpr std::uint64_t kStreamPiece = std::uint64_t{4} << 20;  // held in memory until the registry has it
constexpr int kTimesDamaged =
    3;  // the registry got other bytes so often: it is ours that are not of that digest

// Bytes of a blob from `start` on.
detail::BodyReader from_memory(std::string_view bytes, std::uint64_t start = 0) {
    return [bytes, start](std::uint64_t offset, std::span<char> into) -> Result<std::size_t> {
        return bytes.copy(into.data(), into.size(), static_cast<std::size_t>(offset - start));
    };
}

// Whether another session may be begun after one that did not end well.
class Sessions {
  public:
    explicit Sessions(Attempts attempts) : attempts_(std::move(attempts)) {}
    Result<> again(End end, const Error& reason) {
        if (end == End::lost) return attempts_.failed(reason);
        if (++damaged_ < kTimesDamaged) return {};
        return std::unexpected(Error(reason).hint(
            "The file has changed since it was named, or the network damages what it carries."));
    }

  private:
    Attempts attempts_;
    int damaged_ = 0;
};

// A stream that goes into a session in pieces of `piece_bytes`; the bytes of one are held.
class PieceWriter {
  public:
    PieceWriter(UploadSession& session, std::uint64_t piece_bytes) : session_(session) {
        piece_.resize(static_cast<std::size_t>(std::min(piece_bytes, kStreamPiece)));
    }

    // Where the next bytes of the stream go; never empty after flush().
    [[nodiscard]] std::span<char> room() { return std::span(piece_).subspan(filled_); }
    void filled(std::size_t bytes) { filled_ += bytes; }
    [[nodiscard]] std::uint64_t size() const { return start_ + filled_; }

    // Sends a piece that is full; not the last one, which finish() sends.
    Result<End> flush() {
        if (filled_ < piece_.size()) return End::good;
        TRY_ASSIGN(const End end, session_.append(size(), start_, from_memory(piece_, start_)));
        start_ += filled_;
        filled_ = 0;
        return end;
    }
    Result<End> finish(const Digest& digest) {
        const std::string_view rest(piece_.data(), filled_);
        return session_.finish(digest, size(), start_, from_memory(rest, start_));
    }

  private:
    UploadSession& session_;
    std::string piece_;
    std::uint64_t start_ = 0;  // of piece_ in the blob
    std::size_t filled_ = 0;
};

// In a session that was begun.
Result<End> send_pieces(UploadSession& session, const Digest& digest, std::uint64_t size, std::uint64_t piece,
                        const detail::BodyReader& body) {
    for (std::uint64_t end = piece; size > piece && end < size + piece; end += piece) {
        TRY_ASSIGN(const End state, session.append(std::min(end, size), 0, body));
        if (state != End::good) return state;
    }
    return session.finish(digest, size, 0, body);
}

// Nothing where the session did not end well.
Result<End> send_source(UploadSession& session, std::uint64_t piece_bytes, const BlobSource& source,
                        StreamedBlob& out) {
    TRY(session.start());
    PieceWriter pieces(session, piece_bytes);
    Sha256 hash;
    while (true) {
        TRY_ASSIGN(const std::size_t got, source.next(pieces.room()));
        if (got == 0) break;
        if (!source.digest) hash.update(std::string_view(pieces.room().data(), got));
        pieces.filled(got);
        TRY_ASSIGN(const End end, pieces.flush());
        if (end != End::good) return end;
    }
    out = {source.digest ? source.digest() : hash.finish(), pieces.size()};
    return pieces.finish(out.digest);
}

}  // namespace

Result<bool> Client::upload_blob(const std::string& repository, const Descriptor& blob,
                                 const BodyReader& body, UploadStart start) {
    Sessions sessions(attempts());
    while (true) {
        UploadSession session(*this, repository);
        if (start == UploadStart::unless_present) {
            TRY_ASSIGN(const bool present, session.start_unless_present(blob.digest));
            if (present) return false;
        } else {
            TRY(session.start());
        }
        TRY_ASSIGN(const End end, send_pieces(session, blob.digest, blob.size, settings_->piece_bytes, body));
        if (end == End::good) return true;
        TRY(sessions.again(end, session.reason()));
    }
}

Result<> Client::upload_blob_bytes(const std::string& repository, const Digest& digest,
                                   std::string_view bytes) {
    TRY(upload_blob(repository, {.media_type = {}, .digest = digest, .size = bytes.size()},
                    from_memory(bytes), UploadStart::always));
    return {};
}

Result<> Client::upload_blob_file(const std::string& repository, const Descriptor& blob,
                                  const std::filesystem::path& path) {
    TRY(upload_file(repository, blob, path, UploadStart::always));
    return {};
}

Result<bool> Client::upload_blob_file_if_missing(const std::string& repository, const Descriptor& blob,
                                                 const std::filesystem::path& path) {
    return upload_file(repository, blob, path, UploadStart::unless_present);
}

Result<bool> Client::upload_file(const std::string& repository, const Descriptor& blob,
                                 const std::filesystem::path& path, UploadStart start) {
    TRY_ASSIGN(const Fd file, open_file(path, O_RDONLY));
    const auto body = [&](std::uint64_t offset, std::span<char> into) {
        return read_at(file.get(), offset, into);
    };
    return upload_blob(repository, blob, body, start);
}

Result<bool> Client::mount_blob(const std::string& repository, const Digest& digest,
                                const std::string& from_repository) {
    const std::string query = "?mount=" + digest.to_string() + "&from=" + from_repository;
    const std::string scope = detail::push_scope(repository) + " " + detail::pull_scope(from_repository);
    TRY_ASSIGN(
        const auto answer,
        send({.method = "POST", .target = "/v2/" + repository + "/blobs/uploads/" + query, .scope = scope}));
    if (answer.status == 201) return true;
    if (answer.status == 202) {  // an ordinary upload was opened instead; it is in nobody's way if it stays
        const auto opened = detail::parse_location(answer.header("location"), http_->server());
        if (opened && opened->server == http_->server())
            (void)http_->send({.method = "DELETE", .target = opened->target, .scope = scope});
        return false;
    }
    Error error = detail::error_of_answer(answer.status, answer.body);
    return std::unexpected(own(std::move(error).context("mount into " + repository)));
}

Result<> Client::stream_blob(Client& from, const std::string& from_repository, const std::string& repository,
                             const Descriptor& blob) {
    Sessions sessions({settings_->restarts, settings_->world});
    while (true) {
        UploadSession session(*this, repository);
        TRY(session.start());
        PieceWriter pieces(session, settings_->piece_bytes);
        End end = End::good;
        const auto fetched = from.get_blob(from_repository, blob, [&](std::string_view bytes) -> Result<> {
            while (!bytes.empty()) {
                const std::size_t step = bytes.copy(pieces.room().data(), pieces.room().size());
                bytes.remove_prefix(step);
                pieces.filled(step);
                auto flushed = pieces.flush();
                if (!flushed) return std::unexpected(std::move(flushed.error()));
                end = *flushed;
                if (end != End::good) return std::unexpected(session.reason());
            }
            return {};
        });
        if (end == End::good) {
            TRY(fetched);
            TRY_ASSIGN(end, pieces.finish(blob.digest));
            if (end == End::good) return {};
        }
        TRY(sessions.again(end, session.reason()));
    }
}

Result<StreamedBlob> Client::upload_blob_stream(const std::string& repository, const BlobSource& source) {
    Sessions sessions({settings_->restarts, settings_->world});
    while (true) {
        UploadSession session(*this, repository);
        StreamedBlob out;
        TRY_ASSIGN(const End end, send_source(session, settings_->piece_bytes, source, out));
        if (end == End::good) return out;
        if (!source.rewind) return std::unexpected(session.reason());
        TRY(sessions.again(end, session.reason()));
        TRY(source.rewind());
    }
}

}  // namespace synchost::registry
