// What is reached by network: the registry, the cluster, an agent.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/doctor/probes.hpp"
#include "host/link/agent_link.hpp"
#include "k8s/client/api_client.hpp"
#include "k8s/cluster/local_registry.hpp"
#include "k8s/kubeconfig/guard.hpp"

namespace synchost::host {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::size_t kBlobBytes = std::size_t{4} << 20;
constexpr double kSlowBytes = 5e6;  // a second; a base image of 100 MB then takes 20 s
constexpr const char* kRepository = "synchost/doctor";
constexpr std::chrono::seconds kPatience{20};

Finding failed(std::string part, const Error& error, const std::string& mend) {
    return {std::move(part), Verdict::problem, error.message,
            error.next_step.empty() ? mend : error.next_step};
}

// Bytes that no compression between here and the registry makes fewer, the same ones each time.
std::string blob_bytes() {
    std::string bytes(kBlobBytes, '\0');
    std::uint64_t state = 0x9E3779B97F4A7C15;
    for (char& byte : bytes) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        byte = static_cast<char>(state >> 56);
    }
    return bytes;
}

struct Answers {
    Result<k8s::ServerVersion> version = fail(Errc::timeout, "the server did not answer in 20 s");
    std::string registry;
};

asio::awaitable<void> ask(k8s::ApiClient& client, Answers& answers) {
    answers.version = co_await client.version();
    if (!answers.version) co_return;
    const auto map = co_await client.get("/api/v1/namespaces/kube-public/configmaps/local-registry-hosting");
    if (!map) co_return;
    const auto announced = k8s::parse_local_registry(*map);
    if (announced && *announced) answers.registry = (*announced)->host;
}

Answers ask_server(k8s::KubeContext context, k8s::Reach reach) {
    Answers answers;
    asio::io_context io;
    k8s::ApiClient client(io.get_executor(), std::move(context), reach);
    asio::co_spawn(io, ask(client, answers), [&](const std::exception_ptr& failure) {
        if (failure) answers.version = fail(Errc::cluster, "unexpected error");
        io.stop();
    });
    io.run_for(kPatience);
    client.close();
    io.restart();
    io.run_for(std::chrono::seconds(1));
    return answers;
}

}  // namespace

ClusterLook probe_cluster(const std::vector<std::filesystem::path>& kubeconfig, const std::string& name,
                          const std::vector<std::string>& named_contexts) {
    const auto config = k8s::Kubeconfig::load(kubeconfig);
    if (!config && config.error().code == Errc::not_found)
        return {{"cluster", Verdict::ok, "no kubeconfig; watch uses podman", {}}, false, {}};
    if (!config) return {failed("cluster", config.error(), "kubectl config view"), false, {}};
    if (name.empty() && config->current_context().empty())
        return {{"cluster", Verdict::ok, "the kubeconfig has no current context; watch uses podman", {}},
                false,
                {}};
    auto context = config->context(name);
    if (!context) return {failed("cluster", context.error(), "kubectl config get-contexts"), false, {}};
    const auto allowed = k8s::guard_context(*context, named_contexts);
    if (!allowed) {
        return {
            {"cluster", Verdict::warning, "not asked: " + allowed.error().message, allowed.error().next_step},
            false,
            {}};
    }
    const bool named = std::ranges::find(named_contexts, context->name) != named_contexts.end();
    const std::string shown = context->name;
    const auto start = Clock::now();
    const Answers answers = ask_server(*std::move(context), named ? k8s::Reach::anywhere : k8s::Reach::local);
    if (!answers.version)
        return {
            failed("cluster", answers.version.error(), "kubectl --context " + shown + " version"), false, {}};
    Finding finding{"cluster",
                    Verdict::ok,
                    fmt::format("context {} is allowed, Kubernetes {} answers in {:.0f} ms", shown,
                                answers.version->git_version, Milliseconds(Clock::now() - start).count()),
                    {}};
    return {std::move(finding), true, answers.registry};
}

Finding probe_registry(const registry::Connector& connector, const std::string& host) {
    registry::Client client = connector.client(host);
    if (const auto pinged = client.ping(); !pinged)
        return failed("registry", pinged.error(), "Name one that runs: registry: HOST:PORT in synchost.yaml");
    const std::string bytes = blob_bytes();
    const Digest digest = sha256(bytes);
    const auto start = Clock::now();
    if (const auto sent = client.upload_blob_bytes(kRepository, digest, bytes); !sent)
        return failed("registry", sent.error(), "docker login " + host);
    const std::chrono::duration<double> time = Clock::now() - start;
    const double rate = static_cast<double>(bytes.size()) / std::max(time.count(), 1e-6);
    const bool removed = client.delete_blob(kRepository, digest).has_value();
    Finding finding{
        "registry",
        Verdict::ok,
        fmt::format("{} answers, and takes {:.1f} MB/s{}", host, rate / 1e6,
                    removed ? "" : fmt::format("; 4 MiB stay in {}, it removes nothing", kRepository)),
        {}};
    if (rate < kSlowBytes) {
        finding.verdict = Verdict::warning;
        finding.mend =
            "Use a registry on this machine, such as k3d's: k3d cluster create --registry-create NAME";
    }
    return finding;
}

Finding probe_agent(std::string_view agent) {
    const std::string mend = "Is the folder mounted noexec? Set TMPDIR to one that is not.";
    const auto dir = TempDir::make("doctor");
    if (!dir) return failed("agent", dir.error(), mend);
    const auto key = protocol::PskKey::generate();
    if (!key) return failed("agent", key.error(), mend);
    const std::string binary = (dir->path() / "agent").native();
    const std::string socket = (dir->path() / "host.sock").native();
    const std::string key_file = (dir->path() / "key").native();
    for (const auto& written :
         {write_file_atomic(binary, agent, 0700), write_file_atomic(key_file, key->to_text(), 0600)}) {
        if (!written) return failed("agent", written.error(), mend);
    }
    auto process = BackgroundProcess::start(
        {.argv = {binary, "serve", "--listen", "unix:" + socket, "--key-file", key_file, "--containers-dir",
                  (dir->path() / "c").native(), "--container", "app"}},
        dir->path() / "log");
    if (!process) return failed("agent", process.error(), mend);
    asio::io_context io;
    bool connected = false;
    Clock::time_point start;
    const AgentLink::Events events{[](const protocol::ContainerReport&) {}, [&] { connected = true; },
                                   [](const Error&) {}};
    AgentLink link(io.get_executor(), UnixAddress{socket}, *key, events);
    start = Clock::now();
    link.start();
    while (!connected && Clock::now() - start < kPatience && !process->poll())
        io.run_one_for(std::chrono::milliseconds(50));
    const double time = Milliseconds(Clock::now() - start).count();
    link.stop();
    io.run_for(std::chrono::milliseconds(100));
    if (connected)
        return {"agent", Verdict::ok, fmt::format("starts, and authenticates in {:.0f} ms", time), {}};
    const std::string log = read_file(dir->path() / "log", 4096).value_or("");
    return {"agent", Verdict::problem, "does not answer: " + log.substr(0, log.find('\n')), mend};
}

}  // namespace synchost::host
