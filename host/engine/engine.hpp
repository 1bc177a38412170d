// `synchost watch`: builds and pushes every image, deploys, keeps each container at its image's newest
// generation, and decides for every saved file whether it is synced, rebuilt or ignored. Runs until it is
// stopped; what it started is taken down before run() returns.
//
//     config ─▶ build, push ─▶ deployer: runtime.apply ─▶ a PodSession for each pod
//                   ▲                                           ▲
//     watcher ─▶ batch ─▶ decide ── rebuild ┘   sync ───────────┘ (Mirror::advance, notify)
//
// A build that a newer save made stale is ended, and never deployed. The deployer is one task: whoever has
// something new for the pods asks it to begin again.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/control/api.hpp"
#include "host/control/build_log.hpp"
#include "host/control/change_log.hpp"
#include "host/engine/engine_mode.hpp"
#include "host/engine/kept_image.hpp"
#include "host/engine/log_intake.hpp"
#include "host/engine/pod_session.hpp"
#include "host/engine/project.hpp"
#include "host/engine/reporter.hpp"
#include "host/engine/rollout.hpp"
#include "host/engine/service.hpp"
#include "host/engine/service_state.hpp"
#include "host/engine/workload_facts.hpp"
#include "host/engine/workshop.hpp"
#include "host/plan/config.hpp"
#include "host/runtime/runtime.hpp"
#include "host/watch/watcher.hpp"
#include "k8s/render.hpp"

namespace synchost::host {

class StepRunner;

struct EngineParts {
    Config config;
    protocol::PskKey key;
    std::unique_ptr<Runtime> runtime;
    std::string namespace_name;  // where the runtime deploys, for charts; may be empty
    const registry::Connector* registries = nullptr;
    std::filesystem::path store;
    std::optional<std::uint64_t> store_limit;  // images::BuildTools::store_limit
    std::filesystem::path state;               // the project's, for what the next run is to know
    Reporter* reporter = nullptr;
    LogStore* log_store = nullptr;           // where lines are kept; nowhere without one
    std::function<void()> on_state = [] {};  // status() may be another now; on the io thread
    // One is new, or more is known of it; on the io thread.
    std::function<void(const ChangeRecord&)> on_change = [](const ChangeRecord&) {};
    std::function<void(const BuildRecord&)> on_build = [](const BuildRecord&) {};
    // The configuration as it is on disk now, with the command line's words applied; blocking. Empty: it is
    // not looked at again.
    std::function<Result<Config>()> reload{};
    std::vector<std::string> only{};  // services, and what they depend on; empty for all
    std::size_t parallel_builds = 2;
    EngineMode mode = EngineMode::watch;
    // What the builds of an image tell, as images::BuildTools has it; by their threads. Or empty.
    std::function<void(const std::string& image, std::string_view line)> on_build_line{};
    std::function<void(const std::string& image, const registry::BlobEvent&)> on_blob{};
};

class Engine {
  public:
    // `io` is run by the caller, on one thread.
    Engine(boost::asio::io_context& io, EngineParts parts);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Builds, deploys and watches until stop() or an error that watching cannot outlive: a build or a
    // deployment that fails is told, and the next save may mend it. In the other modes it is what run()
    // returns.
    boost::asio::awaitable<Result<>> run();
    // Ends run() soon; called on the io thread (a signal).
    void stop();

    // On the io thread.
    [[nodiscard]] Status status() const;
    // With every container's managed paths hashed anew in its pod.
    boost::asio::awaitable<Status> verified_status();
    [[nodiscard]] const ChangeLog& changes() const { return changes_; }
    [[nodiscard]] const BuildLog& builds() const { return builds_; }
    // What can be named to the following: every workload of the manifests.
    [[nodiscard]] std::vector<ServiceEntry> service_entries() const;
    // Restarts the process of each container of these workloads, all at once. unsupported where there is
    // none.
    boost::asio::awaitable<Result<RestartOutcome>> restart_services(std::vector<std::string> workloads);
    // Builds their images anew and rolls them out, as a save that rebuilds does; returns when that is over.
    boost::asio::awaitable<Result<std::vector<TriggerOutcome>>> trigger_services(
        std::vector<std::string> workloads);

