// One upload of a blob into a registry, which survives broken connections: what the registry has is asked for
// (GET of the upload, distribution-spec spec.md, section Pushing a blob in chunks) and checked against what
// was sent, because a registry may accept bytes at an offset where they do not belong; sending goes on from
// there.
//
//     POST ──▶ PATCH 0-9 ──▶ 202 ──▶ PATCH 10-19 ──╳ (reset) ──▶ GET ──▶ 204, Range: 0-13 ──▶ PATCH 14-19 ──▶
//     PUT
//                                                                 └─▶ 404: the registry has given the upload
//                                                                 up
//
// docker-registry gives an upload up whose PATCH broke off in mid-body; others keep what has come. Whoever
// uses this begins another session then.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "registry-client/client.hpp"
#include "registry-client/detail/http.hpp"

namespace synchost::registry::detail {

class UploadSession {
  public:
    enum class End {
        good,
        lost,     // the registry has it no more, or says what cannot be: another session may go well
        damaged,  // the registry got bytes of another digest: the same, unless it is ours that is wrong
    };

    UploadSession(Client& client, std::string repository);
    // What the session has told of progress is taken back where it did not end well.
    ~UploadSession();
    UploadSession(const UploadSession&) = delete;
    UploadSession& operator=(const UploadSession&) = delete;

    Result<> start();
    // The same request asks for the blob: true where the repository has it, and no session was begun.
    Result<bool> start_unless_present(const Digest& digest);
    // Sends the blob's bytes up to `end`. `body` gives them by their offset in the blob, from `lowest` on.
    Result<End> append(std::uint64_t end, std::uint64_t lowest, const BodyReader& body);
    // Sends what is left up to `size`, and gives the blob its name.
    Result<End> finish(const Digest& digest, std::uint64_t size, std::uint64_t lowest,
                       const BodyReader& body);
    // After `lost` or `damaged`: the reason; of `lost`, one that is_retryable() is true of.
    [[nodiscard]] const Error& reason() const { return reason_; }

  private:
    using Answer = Result<HttpResponse>;
    Result<bool> open(const std::string& query);
    Answer send_body(std::string_view method, const std::string& target, std::uint64_t end,
                     const BodyReader& body);
    Result<End> recover(Answer answer, Attempts& attempts, std::uint64_t lowest,
                        const std::function<Result<bool>()>& has_arrived = {});
    Result<End> take_state(const HttpResponse& answer, Attempts& attempts, std::uint64_t lowest);
    Result<> take_location(const HttpResponse& answer);
    End lost(std::string why);
    void tell(std::uint64_t offset);

    Client& client_;
    std::string repository_;
    std::string scope_;
    std::string target_;              // path and query of the next request
    std::uint64_t acknowledged_ = 0;  // bytes that the registry says it has
    std::uint64_t sent_ = 0;          // bytes that it can have at most
    std::uint64_t told_ = 0;          // bytes that progress was told of
    bool complete_ = false;
    Error reason_;
};

}  // namespace synchost::registry::detail
