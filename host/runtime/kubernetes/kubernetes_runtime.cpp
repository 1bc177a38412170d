#include "host/runtime/kubernetes/kubernetes_runtime.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.hpp"
#include "host/runtime/kubernetes/deployer.hpp"
#include "host/runtime/kubernetes/deployment.hpp"
#include "host/runtime/kubernetes/forwards.hpp"
#include "host/runtime/kubernetes/logs.hpp"
#include "host/runtime/kubernetes/pod_book.hpp"
#include "host/runtime/project_lock.hpp"
#include "k8s/cluster/local_registry.hpp"

namespace synchost::host {
namespace {

using namespace kubernetes;  // NOLINT: the room of this file
namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr int kNativeSidecars = 29;  // minor version: on by default from 1.29
constexpr int kOldest = 25;
constexpr std::chrono::milliseconds kCloseTick{20};
constexpr std::chrono::seconds kDescribeTime{5};

// One thread runs everything that talks to the cluster; the Runtime's calls hand it coroutines and wait.
class KubernetesRuntime : public Runtime {
  public:
    KubernetesRuntime(KubernetesOptions options, Fd lock)
        : options_(std::move(options)),
          lock_(std::move(lock)),
          client_(std::make_shared<k8s::ApiClient>(io_.get_executor(), options_.context, options_.reach)),
          pods_(io_.get_executor(), client_, options_.project,
                {.on_change = [this] { on_change(); },
                 .on_problem = [this](const std::string& subject,
                                      const Error& error) { tell_problem(subject, error); },
                 .on_note = [this](const std::string& subject,
                                   const std::string& text) { note(subject, text); }}),
          deployer_(client_, pods_, options_.project, options_.context.namespace_name,
                    options_.state / "objects.json",
                    [this](const std::string& subject, const std::string& text) { note(subject, text); }),
          forwards_(io_.get_executor(), client_, pods_,
                    [this](const std::string& subject, const Error& error) { tell_problem(subject, error); }),
          logs_(io_.get_executor(), client_, pods_),
          thread_([this] { io_.run(); }) {}

    ~KubernetesRuntime() override {
        static_cast<void>(down());
        io_.stop();  // what still waits for nobody goes with it
        thread_.join();
    }

    Result<> connect() {
        TRY_ASSIGN(version_, call(client_->version()));
        if (version_.major == 1 && version_.minor < kOldest) {
            return fail(Errc::unsupported, "the cluster runs Kubernetes " + version_.git_version,
                        "synchost needs 1." + std::to_string(kOldest) + " or later.");
        }
        return make_folders(sockets(), 0700);
    }

    [[nodiscard]] std::string description() const override {
        return "context " + options_.context.name + ", namespace " + options_.context.namespace_name +
               ", Kubernetes " + version_.git_version;
    }
    void observe(RuntimeEvents events) override {
        call([&]() -> asio::awaitable<Result<>> {
            events_ = std::move(events);
            asio::co_spawn(io_, pods_.tell_problems(), asio::detached);
            co_return Result<>{};
        }());
    }
    Result<RegistryAddress> registry() override { return call(find_registry()); }
    Result<> apply(const std::vector<k8s::Manifest>& manifests, const k8s::InjectOptions& options,
                   const std::vector<ExtraPort>& ports) override {
        return call(deploy(manifests, options, ports));
    }
    Result<> wait_until_ready(const std::set<std::string>& workloads) override {
        return call(deployer_.wait_until_ready(workloads));
    }
    Result<std::vector<ForwardedPort>> ports() override {
        return call([this]() -> asio::awaitable<Result<std::vector<ForwardedPort>>> {
            co_return forwards_.ports();
        }());
    }
    Result<PodsDetail> describe(const std::set<std::string>& workloads) override {
        return call([this](std::set<std::string> of) -> asio::awaitable<Result<PodsDetail>> {
            co_return co_await pods_.describe(std::move(of), Clock::now() + kDescribeTime);
        }(workloads));
    }
    Result<> follow_logs(std::function<void(const LogLine&)> on_line) override {
        return call([&]() -> asio::awaitable<Result<>> {
            logs_.start(std::move(on_line));
            co_return Result<>{};
        }());
    }
    void interrupt() override {
        asio::post(io_, [this] { deployer_.interrupt(); });
    }
    Result<> down() override {
        if (is_closed_) return {};
        // A cluster that never answered holds nothing of this run.
        auto removed = version_.major == 0 ? Result<>() : call(deployer_.remove_all());
        static_cast<void>(leave());
        return removed;
    }
    // The record tells the next one what was applied.
    Result<> leave() override {
        if (std::exchange(is_closed_, true)) return {};
        call([this]() -> asio::awaitable<Result<>> {
            forwards_.close();
            agents_.clear();
            client_->close();
            // What was under way ends by itself now.
            while (pods_.tasks() > 0) co_await pods_.changed().wait_until(Clock::now() + kCloseTick);
            co_return Result<>{};
        }());
        std::error_code ignored;
        fs::remove_all(sockets(), ignored);
        return {};
    }

  private:
    using Clock = std::chrono::steady_clock;

    template <typename T>
    Result<T> call(asio::awaitable<Result<T>> task) {
        return asio::co_spawn(io_, std::move(task), asio::use_future).get();
    }

