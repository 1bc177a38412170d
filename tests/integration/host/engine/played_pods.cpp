#include "integration/host/engine/played_pods.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"

namespace synchost::host {
namespace {

// It says so when it takes connections.
constexpr const char* kServer =
    "import socket, time\n"
    "server = socket.socket()\n"
    "server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    "server.bind(('', 8000))\n"
    "server.listen()\n"
    "print('serving', flush=True)\n"
    "time.sleep(600)\n";

}  // namespace

Result<> PlayedPods::replace(const std::string& name, const std::string& image, Pod& pod) {
    pod.parts.reset();
    std::filesystem::remove_all(root_of(name));
    TRY_ASSIGN(const TempDir staging, TempDir::make("unpacked", folder_));
    TRY_ASSIGN(const TempDir layers, TempDir::make("layers"));
    TRY(check_output({.argv = {"skopeo", "copy", "--src-tls-verify=false", "--dest-decompress",
                               "docker://" + image, "dir:" + layers.path().native()}},
                     Errc::io));
    TRY_ASSIGN(const std::string text, read_file(layers.path() / "manifest.json"));
    const auto manifest = nlohmann::json::parse(text);
    for (const auto& layer : manifest.at("layers")) {
        const std::string digest = layer.at("digest").get<std::string>();
        TRY(check_output({.argv = {"tar", "-xf", (layers.path() / digest.substr(7)).native(), "-C",
                                   staging.path().native()}},
                         Errc::io));
    }
    std::filesystem::create_directories(root_of(name).parent_path());
    std::filesystem::rename(staging.path() / root_of(name).relative_path(), root_of(name));
    pod.baked = test::content_of(staging.path() / "baked.txt");
    pod.image = image;
    ++pod.number;
    pod.parts = std::make_unique<test::AgentPod>(SYNCHOST_AGENT);
    TRY(write_file_atomic(pod.parts->dir() / "key", key_.to_text(), 0600));
    pod.parts->start_sidecar();
    if (runs_servers_) pod.parts->start_with({"unshare", "--map-current-user", "--net"});
    pod.parts->start_supervisor(
        "app", {"--gate", "hold", "--root", root_of(name).native() + "/"},
        runs_servers_ ? test::Words{"python3", "-c", kServer} : test::Words{"sleep", "600"});
    const std::scoped_lock lock(mutex_);
    logs_.insert_or_assign(name, pod.parts->log_of("app"));
    return {};
}

}  // namespace synchost::host
