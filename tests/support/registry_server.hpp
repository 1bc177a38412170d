// A real docker-registry of this test alone: a free port on loopback, a configuration and a storage folder of
// its own, ended with its owner. Header-only, so that every test may use it.
#pragma once

#include <poll.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"

namespace synchost::test {

struct RegistryOptions {
    bool deletes = true;
    bool relative_urls = false;  // Location headers without scheme and host
    std::string certificate;     // PEM files; plain http where empty
    std::string key;
    std::string client_authority;  // PEM: only clients with a certificate of its are served
    std::string htpasswd;          // a file with bcrypt lines; no login where empty
    std::string token_realm;       // URL of a token server, see token_server.hpp
    std::string token_certificate;
    bool in_memory =
        false;  // where the machine can: it syncs each small file, which takes its time on a disk
};

class RegistryServer {
  public:
    // Answers when this returns.
    static Result<RegistryServer> start(const RegistryOptions& options = {}) {
        // httplib writes without MSG_NOSIGNAL: see registry-client/client.hpp.
        ::signal(SIGPIPE, SIG_IGN);
        const std::filesystem::path memory = "/dev/shm";
        const bool has_memory = options.in_memory && std::filesystem::is_directory(memory);
        TRY_ASSIGN(TempDir folder, TempDir::make("registry", has_memory ? memory : std::filesystem::path()));
        TRY(write_file_atomic(folder.path() / "config.yml", configuration(folder.path(), options)));
        TRY_ASSIGN(BackgroundProcess process, serve(folder.path()));
        RegistryServer out(std::move(folder), std::move(process));
        TRY(out.wait_for_port());
        return out;
    }

    // After stop() or kill(): the same data at a new address.
    Result<> start_again() {
        TRY_ASSIGN(process_, serve(folder_.path()));
        return wait_for_port();
    }

    [[nodiscard]] const std::string& address() const { return address_; }  // "127.0.0.1:41234"
    [[nodiscard]] std::filesystem::path storage() const { return folder_.path() / "storage"; }
    void stop() { process_.stop(); }
    // At once, as a crash does.
    void kill() {
        if (process_.pid() < 0) return;
        ::kill(process_.pid(), SIGKILL);
        process_.stop();  // until it has ended, connections to it are still accepted
    }

    // "GET /v2/app/manifests/latest" of every request that was answered, in order.
    [[nodiscard]] std::vector<std::string> requests() const {
        std::vector<std::string> out;
        const std::string log = read_file(folder_.path() / "log").value_or("");
        for (std::size_t at = log.find("] \""); at != std::string::npos; at = log.find("] \"", at + 1)) {
            const std::size_t start = at + 3;
            const std::size_t end = log.find(" HTTP/", start);
            if (end != std::string::npos && log.find('\n', start) > end)
                out.push_back(log.substr(start, end - start));
        }
        return out;
    }

  private:
    RegistryServer(TempDir folder, BackgroundProcess process)
        : folder_(std::move(folder)), process_(std::move(process)) {}

    static Result<BackgroundProcess> serve(const std::filesystem::path& folder) {
        std::error_code ignored;
        std::filesystem::remove(folder / "log", ignored);
        return BackgroundProcess::start(
            {.argv = {"docker-registry", "serve", (folder / "config.yml").string()}}, folder / "log",
            std::chrono::milliseconds(500));
    }

    static std::string configuration(const std::filesystem::path& folder, const RegistryOptions& options) {
        std::string out =
            "version: 0.1\nlog: {level: info, formatter: text}\nstorage:\n  filesystem: {rootdirectory: " +
            (folder / "storage").string() + "}\n  delete: {enabled: " + (options.deletes ? "true" : "false") +
            "}\nhttp:\n  addr: 127.0.0.1:0\n";
        if (options.relative_urls) out += "  relativeurls: true\n";
        if (!options.certificate.empty()) {
            out += "  tls: {certificate: " + options.certificate + ", key: " + options.key;
            if (!options.client_authority.empty()) out += ", clientcas: [" + options.client_authority + "]";
            out += "}\n";
        }
        if (!options.htpasswd.empty())
            out += "auth:\n  htpasswd: {realm: test, path: " + options.htpasswd + "}\n";
        if (!options.token_realm.empty()) {
            out += "auth:\n  token: {realm: \"" + options.token_realm +
                   "\", service: tests, issuer: tests, " + "rootcertbundle: " + options.token_certificate +
                   "}\n";
        }
        return out;
    }

    // The kernel chose the port; the registry says it once it listens.
    Result<> wait_for_port() {
        constexpr std::string_view kSaid = "listening on ";
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (std::chrono::steady_clock::now() < deadline) {
            const std::string log = read_file(folder_.path() / "log").value_or("");
            if (const std::size_t at = log.find(kSaid); at != std::string::npos) {
                const std::size_t start = at + kSaid.size();
                const std::size_t end = log.find_first_of(",\"\n ", start);
                if (end != std::string::npos) {
                    address_ = log.substr(start, end - start);
                    return {};
                }
            }
            if (process_.poll()) return fail(Errc::registry, "docker-registry ended: " + log);
            ::poll(nullptr, 0, 5);
        }
        return fail(Errc::timeout, "docker-registry did not start");
    }

    TempDir folder_;
    BackgroundProcess process_;
    std::string address_;
};

}  // namespace synchost::test
