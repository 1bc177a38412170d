#include "host/runtime/podman/registry_process.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <csignal>
#include <thread>

#include "base/file.hpp"
#include "host/runtime/host_ports.hpp"
#include "host/runtime/podman/registry_storage.hpp"

namespace synchost::host::podman {
namespace {

constexpr int kAttempts = 3;
constexpr std::chrono::seconds kStartTime{10};
constexpr std::chrono::milliseconds kLookAgain{10};

std::string config_text(const std::string& address, const std::filesystem::path& storage) {
    return "version: 0.1\nlog: {level: warn}\nstorage:\n  filesystem: {rootdirectory: \"" + storage.native() +
           "\"}\n  delete: {enabled: true}\nhttp: {addr: \"" + address + "\"}\n";
}

Result<std::uint16_t> choose_port(const std::filesystem::path& memory, bool may_reuse) {
    const std::string text = read_file(memory).value_or("");
    std::uint16_t port = 0;
    std::from_chars(text.data(), text.data() + text.size(), port);
    if (may_reuse && port != 0 && is_free(port)) return port;
    return free_port();
}

bool accepts(std::uint16_t port) {
    const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd && connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string last_line(const std::filesystem::path& log) {
    std::string text = read_file(log).value_or("");
    while (text.ends_with('\n')) text.pop_back();
    return text.substr(text.rfind('\n') + 1).substr(0, 300);
}

}  // namespace

Result<RegistryProcess> RegistryProcess::start(const std::filesystem::path& folder,
                                               const std::filesystem::path& storage) {
    const auto program = find_program("docker-registry");
    if (!program) {
        return fail(
            Errc::not_found, "docker-registry is not installed",
            "Install it (Debian: apt-get install docker-registry), or name a registry in synchost.yaml.");
    }
    TRY(make_folders(folder, 0700));
    TRY(make_folders(storage, 0700));
    const auto log = folder / "registry.log";
    const auto config = folder / "registry.yml";
    TRY(write_file_atomic(config, config_text("127.0.0.1:0", storage), 0600));
    TRY_ASSIGN(Fd in_use, use_registry_storage(storage, *program, config));
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        TRY_ASSIGN(const std::uint16_t port, choose_port(folder / "registry.port", attempt == 0));
        const std::string address = "127.0.0.1:" + std::to_string(port);
        TRY(write_file_atomic(config, config_text(address, storage), 0600));
        TRY(write_file_atomic(folder / "registry.port", std::to_string(port), 0600));
        TRY_ASSIGN(auto process,
                   BackgroundProcess::start({.argv = {program->native(), "serve", config.native()}}, log));
        const auto deadline = std::chrono::steady_clock::now() + kStartTime;
        while (!process.poll() && std::chrono::steady_clock::now() < deadline) {
            if (accepts(port) && !process.poll()) {
                return RegistryProcess(std::move(in_use), std::move(process), address);
            }
            std::this_thread::sleep_for(kLookAgain);
        }
    }
    return fail(Errc::registry, "docker-registry does not start: " + last_line(log),
                "See " + log.native() + ".");
}

void end_leftover_registry(pid_t pid, const std::filesystem::path& folder) {
    if (pid <= 1) return;
    const auto words = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    if (words && words->contains((folder / "registry.yml").native())) kill(pid, SIGTERM);
}

}  // namespace synchost::host::podman
