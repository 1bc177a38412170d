#include "host/runtime/kubernetes/deployer.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <ranges>
#include <utility>

#include "host/runtime/json_fields.hpp"
#include "k8s/cluster/rollout.hpp"

namespace synchost::host::kubernetes {

namespace asio = boost::asio;
using k8s::Json;
using k8s::Manifest;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kLook{500};  // at a rollout, where no pod changes meanwhile
constexpr std::chrono::milliseconds kLookForEnd{100};
constexpr std::chrono::seconds kTell{10};
constexpr std::chrono::minutes kRolloutTime{5};
constexpr std::chrono::seconds kBeforeHopeless{2};
constexpr std::chrono::seconds kGoneTime{60};

std::unexpected<Error> interrupted() {
    return fail(Errc::cancelled, "stopped");
}

// A Job runs to its own end, however long that takes.
bool is_waited_for(const std::string& kind) {
    return kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "ReplicaSet" ||
           kind == "Pod";
}

std::string counted_objects(const Record& record) {
    return std::to_string(record.objects.size()) + (record.objects.size() == 1 ? " object" : " objects");
}

bool is_immutable(const std::string& kind) {
    return kind == "Job" || kind == "Pod";
}

}  // namespace

Deployer::Deployer(std::shared_ptr<k8s::ApiClient> client, PodBook& pods, std::string project,
                   std::string namespace_name, std::filesystem::path record_file, Note note)
    : client_(std::move(client)),
      pods_(pods),
      project_(std::move(project)),
      namespace_name_(std::move(namespace_name)),
      record_file_(std::move(record_file)),
      note_(std::move(note)),
      record_(Record::load(record_file_)) {
    // Paths of another cluster mean nothing here.
    if (record_.server != client_->transport().server() && !record_.objects.empty())
        left_elsewhere_ = record_;
    if (record_.server != client_->transport().server())
        record_ = {.server = client_->transport().server(), .objects = {}};
}

Result<> Deployer::save() const {
    return record_.save(record_file_);
}

void Deployer::interrupt() {
    interrupted_ = true;
    pods_.changed().notify();
}

asio::awaitable<Result<>> Deployer::apply(std::vector<Manifest> manifests) {
    ++round_;
    pods_.changed().notify();
    workloads_.clear();
    if (const auto left = std::exchange(left_elsewhere_, {}); !left.objects.empty())
        note_(project_, counted_objects(left) + " that an earlier run applied to " + left.server +
                            " are there still, unless somebody took them away");
    std::set<std::string> wanted;
    for (const Manifest& manifest : manifests) {
        if (interrupted_) co_return interrupted();
        auto done = co_await apply_one(manifest, wanted);
        if (!done) co_return std::unexpected(std::move(done.error()).context(manifest.source));
    }
    std::vector<std::string> gone;
    for (const auto& [path, object] : record_.objects) {
        if (!wanted.contains(path)) gone.push_back(path);
    }
    for (const std::string& path : gone) CO_TRY(co_await remove(path));
    co_return save();
}

asio::awaitable<Result<>> Deployer::apply_one(const Manifest& manifest, std::set<std::string>& wanted) {
    Json object = manifest.object;
    const std::string kind = text(object, "kind");
    CO_TRY_ASSIGN(const k8s::ResourceType type, co_await client_->resource(text(object, "apiVersion"), kind));
    Json& metadata = object["metadata"];
    const std::string name = text(metadata, "name");
    if (type.namespaced && text(metadata, "namespace").empty()) metadata["namespace"] = namespace_name_;
    const std::string space = type.namespaced ? text(metadata, "namespace") : "";
    const std::string path = k8s::resource_path(type, space, name);
    wanted.insert(path);
    CO_TRY(co_await note_owner(path, kind));
    if (k8s::pod_template(manifest) != nullptr) pods_.follow(space);

    auto applied = co_await client_->apply(path, object);
    // Who scales the workload, a person or an autoscaler, goes on doing so.
    if (!applied && applied.error().code == Errc::conflict && field(object, "spec").contains("replicas")) {
        object["spec"].erase("replicas");
        applied = co_await client_->apply(path, object);
        if (applied) note_(kind + "/" + name, "somebody else scales it: spec.replicas is left alone");
    }
    const bool ours = !record_.objects.at(path).foreign;
    if (!applied && applied.error().code == Errc::invalid_input && is_immutable(kind) && ours &&
        !record_.objects.at(path).uid.empty()) {
        note_(kind + "/" + name, "replaced: it cannot be changed in place");
        applied = co_await replace(path, std::move(object));
    }
    if (!applied) co_return std::unexpected(std::move(applied.error()));
    record_.objects[path].uid = text(field(*applied, "metadata"), "uid");
    if (is_waited_for(kind)) workloads_.push_back({path, kind + "/" + name});
    co_return save();
}

// Writes the object down before it is made: as ours, unless it is there already and not marked as ours.
asio::awaitable<Result<>> Deployer::note_owner(const std::string& path, const std::string& kind) {
    if (record_.objects.contains(path)) co_return Result<>{};
    AppliedObject entry{.kind = kind, .uid = {}};
    const auto existing = co_await client_->get(path);
    if (!existing && existing.error().code != Errc::not_found) co_return std::unexpected(existing.error());
    if (existing) {
        const Json& metadata = field(*existing, "metadata");
        entry.uid = text(metadata, "uid");
        entry.foreign = text(field(metadata, "labels"), kProjectLabel) != project_;
        if (entry.foreign)
            note_(kind + "/" + text(metadata, "name"),
                  "was in the cluster before; it is changed, and stays there at the end");
    }
    record_.objects[path] = entry;
    co_return save();
}

