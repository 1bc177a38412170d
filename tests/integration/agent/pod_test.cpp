// The sidecar: hosts and their keys, supervisors that come and go, checks, probes, and what it
// costs.
#include <arpa/inet.h>
#include <elf.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "base/file.hpp"
#include "support/agent_pod.hpp"
#include "support/free_port.hpp"
#include "support/result_matchers.hpp"

namespace synchost::test {
namespace {

using namespace protocol;

class Pod : public testing::Test {
  protected:
    Completed agent(Words words) {
        words.insert(words.begin(), SYNCHOST_AGENT);
        return run_command({.argv = std::move(words)}).value();
    }
    Completed check(const std::string& what) {
        return agent({"check", what, "--containers-dir", pod_.containers_dir().native()});
    }
    Completed probe(Words words) {
        Words all = {"probe", "--socket-dir", (pod_.containers_dir() / "app").native()};
        all.insert(all.end(), words.begin(), words.end());
        return agent(std::move(all));
    }

    AgentPod pod_{SYNCHOST_AGENT};
};

// Answers each connection with these bytes, on a port of its own.
class TinyServer {
  public:
    explicit TinyServer(std::string answer)
        : answer_(std::move(answer)), listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        ::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), size);
        ::listen(listening_.get(), 16);
        ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] {
            for (;;) {
                const Fd stream(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
                if (!stream) return;
                char request[4096];
                (void)!::read(stream.get(), request, sizeof request);
                (void)!::send(stream.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
            }
        });
    }
    ~TinyServer() {
        ::shutdown(listening_.get(), SHUT_RDWR);
        thread_.join();
    }
    [[nodiscard]] std::string port() const { return std::to_string(port_); }

  private:
    std::string answer_;
    Fd listening_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

long resident_kib(pid_t pid) {
    const std::string status = content_of("/proc/" + std::to_string(pid) + "/status");
    const std::size_t at = status.find("VmRSS:");
    return at == std::string::npos ? -1 : std::stol(status.substr(at + 6));
}

// Whether a 64-bit ELF file asks for a dynamic linker.
bool has_interpreter(const std::string& binary) {
    Elf64_Ehdr header{};
    if (binary.size() < sizeof header) return true;
    std::memcpy(&header, binary.data(), sizeof header);
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr program{};
        std::memcpy(&program, binary.data() + header.e_phoff + i * sizeof program, sizeof program);
        if (program.p_type == PT_INTERP) return true;
    }
    return false;
}

TEST_F(Pod, AHostWithAnotherKeyIsRefused) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    pod_.link(PskKey::generate().value());
    ASSERT_TRUE(pod_.run_until(
        [&] { return pod_.disconnected().has_value() && pod_.disconnected()->code == Errc::auth; }));
    EXPECT_TRUE(pod_.disconnected()->message.contains("the agent refused the key"));
    EXPECT_TRUE(eventually([&] {
        return content_of(pod_.dir() / "sidecar.log").contains("a host with another key was refused");
    }));
    pod_.link(pod_.key());
    EXPECT_TRUE(pod_.wait_for("app", ProcessState::gated));
}

TEST_F(Pod, ANewerHostReplacesTheOlderWhichIsTold) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    std::optional<ContainerReport> seen;
    host::AgentLink newer(
        pod_.io().get_executor(), host::UnixAddress{pod_.host_socket()}, pod_.key(),
        {[&](const ContainerReport& report) { seen = report; }, [] {}, [](const Error&) {}});
    newer.start();
    // The older link may have said before that the agent was not there yet.
    ASSERT_TRUE(pod_.run_until(
        [&] { return seen && pod_.disconnected() && pod_.disconnected()->code == Errc::conflict; }));
    EXPECT_TRUE(pod_.disconnected()->message.contains("took over"));
    EXPECT_OK(pod_.await(newer.release("app")));
}

TEST_F(Pod, ASidecarThatRestartsIsFoundAgainByBothEnds) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"}, {"sleep", "600"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::running));
    ASSERT_OK(pod_.await(pod_.link().apply("app", GenerationBuilder(pod_.root(), 5).put("a", "1").get())));
    pod_.stop_sidecar();
    ASSERT_TRUE(pod_.run_until([&] { return pod_.disconnected().has_value() && !pod_.link().connected(); }));
    pod_.start_sidecar();
    ASSERT_TRUE(pod_.run_until([&] { return pod_.link().connected(); }));
    const auto report =
        pod_.wait_for("app", [](const ContainerReport& r) { return r.generation == GenerationId{5}; });
    ASSERT_TRUE(report);
    EXPECT_EQ(report->starts, 1u);
    ASSERT_TRUE(pod_.run_until([&] { return check("ready").exit_code == 0; }));
    EXPECT_OK(pod_.await(pod_.link().apply("app", GenerationBuilder(pod_.root(), 6).put("a", "2").get())));
}

