// What the client makes of registries that answer otherwise than docker-registry does: scripted answers, one
// for each request. Where a download is redirected, it resumes by the registry's own URL.
#include <gmock/gmock.h>

#include <mutex>
#include <optional>

#include "integration/registry-client/fault_proxy.hpp"
#include "integration/registry-client/http_text.hpp"
#include "integration/registry-client/tcp.hpp"
#include "registry-client/client.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

using test::HttpText;
using testing::ElementsAre;

constexpr const char* kReset = "";  // in place of an answer

std::string answer(const std::string& status, const std::string& headers = {}, const std::string& body = {}) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
           "\r\n" + body;
}
std::string upload(const std::string& status, const std::string& range) {
    return answer(status, "Location: /v2/app/blobs/uploads/1\r\nRange: " + range + "\r\n");
}

class Script {
  public:
    explicit Script(std::vector<std::string> answers) : answers_(std::move(answers)) {
        EXPECT_OK(server_.start([this](Fd& client) { serve(client); }));
    }
    [[nodiscard]] std::string address() const { return server_.address(); }
    // "PATCH 3-9", "PUT", …: methods, with the range of what they carry or ask for.
    [[nodiscard]] std::vector<std::string> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

  private:
    void serve(Fd& client) {
        std::string buffer;
        while (true) {
            const HttpText request(test::receive_head(client.get(), buffer));
            if (request.empty() || !test::receive_body(client.get(), buffer, request.content_length()))
                return;
            buffer.clear();
            const std::string next = note(request);
            if (next.empty()) return server_.reset(client);
            const bool is_short = !test::send_all(client.get(), next) || next.ends_with("half");
            if (is_short) return;
        }
    }
    std::string note(const HttpText& request) {
        const std::lock_guard lock(mutex_);
        const std::string range = request.header("Content-Range") + request.header("Range");
        requests_.push_back(request.method() + (range.empty() ? "" : " " + range));
        if (requests_.size() > answers_.size()) return answer("599 Unexpected");
        return answers_[requests_.size() - 1];
    }

    std::vector<std::string> answers_;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    test::TcpServer server_;  // the last, and so the first to end
};

Client client_of(const Script& script, std::uint64_t piece_bytes = 100) {
    ConnectorOptions options;
    options.retry = {.attempts = 3, .first = std::chrono::milliseconds(1)};
    options.piece_bytes = piece_bytes;
    return Connector(options).client(script.address());
}

const std::string kBytes = "0123456789";
const Descriptor kBlob{"", sha256(kBytes), 10};
const std::string kGone = answer("404 Not Found");
const std::string kDone = answer("201 Created");

TEST(Resume, AnUploadGoesOnFromWhatTheRegistryReports) {
    const Script script(
        {upload("202 Accepted", "0-0"), kReset, kGone, upload("204 No Content", "0-3"), kDone});
    ASSERT_OK(client_of(script).upload_blob_bytes("app", kBlob.digest, kBytes));
    EXPECT_THAT(script.requests(), ElementsAre("POST", "PUT", "HEAD", "GET", "PUT 4-9"));
}

TEST(Resume, MoreThanWasSentIsNotBelieved) {
    const Script script({upload("202 Accepted", "0-0"), kReset, kGone, upload("204 No Content", "0-10"),
                         upload("202 Accepted", "0-0"), kDone});
    ASSERT_OK(client_of(script).upload_blob_bytes("app", kBlob.digest, kBytes));
    EXPECT_THAT(script.requests(), ElementsAre("POST", "PUT", "HEAD", "GET", "POST", "PUT"));
}

TEST(Resume, ARegistryThatSaysNoOffsetIsBegunAgainAFewTimes) {
    std::vector<std::string> answers;
    for (int i = 0; i < 4; ++i)
        for (const std::string& next : {upload("202 Accepted", "0-0"), std::string(kReset), kGone,
                                        upload("204 No Content", "all of it")})
            answers.push_back(next);
    const Script script(answers);
    const auto lost = client_of(script).upload_blob_bytes("app", kBlob.digest, kBytes);
    EXPECT_ERROR(lost, Errc::registry,
                 "the upload was lost: the registry does not say what it has of it (after 3");
    EXPECT_EQ(script.requests().size(), 12u);
}

