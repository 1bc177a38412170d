#include "host/control/server.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/signal.hpp"
#include "base/temp_dir.hpp"
#include "host/control/api.hpp"
#include "host/control/client.hpp"
#include "host/control/detail/socket_name.hpp"
#include "host/control/status.hpp"
#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class ControlServerTest : public testing::Test {
  protected:
    void SetUp() override {
        auto dir = TempDir::make("test");
        ASSERT_OK(dir);
        dir_.emplace(*std::move(dir));
        socket_ = folder("state") / kControlSocket;
    }
    void TearDown() override { stop(); }
    fs::path folder(const std::string& name, mode_t mode = 0700) {
        fs::create_directories(dir_->path() / name);
        ::chmod((dir_->path() / name).c_str(), mode);
        return dir_->path() / name;
    }
    Result<> listen(ControlServer::Limits limits = {}) {
        Result<> outcome;
        io_.call([&] {
            auto server = ControlServer::listen(
                io_.executor(), socket_, [this](const HttpRequest& request) { return answer(request); },
                limits);
            if (server) {
                server_ = *std::move(server);
            } else {
                outcome = std::unexpected(server.error());
            }
        });
        return outcome;
    }
    void stop() {
        io_.call([&] { server_.reset(); });
    }
    boost::asio::awaitable<HttpReply> answer(HttpRequest request) {
        if (answer_) co_return answer_();
        co_return HttpResponse{.body = request.method + " " + request.target + " " + request.body};
    }
    Result<std::string> ask(std::chrono::milliseconds timeout = 60s) {
        return ask_watch(socket_, {.target = "/status"}, timeout);
    }
    // Sends this on a connection of its own; all that comes until its end.
    std::string exchange(std::string_view bytes) {
        const Fd fd = connect();
        (void)write_all(fd.get(), bytes);  // whoever is sent away early may not read all
        return rest_of(fd.get());
    }
    Fd connect() {
        const auto name = detail::socket_name(socket_);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name->path.c_str(), name->path.size());
        Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return fd;
    }
    // All until the server ends the stream; a reset is an end, too.
    static std::string rest_of(int fd) {
        std::string out;
        char buffer[256];
        for (;;) {
            pollfd item{fd, POLLIN, 0};
            if (::poll(&item, 1, 60'000) != 1) return "(the stream does not end)";
            const ssize_t got = ::read(fd, buffer, sizeof buffer);
            if (got <= 0) return out;
            out.append(buffer, static_cast<std::size_t>(got));
        }
    }

    std::optional<TempDir> dir_;
    fs::path socket_;
    std::function<HttpReply()> answer_;
    test::IoThread io_;
    std::unique_ptr<ControlServer> server_;
};

// Pieces that a test gives one by one.
class Pieces final : public ByteSource {
  public:
    struct Shared {
        explicit Shared(boost::asio::any_io_executor executor) : more(std::move(executor)) {}
        std::vector<std::string> pieces;  // an empty one is the end
        Signal more;
        bool gone = false;
    };
    explicit Pieces(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    ~Pieces() override { shared_->gone = true; }
    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (shared_->pieces.empty()) co_return "";
        std::string piece = std::move(shared_->pieces.front());
        shared_->pieces.erase(shared_->pieces.begin());
        if (piece.empty()) co_return std::nullopt;
        co_return piece;
    }
    boost::asio::awaitable<void> wait() override { co_await shared_->more.wait(); }
    [[nodiscard]] std::string heartbeat() const override { return ":\n\n"; }

  private:
    std::shared_ptr<Shared> shared_;
};

constexpr const char* kEmptyPost = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
constexpr const char* kLastGet = "GET /y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

TEST_F(ControlServerTest, AnswersOneRequestAfterTheOtherOnAConnection) {
    ASSERT_OK(listen());
    const std::string got = exchange(std::string(kEmptyPost) + kLastGet);
    EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
    EXPECT_TRUE(got.contains("POST /x ")) << got;
    EXPECT_TRUE(got.ends_with("GET /y ")) << got;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask().value_or(""), "GET /status ");
}

TEST_F(ControlServerTest, TakesALargeAnswerWhole) {
    answer_ = [] { return HttpResponse{.body = std::string(3'000'000, 'x')}; };
    ASSERT_OK(listen());
    EXPECT_EQ(ask().value_or("").size(), 3'000'000u);
}