asio::awaitable<Result<Json>> Deployer::replace(std::string path, Json object) {
    CO_TRY(co_await client_->remove(path, record_.objects.at(path).uid, k8s::Propagation::foreground));
    CO_TRY(co_await wait_until_gone(path));
    co_return co_await client_->apply(path, std::move(object));
}

asio::awaitable<Result<>> Deployer::wait_until_gone(std::string path) {
    const auto deadline = Clock::now() + kGoneTime;
    for (;;) {
        const auto there = co_await client_->get(path);
        if (!there && there.error().code == Errc::not_found) co_return Result<>{};
        if (!there) co_return std::unexpected(there.error());
        if (Clock::now() > deadline)
            co_return fail(Errc::timeout, path + " is still there after 60 s",
                           "Look at its finalizers: kubectl get " + path + " -o yaml");
        CO_TRY(co_await client_->transport().pause(kLookForEnd));
    }
}

asio::awaitable<Result<>> Deployer::remove(std::string path) {
    const AppliedObject entry = record_.objects.at(path);
    if (!entry.foreign) {
        std::string uid = entry.uid;
        if (uid.empty()) {
            // Cut off between the note and the answer: ours only where it carries our mark.
            const auto there = co_await client_->get(path);
            const Json metadata = there ? field(*there, "metadata") : Json();
            if (text(field(metadata, "labels"), kProjectLabel) == project_) uid = text(metadata, "uid");
        }
        if (!uid.empty()) {
            auto removed = co_await client_->remove(path, uid, k8s::Propagation::background);
            // Another object has the name by now: not ours.
            if (!removed && removed.error().code != Errc::conflict) co_return removed;
        }
    }
    record_.objects.erase(path);
    co_return save();
}

asio::awaitable<Result<>> Deployer::remove_all() {
    interrupt();
    // Namespaces last, what runs first: pods end before what they use goes.
    const auto rank = [](const std::string& kind) {
        if (kind == "Namespace" || kind == "CustomResourceDefinition") return 2;
        return is_waited_for(kind) || kind == "Job" || kind == "CronJob" ? 0 : 1;
    };
    Result<> outcome;
    for (int now = 0; now < 3; ++now) {
        std::vector<std::string> paths;
        for (const auto& [path, object] : record_.objects) {
            if (rank(object.kind) == now) paths.push_back(path);
        }
        for (const std::string& path : paths) {
            auto removed = co_await remove(path);
            if (removed) continue;
            const bool unreachable =
                removed.error().code == Errc::cluster || removed.error().code == Errc::timeout;
            Error error = std::move(removed.error()).hint("Take the rest away later: synchost down");
            if (unreachable) co_return std::unexpected(std::move(error));
            if (outcome) outcome = std::unexpected(std::move(error));
        }
        if (now == 0) co_await wait_for_end_of_pods();
    }
    co_return outcome;
}

asio::awaitable<void> Deployer::wait_for_end_of_pods() {
    const auto deadline = Clock::now() + kGoneTime;
    while (!pods_.pods().empty() && Clock::now() < deadline) co_await pods_.changed().wait_until(deadline);
    if (!pods_.pods().empty())
        note_(project_,
              std::to_string(pods_.pods().size()) + " of its pods still end; the cluster goes on with it");
}

asio::awaitable<Result<>> Deployer::wait_until_ready(std::set<std::string> workloads) {
    const std::uint64_t round = round_;
    const auto deadline = Clock::now() + kRolloutTime;
    auto tell_at = Clock::now() + kTell;
    const auto started = Clock::now();
    std::vector<Workload> waiting = workloads_;
    std::erase_if(waiting, [&](const Workload& workload) {
        return !workloads.empty() && !workloads.contains(workload.shown);
    });
    while (!waiting.empty()) {
        std::string told;
        std::vector<Workload> still;
        for (const Workload& workload : waiting) {
            if (interrupted_) co_return interrupted();
            if (round != round_) co_return Result<>{};
            auto object = co_await client_->get(workload.path);
            if (!object && object.error().code == Errc::cancelled) co_return std::unexpected(object.error());
            const auto state = object ? k8s::rollout_state(*object)
                                      : k8s::RolloutState{.done = false, .text = object.error().message};
            if (state.done) continue;
            told += (told.empty() ? "" : "; ") + workload.shown + ": " + state.text;
            still.push_back(workload);
            if (!object || Clock::now() - started < kBeforeHopeless) continue;
            if (auto why = co_await hopeless(workload, *object)) co_return std::unexpected(*std::move(why));
        }
        waiting = std::move(still);
        if (waiting.empty()) break;
        if (Clock::now() > deadline)
            co_return fail(Errc::timeout, "not ready after 5 minutes: " + told,
                           "It is watched all the same; what is saved reaches the pods that run.");
        if (Clock::now() > tell_at) {
            note_(project_, "waiting for " + told);
            tell_at = Clock::now() + kTell;
        }
        co_await pods_.changed().wait_until(Clock::now() + kLook);
    }
    co_return Result<>{};
}

asio::awaitable<std::optional<Error>> Deployer::hopeless(const Workload& workload, const Json& object) {
    const auto as_error = [&](const k8s::PodProblem& problem) {
        return Error{Errc::cluster, workload.shown + ": " + problem.text, 0, problem.next_step};
    };
    if (const auto problem = k8s::workload_problem(object, {}); problem && problem->final)
        co_return as_error(*problem);
    std::vector<std::string> uids;
    for (const auto& [uid, view] : pods_.pods()) {
        if (view.workload == workload.shown && !view.ready && !view.ending) uids.push_back(uid);
    }
    for (const std::string& uid : uids) {
        const auto problem = co_await pods_.problem_of(uid);
        if (problem && problem->final) co_return as_error(*problem);
    }
    co_return std::nullopt;
}

}  // namespace synchost::host::kubernetes