TEST(Resume, OtherBytesExpectedAsksForTheState) {
    const Script script({upload("202 Accepted", "0-0"), upload("202 Accepted", "0-3"),
                         answer("416 Range Not Satisfiable"), upload("204 No Content", "0-5"),
                         upload("202 Accepted", "0-7"), upload("202 Accepted", "0-9"), kDone});
    ASSERT_OK(client_of(script, 4).upload_blob_bytes("app", kBlob.digest, kBytes));
    EXPECT_THAT(script.requests(),
                ElementsAre("POST", "PATCH 0-3", "PATCH 4-7", "GET", "PATCH 6-7", "PATCH 8-9", "PUT"));
}

TEST(Resume, APieceThatIsTakenInPartIsSentToItsEnd) {
    const Script script({upload("202 Accepted", "0-0"), upload("202 Accepted", "0-2"),
                         upload("202 Accepted", "0-5"), upload("202 Accepted", "0-9"), kDone});
    ASSERT_OK(client_of(script, 6).upload_blob_bytes("app", kBlob.digest, kBytes));
    EXPECT_THAT(script.requests(), ElementsAre("POST", "PATCH 0-5", "PATCH 3-5", "PATCH 6-9", "PUT"));
}

TEST(Resume, AStreamCannotGoBackBehindItsPiece) {
    const Script script({upload("202 Accepted", "0-0"), upload("202 Accepted", "0-3"), kReset,
                         upload("204 No Content", "0-1")});
    std::size_t at = 0;
    const auto lost = client_of(script, 4).upload_blob_stream(
        "app", {.next = [&](std::span<char> into) -> Result<std::size_t> {
                    const std::size_t step = kBytes.copy(into.data(), into.size(), at);
                    at += step;
                    return step;
                },
                .rewind = {}});
    EXPECT_ERROR(lost, Errc::registry, "the upload was lost: the registry says that it has 2 bytes");
}

const std::string kHalf = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123half";
const Descriptor kOther{"", sha256("0123half89"), 10};

TEST(Resume, ADownloadAsksForTheRest) {
    const Script script({kHalf, answer("206 Partial Content", "Content-Range: bytes 8-9/10\r\n", "89")});
    EXPECT_EQ(client_of(script).get_blob_bytes("app", kOther, 100).value(), "0123half89");
    EXPECT_THAT(script.requests(), ElementsAre("GET", "GET bytes=8-"));
}

TEST(Resume, AServerWithoutRangesIsReadFromItsStart) {
    const Script script({kHalf, answer("200 OK", {}, "0123half89")});
    EXPECT_EQ(client_of(script).get_blob_bytes("app", kOther, 100).value(), "0123half89");
    const Script refusing({kHalf, answer("416 Range Not Satisfiable"), answer("200 OK", {}, "0123half89")});
    EXPECT_EQ(client_of(refusing).get_blob_bytes("app", kOther, 100).value(), "0123half89");
    EXPECT_THAT(refusing.requests(), ElementsAre("GET", "GET bytes=8-", "GET"));
}

TEST(Resume, AnotherRangeThanWasAskedForIsNotTaken) {
    for (const char* range : {"bytes 7-9/10", "bytes 8-9/11", "bytes 8-9", "8-9/10", ""}) {
        const Script script(
            {kHalf, answer("206 Partial Content", "Content-Range: " + std::string(range) + "\r\n", "89")});
        EXPECT_ERROR(client_of(script).get_blob_bytes("app", kOther, 100), Errc::protocol, "another range")
            << range;
    }
}

TEST(Resume, ARedirectedDownloadGoesByTheRegistrysOwnUrl) {
    const auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    std::string bytes(200'000, 'x');
    const Descriptor blob{"", sha256(bytes), bytes.size()};
    ASSERT_OK(Connector().client(server->address()).upload_blob_bytes("app", blob.digest, bytes));
    auto store = test::FaultProxy::start(server->address());
    ASSERT_OK(store);
    store->plan({{0, {.kind = test::Fault::Kind::truncate_answer, .at = 0.5}}, {1, {.status = 503}}});
    const std::string redirect =
        answer("307 Temporary Redirect",
               "Location: http://" + store->address() + "/v2/app/blobs/" + blob.digest.to_string() + "\r\n");
    const Script script({redirect, redirect, redirect});
    EXPECT_EQ(client_of(script).get_blob_bytes("app", blob, bytes.size()).value(), bytes);
    EXPECT_EQ(script.requests().size(), 3u);
    EXPECT_EQ(store->counts().requests.size(), 3u);
}

}  // namespace
}  // namespace synchost::registry
