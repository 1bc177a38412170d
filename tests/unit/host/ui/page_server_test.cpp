#include "host/ui/page_server.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "base/file.hpp"
#include "support/io_thread.hpp"
#include "support/raw_peer.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::ui {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kIndex =
    R"(<head><meta name="synchost-token" content=""><link rel="icon" href="/favicon.svg"><link )"
    R"(href="/assets/app.css"><script src="/assets/app.js"></script></head><body></body>)";
constexpr PageFile kFiles[] = {{"/", "text/html; charset=utf-8", kIndex},
                               {"/assets/app.js", "text/javascript; charset=utf-8", "let a"},
                               {"/assets/app.css", "text/css; charset=utf-8", "a{}"},
                               {"/favicon.svg", "image/svg+xml", "<svg/>"}};

class OneText final : public ByteSource {
  public:
    explicit OneText(std::string text) : text_(std::move(text)) {}
    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (text_.empty()) co_return std::nullopt;
        co_return std::exchange(text_, {});
    }
    boost::asio::awaitable<void> wait() override { co_return; }
    [[nodiscard]] std::string heartbeat() const override { return {}; }

  private:
    std::string text_;
};

boost::asio::awaitable<HttpReply> answer(HttpRequest request) {
    if (request.target == "/api/v1/snapshot")
        co_return HttpStream{"application/json", std::make_unique<OneText>("{\"a\":\"<b>\"}")};
    co_return HttpResponse{.body = request.method + " " + request.target};
}