TEST_F(Pod, ServesOnLoopbackTcp) {
    const std::uint16_t port = free_port();
    pod_.start_sidecar({"app"}, {"--listen", "tcp:127.0.0.1:" + std::to_string(port)});
    pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    std::optional<ContainerReport> seen;
    host::AgentLink link(pod_.io().get_executor(), host::LoopbackAddress{port}, pod_.key(),
                         {[&](const ContainerReport& report) { seen = report; }, [] {}, [](const Error&) {}});
    link.start();
    ASSERT_TRUE(pod_.run_until([&] { return seen.has_value(); }));
    ASSERT_OK(pod_.await(link.apply("app", GenerationBuilder(pod_.root()).put("a", "over tcp").get())));
    EXPECT_EQ(content_of(pod_.app_dir() / "a"), "over tcp");
}

TEST_F(Pod, ASupervisorOfAnotherUserIsRefused) {
    pod_.start_sidecar({"app=12345"});
    pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    EXPECT_TRUE(
        eventually([&] { return content_of(pod_.dir() / "sidecar.log").contains("refused: another user"); }));
    EXPECT_EQ(check("ready").exit_code, 1);
}

TEST_F(Pod, ChecksSayWhy) {
    EXPECT_EQ(check("started").exit_code, 1);
    pod_.start_sidecar();
    ASSERT_TRUE(eventually([&] { return check("started").exit_code == 0; }));
    EXPECT_EQ(check("ready").out, "not-ready app:unattached\n");
    pod_.start_supervisor("app", {"--gate", "0"}, {"sleep", "600"});
    ASSERT_TRUE(eventually([&] { return check("ready").exit_code == 0; }));
    EXPECT_EQ(check("ready").out, "ready app:running\n");
}

// What the kubelet's startup probe is to the first start, this is to each start in place.
TEST_F(Pod, AFailedProbePassesWhileTheProcessBootsUntilOneWasGood) {
    const Words down = {"--boot", "3600s", "tcp", "--port", "1"};
    const TinyServer up("HTTP/1.1 204 No Content\r\n\r\n");
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    for (const std::uint32_t starts : {1u, 2u}) {
        ASSERT_OK(pod_.await(pod_.link().restart("app")));
        ASSERT_TRUE(pod_.wait_for("app", [&](const ContainerReport& report) {
            return report.state == ProcessState::running && report.starts == starts;
        }));
        EXPECT_TRUE(probe(down).out.starts_with("the app was started ")) << starts;
        EXPECT_EQ(probe(down).exit_code, 0);
        EXPECT_EQ(probe({"tcp", "--port", "1"}).exit_code, 1) << "no time was granted";
        EXPECT_EQ(probe({"--boot", "3600s", "tcp", "--port", up.port()}).exit_code, 0);
        EXPECT_EQ(probe(down).exit_code, 1) << "a process that was up is not booting";
    }
}

TEST_F(Pod, ProbesPassWhileTheAppIsKeptDownAndAreTheUsersOwnOtherwise) {
    pod_.start_sidecar();
    auto& gated = pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    EXPECT_EQ(probe({"tcp", "--port", "1"}).out, "the agent keeps the app down: gated\n");
    EXPECT_EQ(probe({"tcp", "--port", "1"}).exit_code, 0);
    ASSERT_OK(pod_.await(pod_.link().release("app")));
    // A start that a probe saw happen excuses it, and ages are told in whole milliseconds.
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(probe({"tcp", "--port", "1"}).exit_code, 1);
    const TinyServer good("HTTP/1.1 204 No Content\r\n\r\n");
    const TinyServer bad("HTTP/1.1 500 Oops\r\n\r\n");
    EXPECT_EQ(probe({"tcp", "--port", good.port()}).exit_code, 0);
    EXPECT_EQ(probe({"http", "--port", good.port(), "--path", "/healthz", "--header", "X-A: b"}).out,
              "HTTP status 204\n");
    EXPECT_EQ(probe({"http", "--port", bad.port()}).out, "HTTP status 500\n");
    EXPECT_EQ(probe({"http", "--port", bad.port()}).exit_code, 1);
    EXPECT_EQ(probe({"exec", "--", "true"}).exit_code, 0);
    EXPECT_EQ(probe({"exec", "--", "sh", "-c", "exit 3"}).exit_code, 1);
    EXPECT_EQ(probe({"--timeout", "100ms", "exec", "--", "sleep", "60"}).out, "sleep: no end in time\n");
    ::kill(gated.pid(), SIGTERM);
    pod_.start_supervisor("app", {"--gate", "0"}, {"false"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::held));
    EXPECT_EQ(probe({"http", "--port", bad.port()}).exit_code, 0);
    pod_.stop_sidecar();
    EXPECT_EQ(probe({"http", "--port", bad.port()}).exit_code, 1);  // nobody to ask: the user's own check
}

