// A runtime of which only the scheduling is played: each workload has one pod of a real sidecar and a real
// supervisor, whose files are unpacked from the image that was pushed.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/engine/workloads.hpp"
#include "host/runtime/runtime.hpp"
#include "k8s/image_name.hpp"
#include "k8s/inject.hpp"
#include "support/agent_pod.hpp"

namespace synchost::host {

// What happened, in order; looked at by the test while the engine runs.
class PlayedPods {
  public:
    struct Applied {
        std::set<std::string> workloads;
        std::map<std::string, std::string> baked;  // by workload: baked.txt of its image
    };

    // Images lay a workload's files at root_of(workload).
    PlayedPods(std::filesystem::path folder, std::string registry)
        : folder_(std::move(folder)), registry_(std::move(registry)) {}

    [[nodiscard]] std::filesystem::path root_of(const std::string& name) const {
        return folder_ / "roots" / name;
    }
    [[nodiscard]] const std::string& registry() const { return registry_; }
    void set_key(const protocol::PskKey& key) { key_ = key; }
    // Before the first apply(): what runs in the pods takes connections, in a network of each pod's own.
    void run_servers() { runs_servers_ = true; }
    // What the process of a pod has printed so far; "" where there is none.
    [[nodiscard]] std::string said(const std::string& name) const {
        const std::scoped_lock lock(mutex_);
        const auto found = logs_.find(name);
        return found == logs_.end() ? "" : test::content_of(found->second);
    }
    [[nodiscard]] std::vector<Applied> applied() const {
        const std::scoped_lock lock(mutex_);
        return applied_;
    }
    [[nodiscard]] std::vector<ExtraPort> ports() const {
        const std::scoped_lock lock(mutex_);
        return ports_;
    }
    void end(const std::string& how) {
        const std::scoped_lock lock(mutex_);
        ended_by_ = how;
    }
    [[nodiscard]] std::string ended_by() const {
        const std::scoped_lock lock(mutex_);
        return ended_by_;
    }
    void tell_problems_to(std::function<void(const std::string&, const Error&)> tell) {
        tell_problem_ = std::move(tell);
    }
    // As a cluster tells it, while the engine runs.
    void tell_problem(const std::string& subject, const Error& error) const { tell_problem_(subject, error); }
    // wait_until_ready() says so of these, until they are taken out.
    void set_broken(std::set<std::string> workloads) {
        const std::scoped_lock lock(mutex_);
        broken_ = std::move(workloads);
    }

    Result<std::vector<RunningPod>> apply(const std::vector<k8s::Manifest>& manifests,
                                          const k8s::InjectOptions& options,
                                          const std::vector<ExtraPort>& ports) {
        Applied now;
        std::vector<RunningPod> out;
        for (const k8s::Manifest& manifest : manifests) {
            const k8s::Json* spec = k8s::pod_spec(manifest);
            if (spec == nullptr) continue;
            const std::string id = k8s::workload_name(manifest.object);
            const std::string name = id.substr(id.find('/') + 1);
            const std::string image = spec->at("containers").at(0).at("image").get<std::string>();
            now.workloads.insert(id);
            const auto built = options.images.find(image);
            if (built == options.images.end()) continue;  // somebody else's image
            Pod& pod = pods_[id];
            if (pod.image != built->second.pinned) TRY(replace(name, built->second.pinned, pod));
            now.baked[id] = pod.baked;
            out.push_back({.workload = id,
                           .name = name,
                           .id = std::to_string(pod.number),
                           .agent = UnixAddress{pod.parts->host_socket()},
                           .containers = {{"app", pod.image}}});
        }
        const std::scoped_lock lock(mutex_);
        applied_.push_back(std::move(now));
        ports_ = ports;
        return out;
    }
    [[nodiscard]] Result<> ready(const std::set<std::string>& asked) const {
        const std::scoped_lock lock(mutex_);
        for (const std::string& workload : broken_) {
            if (asked.empty() || asked.contains(workload))
                return fail(Errc::cluster, workload + " does not get ready");
        }
        return {};
    }

  private:
    struct Pod {
        std::unique_ptr<test::AgentPod> parts;
        std::string image;
        std::string baked;
        int number = 0;
    };

    Result<> replace(const std::string& name, const std::string& image, Pod& pod);

    std::filesystem::path folder_;
    std::string registry_;
    bool runs_servers_ = false;
    std::map<std::string, std::filesystem::path> logs_;  // by pod
    protocol::PskKey key_;
    std::map<std::string, Pod> pods_;  // on the engine's pool, one call at a time
    mutable std::mutex mutex_;
    std::vector<Applied> applied_;
    std::vector<ExtraPort> ports_;
    std::set<std::string> broken_;
    std::string ended_by_;
    std::function<void(const std::string&, const Error&)> tell_problem_;
};

class PlayedRuntime final : public Runtime {
  public:
    explicit PlayedRuntime(PlayedPods& pods) : pods_(pods) {}
    [[nodiscard]] std::string description() const override { return "played pods"; }
    void observe(RuntimeEvents events) override {
        events_ = std::move(events);
        pods_.tell_problems_to(events_.on_problem);
    }
    Result<RegistryAddress> registry() override {
        return RegistryAddress{pods_.registry(), pods_.registry()};
    }
    Result<> apply(const std::vector<k8s::Manifest>& manifests, const k8s::InjectOptions& options,
                   const std::vector<ExtraPort>& ports) override {
        TRY_ASSIGN(auto running, pods_.apply(manifests, options, ports));
        std::vector<PodSummary> all;
        const PlayedPods::Applied now = pods_.applied().back();
        for (const std::string& workload : now.workloads)
            all.push_back({.workload = workload,
                           .name = workload.substr(workload.find('/') + 1),
                           .ready = pods_.ready({workload}).has_value()});
        events_.on_all_pods(std::move(all));
        events_.on_pods(std::move(running));
        return {};
    }
    Result<> wait_until_ready(const std::set<std::string>& workloads) override {
        return pods_.ready(workloads);
    }
    Result<std::vector<ForwardedPort>> ports() override {
        std::vector<ForwardedPort> out;
        for (const ExtraPort& port : pods_.ports())
            out.push_back({.service = port.workload, .port = port.port, .local = port.port});
        return out;
    }
    Result<PodsDetail> describe(const std::set<std::string>& workloads) override {
        PodsDetail out;
        for (const std::string& workload : workloads)
            out.pods.push_back({.workload = workload, .name = workload, .phase = "Running", .ready = true});
        return out;
    }
    Result<> follow_logs(std::function<void(const LogLine&)>) override { return {}; }
    void interrupt() override {}
    Result<> down() override {
        pods_.end("down");
        return {};
    }
    Result<> leave() override {
        pods_.end("leave");
        return {};
    }

  private:
    PlayedPods& pods_;
    RuntimeEvents events_;
};

}  // namespace synchost::host