    // Saves of images all of whose workloads are paused, or stopped, wait: they are neither synced nor built
    // until one of these is resumed, or started; it gets then what has changed. unsupported for a workload of
    // which no image is kept live.
    Result<> set_paused(const std::vector<std::string>& workloads, bool paused);
    // The pods are taken away, or made again.
    Result<> set_stopped(const std::vector<std::string>& workloads, bool stopped);
    boost::asio::awaitable<Result<ServiceDetail>> describe(std::string workload);

  private:
    // One save on its way to the containers: printed once the last of them has it.
    struct Pending {
        std::string sources;    // for the report
        bool is_large = false;  // by their number
        std::chrono::steady_clock::time_point first_event;
        std::chrono::steady_clock::time_point seen;
        std::set<std::string> done;                     // pod/container
        std::chrono::steady_clock::time_point applied;  // by the last of them so far
        std::chrono::microseconds slowest_restart{};
        std::chrono::microseconds slowest_listening{};  // of those that have told so far
        std::uint64_t change = 0;                       // ChangeRecord::id
        std::chrono::nanoseconds encode_time{};         // of that last one, as is what follows
        std::chrono::nanoseconds apply_time{};          // as its agent measured it
        std::optional<Error> after;                     // why what was to follow failed
    };
    // A process that saves have started, until it takes connections.
    struct Started {
        std::uint32_t start = 0;  // as SyncOutcome has it
        std::vector<std::uint64_t> changes;
    };
    using SourceSet = std::set<std::string>;
    // What a batch names of one service's context.
    struct Touched {
        const Batch& batch;
        SourceSet sources;
        std::vector<std::string> arrived;  // folders of these that stand for all that they hold
        bool waited = false;               // a rescan of a service of which nothing was looked at for a while
    };
    struct RebuildCause {
        std::string source;
        Decision decision;
    };
    // Of one batch, by image.
    using IgnoredSaves = std::map<const Service*, ChangeRecord>;

    // Start (engine.cpp)
    boost::asio::awaitable<Result<>> serve();
    boost::asio::awaitable<Result<>> prepare();
    boost::asio::awaitable<Result<>> load_manifests();
    void observe_runtime();
    Result<std::unique_ptr<Service>> make_service(const ImageConfig& image) const;
    // False where one failed.
    boost::asio::awaitable<bool> build_all();
    void spawn(boost::asio::awaitable<void> task, std::string what);
    [[nodiscard]] images::BuildTools tools() const;

    // Steps of this machine (steps.cpp)
    Result<> open_steps();
    boost::asio::awaitable<Result<>> finish_steps();
    boost::asio::awaitable<void> stop_steps();
    void take_into_steps(Batch& batch, const std::vector<std::filesystem::path>& roots);
    boost::asio::awaitable<void> run_steps();
    [[nodiscard]] bool is_beside_steps(const std::filesystem::path& folder) const;
    [[nodiscard]] bool is_read_by_steps(const std::string& path) const;

    // Deployment (deploy.cpp)
    void want_deployment();
    boost::asio::awaitable<void> deployer();
    boost::asio::awaitable<Result<>> deploy();
    // Waits for what the others of the step wait for, or for all; ends where a newer deployment begins.
    boost::asio::awaitable<void> follow_deployment(std::uint64_t number, Rollout::Step step,
                                                   std::chrono::steady_clock::time_point started);
    boost::asio::awaitable<bool> wait_for_dependencies(std::uint64_t number,
                                                       const std::set<std::string>& ids);
    void end_deployment(Result<> outcome);
    Result<k8s::InjectOptions> inject_options();
    [[nodiscard]] std::vector<ExtraPort> extra_ports(const Rollout::Step& step) const;
    // Makes the sessions those of pods_, each with the services whose image it runs.
    void adopt();
    // False where the time is over, or somebody stops or deploys anew.
    boost::asio::awaitable<bool> wait_until_current(std::uint64_t number);
    void report_ports();
    std::map<std::string, Service*> services_of(const RunningPod& pod);

    // What is deployed from (reload.cpp)
    boost::asio::awaitable<void> watch_manifests();
    boost::asio::awaitable<void> take_manifests(std::string why);
    boost::asio::awaitable<void> watch_config();
    boost::asio::awaitable<void> take_config();
    // Brings the services to the images of `config`: those that are the same go on.
    Result<> replace_services(const Config& config);
    Result<> ask_owners();

