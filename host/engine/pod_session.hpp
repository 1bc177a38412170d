// Keeps the wrapped containers of one pod at their images' newest generation: one link to the pod's agent,
// and for each container a loop that sends what it lacks, releases its process, and reports what came of it.
// A pod that is slow or away delays no other.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/signal.hpp"
#include "host/control/status.hpp"
#include "host/engine/reporter.hpp"
#include "host/engine/service.hpp"
#include "host/link/agent_link.hpp"
#include "host/runtime/runtime.hpp"

namespace synchost::host {

// What one container made of one generation.
struct SyncOutcome {
    std::string pod;
    std::string container;
    Service* service = nullptr;
    protocol::GenerationId generation{};
    Result<protocol::Applied> applied = fail(Errc::cancelled, "not sent");
    std::chrono::nanoseconds encode_time{};  // until its first frames were there
    std::chrono::steady_clock::time_point finished{};
    std::uint32_t start =
        0;  // the process that it has started, as ContainerReport counts; 0 where it has none
};

// A process that was started takes connections where the one before it did.
struct Listening {
    const Service* service = nullptr;
    std::string container;             // "pod/container"
    std::uint32_t start = 0;           // as ContainerReport counts
    std::chrono::microseconds time{};  // from that start on
};

class PodSession : public std::enable_shared_from_this<PodSession> {
  public:
    struct Shared {
        boost::asio::any_io_executor executor;
        boost::asio::thread_pool* pool = nullptr;
        std::filesystem::path spool_folder;  // for large generations on their way
        Reporter* reporter = nullptr;
        std::function<std::string(const std::string&)> mask;  // takes secrets out of an output
        std::function<void(const SyncOutcome&)> on_outcome;
        std::function<void(const Listening&)> on_listening;        // after the outcome that has started it
        std::function<void()> on_state;                            // current() may have changed
        std::function<void(const Service&)> on_renumbered;         // its mirror has skipped numbers
        std::function<std::size_t(const Service&)> containers_of;  // in all pods
    };

    // `services`: the image of each wrapped container, by container name; borrowed, they outlive the session.
    PodSession(Shared shared, RunningPod pod, std::map<std::string, Service*> services,
               const protocol::PskKey& key);

    void start();
    void stop();
    // A service has a newer generation: send it.
    void notify();
    [[nodiscard]] const RunningPod& pod() const { return pod_; }
    // True where these are its containers and their services.
    [[nodiscard]] bool serves(const std::map<std::string, Service*>& services) const;
    // How many of its containers run this service's image.
    [[nodiscard]] std::size_t count_of(const Service& service) const;
    // Their names as SyncOutcome has them: "pod/container".
    void add_containers_of(const Service& service, std::set<std::string>& names) const;
    // True once each container has run with the generation that its service is at.
    [[nodiscard]] bool current() const;

    // For others (pod_status.cpp)
    [[nodiscard]] PodStatus status() const;
    [[nodiscard]] Service& service_of(const std::string& container) const {
        return *containers_.at(container).service;
    }
    boost::asio::awaitable<Result<protocol::Inventory>> inventory(std::string container);
    boost::asio::awaitable<Result<protocol::TreeDigest>> digest(std::string container);
    boost::asio::awaitable<Result<>> restart(std::string container);

  private:
    // Of a container whose number was an earlier run's: it is brought to a number of this one, and gets what
    // a comparison found that it lacks, and nothing else.
    struct Lacking {
        protocol::GenerationId at{};  // the mirror's, when it was compared
        std::vector<Mirror::Changed> paths;
    };
    struct Container {
        Service* service = nullptr;
        std::optional<protocol::ContainerReport> report;
        protocol::GenerationId acknowledged{};
        protocol::GenerationId sent{};  // the newest when it was sent last; the number may skip on since
        std::optional<protocol::GenerationId>
            refused;  // the agent said no: not sent again until there is a newer one
        std::shared_ptr<const Lacking> lacking;  // set from a comparison until what it found has arrived
        GateOutcome gate = GateOutcome::unseen;
        bool whole_files = false;  // no differences: the last ones did not fit what lies there
        int busy_tries = 0;        // in a row, of a file that changed whenever it was read
    };

    void on_report(const protocol::ContainerReport& report);
    static void note_gate(Container& container, const protocol::ContainerReport& report);
    void tell_listening(const std::string& name, const Container& container);
    void tell_state(const std::string& name, const protocol::ContainerReport& now,
                    const std::optional<protocol::ContainerReport>& before);
    boost::asio::awaitable<void> keep_current(std::string name);
    // One step towards the newest generation; false where there is nothing to do now.
    boost::asio::awaitable<bool> advance(const std::string& name, Container& container);
    // What is to be done after an attempt that failed: true to try again at once.
    boost::asio::awaitable<bool> take_failure(Container& container, const SyncOutcome& outcome);
    boost::asio::awaitable<void> take_success(const std::string& name, Container& container,
                                              const SyncOutcome& outcome);
    boost::asio::awaitable<Result<std::shared_ptr<const OutgoingGeneration>>> next_generation(
        Container& container);
    // Whether nothing is known of what a container at this number has.
    [[nodiscard]] bool is_unknown(const std::string& name, const Container& container) const;
    // The container may be another one by now: it is compared again.
    void forget_comparison(const std::string& name, Container& container) const;
    boost::asio::awaitable<Result<>> compare_with_pod(const std::string& name, Container& container);

    Shared shared_;
    RunningPod pod_;
    std::map<std::string, Container> containers_;
    Signal changed_;
    bool stopped_ = false;
    bool was_connected_ = true;  // so that a first connection that fails is told
    AgentLink link_;
};

}  // namespace synchost::host