class PageServerTest : public testing::Test {
  protected:
    void SetUp() override { start("127.0.0.1"); }
    void start(const std::string& address, HttpServer::Limits limits = PageServer::default_limits()) {
        auto listener = listen_on(address, 0);
        ASSERT_OK(listener);
        port_ = listener->port;
        io_.call([&] {
            server_.reset();
            auto server =
                PageServer::start(io_.executor(), *std::move(listener),
                                  {.files = kFiles,
                                   .api = [](const HttpRequest& request) { return answer(request); },
                                   .token = "abc123",
                                   .project = "todo",
                                   .limits = limits});
            ASSERT_OK(server);
            server_ = *std::move(server);
        });
    }
    void TearDown() override {
        io_.call([&] { server_.reset(); });
    }
    // Head and body of what comes on a connection of its own.
    std::string ask(const std::string& line, const std::string& fields = {}) {
        const Fd fd = test::dial_local(port_);
        EXPECT_TRUE(test::send_all(fd.get(), line + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
                                                 "\r\nConnection: close\r\n" + fields + "\r\n"));
        std::string out;
        char buffer[4'096];
        for (;;) {
            pollfd item{fd.get(), POLLIN, 0};
            if (::poll(&item, 1, 60'000) != 1) return "(the answer does not end)";
            const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
            was_reset_ = got < 0;  // which is an end, too
            if (got <= 0) return out;
            out.append(buffer, static_cast<std::size_t>(got));
        }
    }
    static std::string body_of(const std::string& answer) {
        return answer.substr(std::min(answer.size(), answer.find("\r\n\r\n") + 4));
    }
    static std::string field_of(const std::string& answer, const std::string& name) {
        const std::size_t at = answer.find("\r\n" + name + ": ");
        if (at == std::string::npos || at > answer.find("\r\n\r\n")) return "(none)";
        const std::size_t begin = at + name.size() + 4;
        return answer.substr(begin, answer.find("\r\n", begin) - begin);
    }

    test::IoThread io_;
    std::unique_ptr<PageServer> server_;
    std::uint16_t port_ = 0;
    bool was_reset_ = false;
};

TEST_F(PageServerTest, ServesThePageWithTheTokenToItsUser) {
    const std::string index = ask("GET /");
    EXPECT_TRUE(index.starts_with("HTTP/1.1 200 OK\r\n")) << index;
    EXPECT_THAT(body_of(index), HasSubstr(R"(<meta name="synchost-token" content="abc123">)"));
    EXPECT_EQ(field_of(index, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(field_of(index, "Cache-Control"), "no-store");
    EXPECT_EQ(field_of(index, "ETag"), "(none)");
    const std::string script = ask("GET /assets/app.js");
    EXPECT_EQ(body_of(script), "let a");
    EXPECT_EQ(field_of(script, "Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(server_->url(), "http://127.0.0.1:" + std::to_string(port_));
}

TEST_F(PageServerTest, AnAssetThatABrowserHasIsNotSentAgain) {
    const std::string first = ask("GET /assets/app.css");
    EXPECT_EQ(field_of(first, "Cache-Control"), "no-cache");
    const std::string tag = field_of(first, "ETag");
    const std::string again = ask("GET /assets/app.css", "If-None-Match: " + tag + "\r\n");
    EXPECT_TRUE(again.starts_with("HTTP/1.1 304 ")) << again;
    EXPECT_EQ(body_of(again), "");
    EXPECT_EQ(field_of(again, "ETag"), tag);
    EXPECT_TRUE(ask("GET /assets/app.css", "If-None-Match: \"older\"\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(PageServerTest, AHeadIsTheAnswerWithoutItsBody) {
    const std::string head = ask("HEAD /assets/app.js");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
    EXPECT_EQ(field_of(head, "Content-Length"), "5");
    EXPECT_EQ(body_of(head), "");
}

TEST_F(PageServerTest, PathsAreAListAndNoFileSystem) {
    for (const char* path :
         {"/index.html", "/assets/", "/assets/app.js/", "/assets/../assets/app.js", "//", "/assets/app.js?x",
          "/%2e%2e/etc/passwd", "/assets%2Fapp.js", "/api", "*", "http://127.0.0.1/", "/favicon.ico"})
        EXPECT_TRUE(ask(std::string("GET ") + path).starts_with("HTTP/1.1 404 ")) << path;
}

TEST_F(PageServerTest, TheApiIsAskedForItsPaths) {
    EXPECT_EQ(body_of(ask("GET /api/v1/status?verify=true")), "GET /api/v1/status?verify=true");
    EXPECT_EQ(body_of(ask("POST /api/v1/services/a/restart", "Content-Length: 0\r\n")),
              "POST /api/v1/services/a/restart");
}

TEST_F(PageServerTest, MethodsThatMakeNoSenseAreToldSo) {
    EXPECT_TRUE(ask("PUT /").starts_with("HTTP/1.1 405 "));
    EXPECT_TRUE(ask("BREW /").starts_with("HTTP/1.1 405 "));
    const std::string post = ask("POST /", "Content-Length: 0\r\n");
    EXPECT_TRUE(post.starts_with("HTTP/1.1 405 ")) << post;
    EXPECT_EQ(field_of(post, "Allow"), "GET, HEAD");
}

TEST_F(PageServerTest, EveryAnswerIsFencedIn) {
    const std::string too_long = "X: " + std::string(100'000, 'x') + "\r\n";
    const std::string answers[] = {ask("GET /"),
                                   ask("GET /assets/app.js"),
                                   ask("GET /nothing"),
                                   ask("PUT /"),
                                   ask("GET /api/v1/status"),
                                   ask("GET /snapshot.html"),
                                   ask("GET /", "Origin: http://evil.example\r\n"),
                                   ask("GET /", "Content-Length: x\r\n"),
                                   ask("GET /", too_long)};
    for (const std::string& answer : answers) {
        EXPECT_EQ(
            field_of(answer, "Content-Security-Policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
            "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
            << answer.substr(0, 100);
        EXPECT_EQ(field_of(answer, "X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(field_of(answer, "X-Frame-Options"), "DENY");
        EXPECT_EQ(field_of(answer, "Referrer-Policy"), "no-referrer");
        EXPECT_EQ(field_of(answer, "Cross-Origin-Opener-Policy"), "same-origin");
        EXPECT_EQ(field_of(answer, "Cross-Origin-Resource-Policy"), "same-origin");
        EXPECT_THAT(answer, Not(HasSubstr("Access-Control-")));
        EXPECT_THAT(answer, Not(HasSubstr("\r\nServer: ")));
    }
}

TEST_F(PageServerTest, RefusesWhatTheGuardRefuses) {
    for (const char* fields : {"Origin: http://evil.example\r\n", "Origin: null\r\n",
                               "Sec-Fetch-Site: cross-site\r\n", "Host: evil.example\r\n"}) {
        for (const char* line : {"GET /", "GET /api/v1/status", "GET /assets/app.js", "GET /nothing"}) {
            const std::string answer = ask(line, fields);
            EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << line << " " << fields << answer;
            EXPECT_THAT(answer, Not(HasSubstr("abc123")));
        }
    }
}

TEST_F(PageServerTest, CookiesOfOtherPortsDoNotLockItsUserOut) {
    EXPECT_TRUE(ask("GET /", "Cookie: " + std::string(30'000, 'c') + "\r\n").starts_with("HTTP/1.1 200 "));
}

// A reset may take an answer along that is on its way.
TEST_F(PageServerTest, WhoSaysTooMuchIsToldSoWithoutAReset) {
    const std::string answer = ask("GET /", "Cookie: " + std::string(1'000'000, 'c') + "\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 431 ")) << answer;
    EXPECT_FALSE(was_reset_);
}

TEST_F(PageServerTest, TheSnapshotIsAFileToKeep) {
    const std::string answer = ask("GET /snapshot.html");
    EXPECT_EQ(field_of(answer, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_THAT(field_of(answer, "Content-Disposition"),
                testing::MatchesRegex("attachment; filename=\"todo-[0-9]{8}-[0-9]{6}\\.html\""));
    EXPECT_THAT(answer, HasSubstr("{\"a\":\"\\u003cb>\"}"));
    EXPECT_THAT(answer, HasSubstr("<script type=\"module\">let a</script>"));
    EXPECT_THAT(answer, Not(HasSubstr("abc123"))) << "it is given away";
    EXPECT_TRUE(ask("POST /snapshot.html", "Content-Length: 0\r\n").starts_with("HTTP/1.1 405 "));
}

TEST_F(PageServerTest, OpenToOthersItGivesNoTokenAndAsksForIt) {
    start("0.0.0.0");
    const std::string index = ask("GET /");
    EXPECT_TRUE(index.starts_with("HTTP/1.1 200 OK\r\n")) << index;
    EXPECT_THAT(index, Not(HasSubstr("abc123")));
    EXPECT_TRUE(ask("GET /api/v1/status").starts_with("HTTP/1.1 401 "));
    EXPECT_TRUE(ask("GET /snapshot.html").starts_with("HTTP/1.1 401 "));
    EXPECT_TRUE(ask("GET /api/v1/status", "Authorization: Bearer abc124\r\n").starts_with("HTTP/1.1 403 "));
    EXPECT_TRUE(ask("GET /api/v1/status", "Authorization: Bearer abc123\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(PageServerTest, HasRoomForSoManyConnectionsAndNoMore) {
    start("127.0.0.1", {.connections = 2});
    const Fd first = test::dial_local(port_);
    std::optional<Fd> second = test::dial_local(port_);
    EXPECT_EQ(ask("GET /"), "");
    second.reset();
    while (ask("GET /").empty()) {
    }
}

TEST_F(PageServerTest, AnotherUserDoesNotTakeTheRoomOfOurs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    start("127.0.0.1", {.connections = 4, .of_other_users = 2});
    std::vector<Fd> theirs;
    std::thread([&] {
        // The system call, which is for one thread alone; libc's is for all.
        ASSERT_EQ(::syscall(SYS_setresuid, 65'534, 65'534, 65'534), 0);
        for (int i = 0; i < 6; ++i) theirs.push_back(test::dial_local(port_));
    }).join();
    const Fd ours = test::dial_local(port_);
    EXPECT_TRUE(ask("GET /").starts_with("HTTP/1.1 200 "));
}

TEST_F(PageServerTest, EndsWithItsOwner) {
    const Fd open = test::dial_local(port_);
    io_.call([&] { server_.reset(); });
    EXPECT_EQ(read_all(open.get(), 1).value_or(""), "");
    EXPECT_FALSE(test::dial_local(port_));
}

}  // namespace
}  // namespace synchost::host::ui