TEST_F(ControlServerTest, AnswersARequestThatComesInPieces) {
    ASSERT_OK(listen());
    const Fd fd = connect();
    for (const char c : std::string_view(kLastGet)) ASSERT_OK(write_all(fd.get(), std::string_view(&c, 1)));
    EXPECT_TRUE(rest_of(fd.get()).ends_with("GET /y "));
}

TEST_F(ControlServerTest, AnswersWhatIsNoRequestWithAnError) {
    ASSERT_OK(listen());
    const std::string got = exchange("status\n\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 ")) << got;
    EXPECT_TRUE(got.contains("{\"error\":\"not an HTTP request: ")) << got;
}

TEST_F(ControlServerTest, BoundsHeadAndBody) {
    ASSERT_OK(listen());
    const std::string head = "GET / HTTP/1.1\r\nX: " + std::string(kMaxRequestHeadBytes, 'a') + "\r\n\r\n";
    EXPECT_TRUE(exchange(head).starts_with("HTTP/1.1 431 "));
    const auto post = [](std::size_t bytes) {
        return "POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: " + std::to_string(bytes) +
               "\r\n\r\n" + std::string(bytes, 'b');
    };
    EXPECT_TRUE(exchange(post(kMaxRequestBodyBytes + 1)).starts_with("HTTP/1.1 413 "));
    EXPECT_TRUE(exchange(post(kMaxRequestBodyBytes)).starts_with("HTTP/1.1 200 "));
    EXPECT_OK(ask());
}

TEST_F(ControlServerTest, EndsAConnectionThatSaysNothing) {
    ASSERT_OK(listen({.request = 50ms}));
    EXPECT_EQ(exchange("GET / HT"), "");
    EXPECT_EQ(exchange(""), "");
}

