#include "host/control/server.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <filesystem>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/temp_dir.hpp"
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
                io_.executor(), socket_, [this](ControlRequest request) { return answer(request); }, limits);
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
    boost::asio::awaitable<std::string> answer(ControlRequest request) {
        if (answer_) co_return answer_();
        co_return request == ControlRequest::verify ? "verified" : "told";
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
    std::function<std::string()> answer_;
    test::IoThread io_;
    std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, AnswersEachRequestOnAStreamOfItsOwn) {
    ASSERT_OK(listen());
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(ask_watch(socket_, ControlRequest::status, 60s).value_or(""), "told");
        EXPECT_EQ(ask_watch(socket_, ControlRequest::verify, 60s).value_or(""), "verified");
    }
}

TEST_F(ControlServerTest, TakesALargeAnswerWhole) {
    answer_ = [] { return std::string(3'000'000, 'x'); };
    ASSERT_OK(listen());
    EXPECT_EQ(ask_watch(socket_, ControlRequest::status, 60s).value_or("").size(), 3'000'000u);
}

TEST_F(ControlServerTest, AnswersALineThatComesInPieces) {
    ASSERT_OK(listen());
    const Fd fd = connect();
    for (const char c : std::string("status\n")) ASSERT_OK(write_all(fd.get(), std::string_view(&c, 1)));
    EXPECT_EQ(rest_of(fd.get()), "told\n");
}

TEST_F(ControlServerTest, AnswersWhatItDoesNotKnowWithAnError) {
    ASSERT_OK(listen());
    const Fd fd = connect();
    ASSERT_OK(write_all(fd.get(), "reboot\n"));
    const std::string line = rest_of(fd.get());
    EXPECT_ERROR(parse_status(line), Errc::io, "unknown request \"reboot\"");
}

TEST_F(ControlServerTest, EndsAStreamThatSaysTooMuch) {
    ASSERT_OK(listen());
    const Fd fd = connect();
    ASSERT_OK(write_all(fd.get(), std::string(kMaxRequestBytes, 'a')));
    EXPECT_EQ(rest_of(fd.get()), "");
    EXPECT_OK(ask_watch(socket_, ControlRequest::status, 60s));
}

TEST_F(ControlServerTest, EndsAStreamThatSaysNothing) {
    ASSERT_OK(listen({.request = 50ms}));
    const Fd fd = connect();
    ASSERT_OK(write_all(fd.get(), "stat"));
    EXPECT_EQ(rest_of(fd.get()), "");
}

TEST_F(ControlServerTest, EndsAStreamThatDoesNotTakeItsAnswer) {
    answer_ = [] { return std::string(3'000'000, 'x'); };
    ASSERT_OK(listen({.answer = 50ms}));
    const Fd fd = connect();
    ASSERT_OK(write_all(fd.get(), "status\n"));
    pollfd item{fd.get(), 0, 0};  // POLLHUP alone
    EXPECT_EQ(::poll(&item, 1, 60'000), 1);
    EXPECT_LT(rest_of(fd.get()).size(), 3'000'000u);
}

TEST_F(ControlServerTest, HasRoomForSoManyStreamsAndNoMore) {
    ASSERT_OK(listen({.streams = 2}));
    const Fd first = connect();
    std::optional<Fd> second = connect();
    EXPECT_EQ(rest_of(connect().get()), "");
    second.reset();
    bool answered = false;
    for (int tries = 0; !answered && tries < 1'000; ++tries)
        answered = ask_watch(socket_, ControlRequest::status, 60s).has_value();
    EXPECT_TRUE(answered);
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
    EXPECT_ERROR(ask_watch(socket_, ControlRequest::status, 60s), Errc::not_found,
                 "no `synchost watch` runs");
    ASSERT_OK(listen());
    EXPECT_OK(ask_watch(socket_, ControlRequest::status, 60s));
}

TEST_F(ControlServerTest, HasPathsOfAnyLength) {
    std::string deep = "state";
    for (int i = 0; i < 5; ++i) deep += "/" + std::string(60, 'd');
    folder(deep);
    for (fs::path at = dir_->path() / deep; at != dir_->path(); at = at.parent_path())
        ::chmod(at.c_str(), 0700);
    socket_ = dir_->path() / deep / kControlSocket;
    ASSERT_OK(listen());
    EXPECT_EQ(ask_watch(socket_, ControlRequest::status, 60s).value_or(""), "told");
    stop();
    EXPECT_FALSE(fs::exists(socket_));
}

TEST_F(ControlServerTest, AfterItsEndNobodyIsThere) {
    EXPECT_ERROR(ask_watch(socket_, ControlRequest::status, 60s), Errc::not_found,
                 "no `synchost watch` runs");
    EXPECT_EQ(ask_watch(socket_, ControlRequest::status, 60s).error().next_step,
              "Start one in its folder: synchost watch");
    ASSERT_OK(listen());
    const Fd open = connect();
    stop();
    EXPECT_EQ(rest_of(open.get()), "");
    EXPECT_FALSE(fs::exists(socket_));
    EXPECT_ERROR(ask_watch(socket_, ControlRequest::status, 60s), Errc::not_found,
                 "no `synchost watch` runs");
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
    EXPECT_ERROR(ask_watch(socket_, ControlRequest::status, 50ms), Errc::timeout, "does not answer");
}

}  // namespace
}  // namespace synchost::host