TEST_F(Pod, ExitsWhenEveryContainerIsDone) {
    auto& sidecar = pod_.start_sidecar({"app"}, {"--exit-when-done"});
    auto& supervisor = pod_.start_supervisor("app", {"--no-hold", "--gate", "hold"}, {"sh", "-c", "exit 4"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    (void)pod_.await(pod_.link().release("app"));
    EXPECT_EQ(exit_code_of(supervisor), 4);
    EXPECT_EQ(exit_code_of(sidecar), 0);
}

TEST_F(Pod, InstallsItself) {
    const auto bin = pod_.dir() / "bin";
    ASSERT_EQ(agent({"install", "--to", bin.native()}).exit_code, 0);
    struct stat info{};
    ASSERT_EQ(::stat((bin / "synchost-agent").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0555u);
    EXPECT_EQ(run_command({.argv = {(bin / "synchost-agent").native(), "--version"}}).value().exit_code, 0);
    EXPECT_EQ(agent({"install", "--to", bin.native()}).exit_code, 0);  // over one that is there
}

TEST_F(Pod, SeedsAVolumeOnce) {
    const auto volume = pod_.dir() / "volume";
    ASSERT_OK(make_folders(volume));
    ASSERT_OK(make_folders(pod_.app_dir() / "lib"));
    ASSERT_OK(write_file_atomic(pod_.app_dir() / "lib/a.py", "image", 0755));
    const Words words = {"seed", "--to", volume.native(), "--folder", pod_.app_dir().native()};
    const Completed first = agent(words);
    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_TRUE(first.err.contains("seeded folder=")) << first.err;
    EXPECT_EQ(content_of(volume / "0/lib/a.py"), "image");
    ASSERT_OK(write_file_atomic(volume / "0/lib/a.py", "synced", 0755));
    EXPECT_EQ(agent(words).exit_code, 0);
    EXPECT_EQ(content_of(volume / "0/lib/a.py"), "synced");
}

TEST_F(Pod, UsageErrorsSayWhatToWrite) {
    const Words wrong[] = {{"run", "--name", "a", "--socket-dir", "/x", "--root", "relative/", "--", "x"},
                           {"run", "--name", "a", "--socket-dir", "/x"},
                           {"run", "--what"},
                           {"serve", "--listen", "tcp:0.0.0.0:80"},
                           {"serve", "--listen", "tcp:localhost:80"},
                           {"serve", "--container", "../x"},
                           {"probe", "smoke"},
                           {"check", "mood"},
                           {"seed", "--to", "/x"},
                           {"seed", "--to", "/x", "--folder", "/"},
                           {"seed", "--to", "/x", "--folder", "/app/../etc"},
                           {"nothing"}};
    for (const Words& words : wrong) {
        const Completed done = agent(words);
        EXPECT_EQ(done.exit_code, 2) << words[0];
        EXPECT_FALSE(done.err.empty()) << words[0];
    }
    EXPECT_TRUE(agent({"--help"}).out.contains("synchost-agent run --name"));
}

TEST_F(Pod, TheBinaryIsStaticAndSmallAndIdlesInLittleMemory) {
    if (SYNCHOST_SANITIZED) GTEST_SKIP() << "the sanitized agent is neither static nor small";
    constexpr std::uintmax_t kMaxBytes = 6'000'000;
    constexpr long kMaxResidentKib = 6 * 1024;
    const std::string binary = content_of(SYNCHOST_AGENT);
    EXPECT_LE(binary.size(), kMaxBytes);
    EXPECT_FALSE(has_interpreter(binary));
    auto& sidecar = pod_.start_sidecar();
    auto& supervisor = pod_.start_supervisor("app", {"--gate", "0"}, {"sleep", "600"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::running));
    ASSERT_OK(pod_.await(pod_.link().apply(
        "app", GenerationBuilder(pod_.root()).put("a", std::string(4'000'000, 'x')).get())));
    EXPECT_LE(resident_kib(sidecar.pid()), kMaxResidentKib);
    EXPECT_LE(resident_kib(supervisor.pid()), kMaxResidentKib);
    std::printf("bytes %zu, resident KiB: serve %ld, run %ld\n", binary.size(), resident_kib(sidecar.pid()),
                resident_kib(supervisor.pid()));
}

}  // namespace
}  // namespace synchost::test