    [[nodiscard]] fs::path sockets() const { return options_.state / "agents"; }

    void note(const std::string& subject, const std::string& text) const {
        if (events_.on_note) events_.on_note(subject, text);
    }
    void tell_problem(const std::string& subject, const Error& error) const {
        if (events_.on_problem) events_.on_problem(subject, error);
    }

    asio::awaitable<Result<RegistryAddress>> find_registry() {
        if (options_.registry) co_return RegistryAddress{*options_.registry, *options_.registry};
        constexpr const char* kPath = "/api/v1/namespaces/kube-public/configmaps/local-registry-hosting";
        auto config_map = co_await client_->get(kPath);
        if (!config_map && config_map.error().code != Errc::not_found)
            co_return std::unexpected(std::move(config_map.error()));
        std::optional<k8s::LocalRegistry> announced;
        if (config_map) {
            CO_TRY_ASSIGN(announced, k8s::parse_local_registry(*config_map));
        }
        const auto from = std::getenv("KUBERNETES_SERVICE_HOST") != nullptr ? k8s::PushesFrom::cluster_network
                                                                            : k8s::PushesFrom::this_machine;
        CO_TRY_ASSIGN(auto chosen, k8s::choose_registry(announced, from));
        co_return RegistryAddress{std::move(chosen.push), std::move(chosen.pull), std::move(chosen.help)};
    }

    asio::awaitable<Result<>> deploy(const std::vector<k8s::Manifest>& manifests, k8s::InjectOptions options,
                                     const std::vector<ExtraPort>& ports) {
        const bool native = version_.major > 1 || version_.minor >= kNativeSidecars;
        options.form = native ? k8s::SidecarForm::native : k8s::SidecarForm::init_and_sidecar;
        const DeploymentInputs inputs{.project = options_.project,
                                      .namespace_name = options_.context.namespace_name,
                                      .namespace_is_fixed = options_.namespace_is_fixed,
                                      .key_text = options_.key.to_text()};
        CO_TRY_ASSIGN(auto planned, plan_deployment(manifests, std::move(options), inputs));
        CO_TRY_ASSIGN(const auto forwards, plan_forwards(manifests, options_.context.namespace_name, ports));
        CO_TRY(forwards_.open(forwards));
        co_return co_await deployer_.apply(std::move(planned));
    }

    void tell_all_pods() {
        std::vector<PodSummary> all;
        for (const auto& [uid, view] : pods_.pods()) {
            all.push_back({.workload = view.workload,
                           .name = view.name,
                           .ready = view.ready,
                           .ended = view.phase == "Succeeded",
                           .failed = view.phase == "Failed"});
        }
        if (all == all_told_) return;
        all_told_ = all;
        if (events_.on_all_pods) events_.on_all_pods(std::move(all));
    }

    void on_change() {
        logs_.look();
        tell_all_pods();
        std::vector<RunningPod> pods;
        std::set<std::string> there;
        for (const auto& [uid, view] : pods_.pods()) {
            if (view.ending || !view.agent_up || view.wrapped.empty()) continue;
            if (auto opened = open_agent(uid, view); !opened) {
                tell_problem(view.name, opened.error());
                continue;
            }
            there.insert(uid);
            pods.push_back({.workload = view.workload,
                            .name = view.name,
                            .id = uid,
                            .agent = UnixAddress{sockets() / uid},
                            .containers = view.wrapped});
        }
        std::erase_if(agents_, [&](const auto& item) { return !there.contains(item.first); });
        std::string state;
        for (const RunningPod& pod : pods) state += pod.id + "\n";
        if (std::exchange(told_, state) == state) return;
        if (events_.on_pods) events_.on_pods(std::move(pods));
    }

    // The link to a pod's agent: a private socket whose connections lead to the agent's port.
    Result<> open_agent(const std::string& uid, const PodView& view) {
        if (agents_.contains(uid)) return {};
        const k8s::PortTarget target{view.path(), kAgentPort};
        k8s::ForwardOptions options{
            .choose = [target]() -> asio::awaitable<Result<k8s::PortTarget>> { co_return target; },
            .on_error = {},
            .patience = std::chrono::milliseconds(0),
            .linger = std::chrono::milliseconds(0)};
        TRY_ASSIGN(auto opened, k8s::PortForward::on_socket(io_.get_executor(), client_, sockets() / uid,
                                                            std::move(options)));
        agents_[uid] = std::move(opened);
        return {};
    }

    KubernetesOptions options_;
    Fd lock_;
    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    RuntimeEvents events_;
    std::shared_ptr<k8s::ApiClient> client_;
    k8s::ServerVersion version_;
    PodBook pods_;
    Deployer deployer_;
    Forwards forwards_;
    Logs logs_;
    std::map<std::string, std::unique_ptr<k8s::PortForward>> agents_;  // by uid of the pod
    std::string told_ = "nothing yet";
    std::vector<PodSummary> all_told_;
    bool is_closed_ = false;
    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Runtime>> make_kubernetes_runtime(KubernetesOptions options) {
    TRY(make_folders(options.state, 0700));
    TRY_ASSIGN(Fd lock, take_project_lock(options.state / "lock"));
    auto runtime = std::make_unique<KubernetesRuntime>(std::move(options), std::move(lock));
    TRY(runtime->connect());
    return runtime;
}

}  // namespace synchost::host