    // Saves (saves.cpp)
    boost::asio::awaitable<void> watch_contexts();
    Result<Watcher> open_watcher();
    // For a loop that awaits: another configuration may come meanwhile, and retire some of them.
    [[nodiscard]] std::vector<Service*> services_now() const;
    boost::asio::awaitable<void> take_batch(Batch batch, std::vector<std::filesystem::path> roots);
    boost::asio::awaitable<bool> take_sources(Service& service, Touched touched);
    boost::asio::awaitable<bool> inputs_differ(const Service& service, const Touched& touched);
    boost::asio::awaitable<std::optional<RebuildCause>> find_rebuild(const Service& service,
                                                                     const Touched& touched);
    boost::asio::awaitable<void> give_back_memory();
    // A service of a workload whose builds wait for `synchost trigger`.
    [[nodiscard]] bool is_manual(const Service& service) const;
    // Leaves in `sources` what is synced all the same.
    void hold_rebuild(Service& service, const RebuildCause& cause, SourceSet& sources, const Batch& batch);
    void tell_ignored(const std::string& path, const std::set<const Service*>& settled, const Batch& batch,
                      IgnoredSaves& ignored);
    // The id of its ChangeRecord, of which nothing else is known yet.
    std::uint64_t announce(Service& service, const std::vector<std::string>& sources, const Batch& batch);
    void on_outcome(const SyncOutcome& outcome);
    void on_listening(const Listening& listening);
    // Once all that its change has started takes connections.
    void tell_serving(const Service& service, std::uint64_t change);
    // Prints the saves that all containers of the service have by now.
    void settle(const Service& service);
    [[nodiscard]] std::size_t containers_of(const Service& service) const;
    void notify_sessions(const Service& service);

    // What a person asks for (commands.cpp)
    [[nodiscard]] bool waits(const Service& service) const;
    // Looks at all that was saved while the service waited, as after lost events.
    boost::asio::awaitable<void> take_up(Service& service);
    [[nodiscard]] std::set<const Service*> those_that_wait() const;
    // Does it to each, tells it, and lets the services go on that need not wait any more.
    void change_as_asked(const std::vector<std::string>& workloads, const char* verb, const char* text,
                         const std::function<void(const std::string& workload)>& change);
    // Notes what was saved of a service that waits.
    void hold_saves(Service& service, const Touched& touched);

    // What becomes of saves and builds, for others (changes.cpp)
    [[nodiscard]] ChangeRecord new_change(const Service& service, SaveKind kind,
                                          std::chrono::steady_clock::time_point first_event) const;
    std::uint64_t add_change(ChangeRecord change);
    void edit_change(std::uint64_t id, const std::function<void(ChangeRecord&)>& edit);
    void describe_sync(const Service& service, protocol::GenerationId generation, std::uint64_t change,
                       const std::vector<std::string>& sources, std::vector<std::string> files,
                       std::size_t file_count);
    void finish_sync(const Pending& pending, std::size_t containers);
    void fail_sync(const SyncOutcome& outcome);
    // In place of the one before, which goes with it.
    void note_rebuild(Service& service, const std::vector<std::string>& sources, std::string reason,
                      std::optional<std::chrono::steady_clock::time_point> first_event = {});
    // Its image is there, or needs no deployment.
    void finish_rebuild(Service& service, bool is_deployed);
    void fail_rebuild(Service& service, const Error& error);
    void settle_rebuilds(const Result<>& deployment);
    void release_held_changes(Service& service);
    // Of a service that is retired: nothing comes of what still waits.
    void give_up_changes(Service& service);
    std::uint64_t begin_build(Service& service);
    // `steps` are for one that failed.
    void end_build(Service& service, const Result<BuildOutcome>& outcome,
                   const std::vector<images::ExplainedStep>& steps, bool is_unchanged);

