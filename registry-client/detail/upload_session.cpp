#include "registry-client/detail/upload_session.hpp"

#include <algorithm>
#include <cerrno>

#include "registry-client/detail/answer.hpp"
#include "registry-client/detail/range.hpp"
#include "registry-client/detail/targets.hpp"

namespace synchost::registry::detail {
namespace {

std::string with_digest(const std::string& target, const Digest& digest) {
    return target + (target.contains('?') ? "&" : "?") + "digest=" + digest.to_string();
}

// What says that the upload is no more, or not where we think: BLOB_UPLOAD_UNKNOWN, BLOB_UPLOAD_INVALID.
bool says_gone(const Result<HttpResponse>& answer) {
    if (!answer) return false;
    return answer->status == 404 ||
           (answer->status == 400 && code_of_answer(answer->body).starts_with("BLOB_UPLOAD_"));
}

}  // namespace

UploadSession::UploadSession(Client& client, std::string repository)
    : client_(client), repository_(std::move(repository)), scope_(push_scope(repository_)) {}

UploadSession::~UploadSession() {
    if (!complete_) tell(0);
}

void UploadSession::tell(std::uint64_t offset) {
    client_.moved(static_cast<std::int64_t>(offset) - static_cast<std::int64_t>(told_));
    told_ = offset;
}

UploadSession::End UploadSession::lost(std::string why) {
    reason_ = client_.own({Errc::registry, "the upload was lost: " + std::move(why), EAGAIN, "Try again."});
    return End::lost;
}

Result<> UploadSession::take_location(const HttpResponse& answer) {
    auto location = parse_location(answer.header("location"), client_.http_->server());
    if (!location) return std::unexpected(client_.own(std::move(location.error())));
    if (location->server != client_.http_->server()) {
        return std::unexpected(client_.own(
            {Errc::unsupported, "it sends uploads to another server, " + location->server.origin(), 0,
             "Name the registry by the address that it knows itself by."}));
    }
    target_ = std::move(location->target);
    return {};
}

Result<> UploadSession::start() {
    TRY(open({}));
    return {};
}

// A mount from the repository itself (distribution-spec spec.md, Mounting a blob from another repository).
Result<bool> UploadSession::start_unless_present(const Digest& digest) {
    return open("?mount=" + digest.to_string() + "&from=" + repository_);
}

Result<bool> UploadSession::open(const std::string& query) {
    TRY_ASSIGN(const auto answer, client_.send({.method = "POST",
                                                .target = "/v2/" + repository_ + "/blobs/uploads/" + query,
                                                .scope = scope_}));
    complete_ = answer.status == 201 && !query.empty();
    if (complete_) return true;
    if (answer.status != 202) {
        Error error = error_of_answer(answer.status, answer.body);
        return std::unexpected(client_.own(std::move(error).context("upload to " + repository_)));
    }
    TRY(take_location(answer));
    return false;
}

UploadSession::Answer UploadSession::send_body(std::string_view method, const std::string& target,
                                               std::uint64_t end, const BodyReader& body) {
    const std::uint64_t from = acknowledged_;
    HttpRequest request{.method = method,
                        .target = target,
                        .scope = scope_,
                        .headers = {{"Content-Type", "application/octet-stream"}},
                        .body_size = end - from};
    if (end > from && (from > 0 || method == "PATCH"))
        request.headers.emplace_back("Content-Range", std::to_string(from) + "-" + std::to_string(end - 1));
    request.body = [&](std::uint64_t offset, std::span<char> into) -> Result<std::size_t> {
        tell(from + offset);
        TRY_ASSIGN(const std::size_t got, body(from + offset, into));
        sent_ = std::max(sent_, from + offset + got);
        return got;
    };
    return client_.http_->send(request);
}

Result<UploadSession::End> UploadSession::take_state(const HttpResponse& answer, Attempts& attempts,
                                                     std::uint64_t lowest) {
    if (!answer.header("location").empty()) TRY(take_location(answer));
    const auto has = parse_upload_range(answer.header("range"));
    if (!has) return lost("the registry does not say what it has of it");
    if (*has > sent_ || *has < lowest) {
        return lost("the registry says that it has " + std::to_string(*has) + " bytes, of " +
                    std::to_string(sent_) + " that were sent");
    }
    if (*has > acknowledged_) attempts.moved();
    acknowledged_ = *has;
    tell(acknowledged_);
    return End::good;
}

// After a PATCH or PUT that failed: waits, and asks for the state. `good`: go on from acknowledged_, or,
// where has_arrived said so, there is nothing left to do.
Result<UploadSession::End> UploadSession::recover(Answer answer, Attempts& attempts, std::uint64_t lowest,
                                                  const std::function<Result<bool>()>& has_arrived) {
    // Its bytes are not where we think: as good as a broken connection.
    if (answer && answer->status == 416)
        answer = std::unexpected(Error{Errc::registry, "it expects other bytes (HTTP 416)", EAGAIN, {}});
    while (true) {
        const bool gone = says_gone(answer);
        if (!gone) TRY(client_.again(attempts, answer));
        if (has_arrived) {
            TRY_ASSIGN(complete_, has_arrived());
            if (complete_) return End::good;
        }
        if (gone) return lost(error_of_answer(answer->status, answer->body).message);
        answer = client_.http_->send({.method = "GET", .target = target_, .scope = scope_});
        if (answer && (answer->status == 204 || answer->status == 200))
            return take_state(*answer, attempts, lowest);
        const int status = answer ? answer->status : 0;
        if (status == 405 || status == 416 || status == 501)
            return lost("the registry does not tell its state");
    }
}

Result<UploadSession::End> UploadSession::append(std::uint64_t end, std::uint64_t lowest,
                                                 const BodyReader& body) {
    Attempts attempts = client_.attempts();
    while (acknowledged_ < end) {
        Answer answer = send_body("PATCH", target_, end, body);
        if (!answer || answer->status != 202) {
            TRY_ASSIGN(const End state, recover(std::move(answer), attempts, lowest));
            if (state != End::good) return state;
            continue;
        }
        TRY(take_location(*answer));
        const std::uint64_t before = acknowledged_;
        acknowledged_ = end;
        // It may have taken a part; "0-0" is one byte here.
        if (const auto has = parse_upload_range(answer->header("range"));
            has && std::max(*has, std::uint64_t{1}) != end) {
            if (*has <= before || *has > end)
                return lost("the registry says that it has " + std::to_string(*has) + " bytes, of " +
                            std::to_string(end));
            acknowledged_ = *has;
        }
        attempts.moved();
        tell(acknowledged_);
    }
    return End::good;
}

Result<UploadSession::End> UploadSession::finish(const Digest& digest, std::uint64_t size,
                                                 std::uint64_t lowest, const BodyReader& body) {
    Attempts attempts = client_.attempts();
    const auto has_arrived = [&]() -> Result<bool> {
        TRY_ASSIGN(const auto there, client_.head_blob(repository_, digest));
        return there == size;
    };
    while (!complete_) {
        Answer answer = send_body("PUT", with_digest(target_, digest), size, body);
        if (answer && answer->status == 201) {
            complete_ = true;
        } else if (answer && answer->status / 100 == 4 && code_of_answer(answer->body) == "DIGEST_INVALID") {
            reason_ = client_.own(
                error_of_answer(answer->status, answer->body).context("blob " + digest.short_hex()));
            return End::damaged;
        } else {
            TRY_ASSIGN(const End state, recover(std::move(answer), attempts, lowest, has_arrived));
            if (state != End::good) return state;
        }
    }
    tell(size);
    return End::good;
}

}  // namespace synchost::registry::detail