TEST_F(ControlServerTest, EndsAConnectionThatDoesNotTakeItsAnswer) {
    answer_ = [] { return HttpResponse{.body = std::string(3'000'000, 'x')}; };
    ASSERT_OK(listen({.answer = 50ms}));
    const Fd fd = connect();
    ASSERT_OK(write_all(fd.get(), kLastGet));
    pollfd item{fd.get(), 0, 0};  // POLLHUP alone
    EXPECT_EQ(::poll(&item, 1, 60'000), 1);
    EXPECT_LT(rest_of(fd.get()).size(), 3'000'000u);
}

TEST_F(ControlServerTest, HasRoomForSoManyConnectionsAndNoMore) {
    ASSERT_OK(listen({.connections = 2}));
    const Fd first = connect();
    std::optional<Fd> second = connect();
    EXPECT_EQ(rest_of(connect().get()), "");
    second.reset();
    bool answered = false;
    for (int tries = 0; !answered && tries < 1'000; ++tries) answered = ask().has_value();
    EXPECT_TRUE(answered);
}

class ControlStreamTest : public ControlServerTest {
  protected:
    void SetUp() override {
        ControlServerTest::SetUp();
        shared_ = std::make_shared<Pieces::Shared>(io_.executor());
        answer_ = [this] { return HttpStream{"text/plain", std::make_unique<Pieces>(shared_)}; };
    }
    void say(const std::string& piece) {
        io_.call([&] {
            shared_->pieces.push_back(piece);
            shared_->more.notify();
        });
    }
    [[nodiscard]] bool is_gone() {
        bool gone = false;
        io_.call([&] { gone = shared_->gone; });
        return gone;
    }
    std::shared_ptr<Pieces::Shared> shared_;
};

TEST_F(ControlStreamTest, GivesPiecesAsTheyComeUntilTheEnd) {
    ASSERT_OK(listen());
    say("one");
    std::string got;
    const auto outcome = stream_from_watch(socket_, {.target = "/"}, 60s, [&](std::string_view bytes) {
        got += bytes;
        if (got == "one") say(std::string(200'000, 'x'));
        if (got.size() == 200'003) say("");
        return Result<>{};
    });
    EXPECT_OK(outcome);
    EXPECT_EQ(got, "one" + std::string(200'000, 'x'));
}

TEST_F(ControlStreamTest, SaysSomethingWhenNothingHappens) {
    ASSERT_OK(listen({.heartbeat = 5ms}));
    std::string got;
    const auto outcome = stream_from_watch(socket_, {.target = "/"}, 60s, [&](std::string_view bytes) {
        got += bytes;
        return got.size() >= 9 ? Result<>(fail(Errc::cancelled, "enough")) : Result<>{};
    });
    EXPECT_ERROR(outcome, Errc::cancelled, "enough");
    EXPECT_TRUE(got.starts_with(":\n\n:\n\n:\n\n")) << got;
}

TEST_F(ControlStreamTest, EndsWhenItsClientIsGoneThoughNothingIsSent) {
    ASSERT_OK(listen());
    {
        const Fd fd = connect();
        ASSERT_OK(write_all(fd.get(), kLastGet));
        char byte = 0;
        ASSERT_EQ(::read(fd.get(), &byte, 1), 1);
    }
    while (!is_gone()) std::this_thread::yield();
}

TEST_F(ControlStreamTest, EndsWithTheServer) {
    ASSERT_OK(listen());
    const Fd fd = connect();
    ASSERT_OK(write_all(fd.get(), kLastGet));
    char byte = 0;
    ASSERT_EQ(::read(fd.get(), &byte, 1), 1);
    stop();
    EXPECT_FALSE(rest_of(fd.get()).contains("0\r\n\r\n"));
}

TEST_F(ControlServerTest, IsForItsUserAlone) {
    ASSERT_OK(listen());
    struct stat info{};
    ASSERT_EQ(::stat(socket_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    stop();
    socket_ = folder("open", 0755) / kControlSocket;
    EXPECT_ERROR(listen(), Errc::auth, "others may enter this folder");
}

TEST_F(ControlServerTest, TakesThePlaceOfASocketThatWasLeft) {
    ASSERT_OK(listen());
    fs::rename(socket_, dir_->path() / "left");
    stop();
    fs::rename(dir_->path() / "left", socket_);
    EXPECT_ERROR(ask(), Errc::not_found, "no `synchost watch` runs");
    ASSERT_OK(listen());
    EXPECT_OK(ask());
}

TEST_F(ControlServerTest, HasPathsOfAnyLength) {
    std::string deep = "state";
    for (int i = 0; i < 5; ++i) deep += "/" + std::string(60, 'd');
    folder(deep);
    for (fs::path at = dir_->path() / deep; at != dir_->path(); at = at.parent_path())
        ::chmod(at.c_str(), 0700);
    socket_ = dir_->path() / deep / kControlSocket;
    ASSERT_OK(listen());
    EXPECT_EQ(ask().value_or(""), "GET /status ");
    stop();
    EXPECT_FALSE(fs::exists(socket_));
}

TEST_F(ControlServerTest, AfterItsEndNobodyIsThere) {
    EXPECT_ERROR(ask(), Errc::not_found, "no `synchost watch` runs");
    EXPECT_EQ(ask().error().next_step, "Start one in its folder: synchost watch");
    ASSERT_OK(listen());
    const Fd open = connect();
    stop();
    EXPECT_EQ(rest_of(open.get()), "");
    EXPECT_FALSE(fs::exists(socket_));
    EXPECT_ERROR(ask(), Errc::not_found, "no `synchost watch` runs");
}

TEST_F(ControlServerTest, AClientDoesNotWaitForEver) {
    const auto listening = [&] {
        Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, socket_.c_str(), socket_.native().size());
        EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(fd.get(), 1), 0);
        return fd;
    }();
    EXPECT_ERROR(ask(50ms), Errc::timeout, "does not answer");
}

TEST_F(ControlServerTest, AClientToldOfAnErrorHasThatError) {
    answer_ = [] { return error_response(404, "no service \"x\"", "Did you mean y?"); };
    ASSERT_OK(listen());
    const auto got = ask();
    EXPECT_ERROR(got, Errc::invalid_input, "no service \"x\"");
    EXPECT_EQ(got.error().next_step, "Did you mean y?");
    answer_ = [] { return error_response(403, "no"); };
    EXPECT_ERROR(ask(), Errc::auth, "no");
    answer_ = [] { return HttpResponse{.status = 500, .body = "<html>"}; };
    EXPECT_ERROR(ask(), Errc::protocol, "is not JSON");
}

}  // namespace
}  // namespace synchost::host