    // Rebuilds (rebuild.cpp)
    boost::asio::awaitable<void> sign_large_files(Service& service);
    boost::asio::awaitable<void> prune_registry(Service& service);
    // Begins a build, or has the one that is under way begin again.
    void want_build(Service& service);
    boost::asio::awaitable<void> rebuild(Service& service);
    // The first build of this run, unless an earlier run's image can be gone on with.
    boost::asio::awaitable<Result<>> bring_up(Service& service);
    // Builds until nothing that it reads was saved meanwhile; tells what fails. cancelled where the engine
    // stops or the service is retired.
    boost::asio::awaitable<Result<>> build_until_settled(Service& service);
    // cancelled where it was ended for a newer one.
    boost::asio::awaitable<Result<>> build(Service& service);
    // True where an earlier run left an image that differs from a build by nothing but what is synced.
    boost::asio::awaitable<bool> go_on_with_kept_image(Service& service);
    void keep(KeptImage kept, const BuildOutcome& built, const Survey& tree,
              const std::string& image_name) const;
    boost::asio::awaitable<void> catch_up(Service& service);
    void drop_sessions(const Service& service);

    // Services as others see them (services_status.cpp)
    boost::asio::awaitable<void> tell_state_changes();
    [[nodiscard]] std::vector<ServiceStatus> service_statuses(const std::vector<PodStatus>& pods) const;
    void take_all_pods(std::vector<PodSummary> pods);

    // For whoever shows what is going on (live.cpp)
    void observe_build(const Service& service, std::uint64_t build, images::BuildTools& tools);

    // Status (status.cpp)
    [[nodiscard]] bool is_deploying() const;
    void note_error(const SyncOutcome& outcome);
    boost::asio::awaitable<std::optional<Verification>> equals(Service& service, protocol::TreeDigest digest);
    boost::asio::awaitable<Verification> verify(std::shared_ptr<PodSession> session, std::string container);

    boost::asio::io_context& io_;
    EngineParts parts_;
    LogIntake log_intake_;
    boost::asio::thread_pool pool_;
    boost::asio::thread_pool builders_;  // as many builds at a time as it has threads
    Signal changed_;                     // stop_, tasks_, fatal_ or a session's state
    bool gives_back_ = false;            // memory, soon
    Signal stopping_;                    // stop_, for those whom a session's state does not concern
    Signal reconfigured_;                // stop_, or what is watched
    bool stop_ = false;
    bool rewatch_ = false;  // an ignore file changed: the folders to watch are others
    std::size_t tasks_ = 0;
    std::optional<Error> fatal_;
    std::shared_ptr<StepRunner> steps_;     // none where synchost.yaml has none
    std::filesystem::path project_folder_;  // while there are steps; without symlinks
    std::set<std::string> held_saves_;      // below it, until the steps that write them have ended
    std::vector<k8s::Manifest> manifests_;  // of the workloads that were asked for
    Rollout rollout_;                       // of these
    std::vector<k8s::SourceFolder> manifest_sources_;
    RegistryAddress registry_;
    std::string agent_image_;
    std::map<std::string, WorkloadFacts> facts_;  // of all manifests
    std::vector<RunningPod> pods_;                // as the runtime told last, as are the next three
    std::vector<PodSummary> all_pods_;
    std::map<std::string, Error> problems_;  // by subject
    std::vector<ForwardedPort> ports_;
    std::set<std::string> paused_;    // workloads
    mutable StateTimes state_times_;  // whoever looks sees a change first
    std::uint64_t deployments_ = 0;
    bool may_deploy_ = false;          // the first builds have ended
    bool deployment_wanted_ = false;   // from the next look of the deployer on
    bool deployment_ended_ = true;     // the last one is there, or has failed
    std::optional<Result<>> outcome_;  // of the first deployment
    std::string held_told_;            // of the deployment before
    std::shared_ptr<delta::SignatureCache> signatures_;
    std::vector<std::unique_ptr<Service>> services_;
    // Those whose image synchost.yaml no longer has, or has otherwise: tasks may still look at them.
    std::vector<std::unique_ptr<Service>> retired_;
    std::vector<std::shared_ptr<PodSession>> sessions_;
    AsyncLock deploying_;  // the runtime takes one call at a time
    std::map<std::pair<const Service*, protocol::GenerationId>, Pending> pending_;
    std::map<std::string, Started> started_;  // by pod/container
    ChangeLog changes_;
    BuildLog builds_;
    std::map<std::string, Error> last_errors_;  // of pod/container, until a generation is applied
};

}  // namespace synchost::host
