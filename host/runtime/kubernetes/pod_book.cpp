#include "host/runtime/kubernetes/pod_book.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/runtime/kubernetes/pod_states.hpp"
#include "k8s/cluster/resource_names.hpp"

namespace synchost::host::kubernetes {

namespace asio = boost::asio;
using k8s::Json;

namespace {

// What a pod takes to start is no problem yet.
constexpr std::chrono::seconds kPatience{3};
constexpr std::chrono::seconds kPatienceWithProbes{20};  // an app that starts fails its probes meanwhile
constexpr std::chrono::seconds kLookAgain{2};
constexpr std::size_t kMostDescribed = 50;  // pods at once

}  // namespace

bool concerns_the_app(const k8s::PodProblem& problem) {
    return problem.container != kSidecarName || problem.reason != "Unhealthy";
}

PodBook::PodBook(asio::any_io_executor executor, std::shared_ptr<k8s::ApiClient> client, std::string project,
                 BookEvents events)
    : executor_(std::move(executor)),
      client_(std::move(client)),
      project_(std::move(project)),
      events_(std::move(events)),
      changed_(executor_) {}

void PodBook::follow(const std::string& namespace_name) {
    if (!namespaces_.insert(namespace_name).second) return;
    k8s::WatchHandler handler{
        .listed = [this,
                   namespace_name](std::vector<Json> pods) { replace(namespace_name, std::move(pods)); },
        .changed = [this](std::string_view type, Json pod) { change(type, std::move(pod)); },
        .trouble =
            [this](const Error& error) {
                events_.on_note("cluster",
                                "the watch of pods broke off (" + error.message + "); it goes on by itself");
            }};
    const std::string collection = "/api/v1/namespaces/" + k8s::percent_encoded(namespace_name) + "/pods";
    const std::string query =
        "labelSelector=" + k8s::percent_encoded(std::string(kProjectLabel) + "=" + project_);
    ++tasks_;
    asio::co_spawn(executor_, client_->watch(collection, query, std::move(handler)),
                   [this](const std::exception_ptr&) {
                       --tasks_;
                       changed_.notify();
                   });
}

void PodBook::replace(const std::string& namespace_name, std::vector<Json> pods) {
    std::set<std::string> there;
    for (Json& pod : pods) {
        PodView view = view_of(pod);
        there.insert(view.uid);
        objects_[view.uid] = std::move(pod);
        views_[view.uid] = std::move(view);
    }
    std::erase_if(views_, [&](const auto& item) {
        return item.second.namespace_name == namespace_name && !there.contains(item.first);
    });
    std::erase_if(objects_, [&](const auto& item) { return !views_.contains(item.first); });
    events_.on_change();
    changed_.notify();
}

void PodBook::change(std::string_view type, Json pod) {
    PodView view = view_of(pod);
    const std::string uid = view.uid;
    if (type == "DELETED") {
        views_.erase(uid);
        objects_.erase(uid);
    } else {
        objects_[uid] = std::move(pod);
        views_[uid] = std::move(view);
    }
    events_.on_change();
    changed_.notify();
}

asio::awaitable<Result<std::vector<Json>>> PodBook::events_of(std::string uid) {
    const auto found = views_.find(uid);
    if (found == views_.end()) co_return std::vector<Json>();
    const std::string target = "/api/v1/namespaces/" + k8s::percent_encoded(found->second.namespace_name) +
                               "/events?fieldSelector=" + k8s::percent_encoded("involvedObject.uid=" + uid) +
                               "&limit=100";
    CO_TRY_ASSIGN(const Json list, co_await client_->get(target));
    std::vector<Json> events;
    if (const auto items = list.find("items"); items != list.end() && items->is_array())
        events.assign(items->begin(), items->end());
    co_return events;
}

asio::awaitable<PodsDetail> PodBook::describe(std::set<std::string> workloads,
                                              std::chrono::steady_clock::time_point deadline) {
    using namespace asio::experimental::awaitable_operators;
    std::vector<std::string> uids;
    for (const auto& [uid, view] : views_) {
        if (workloads.contains(view.workload) && uids.size() < kMostDescribed) uids.push_back(uid);
    }
    PodsDetail out;
    for (const std::string& uid : uids) {
        std::vector<Json> events;
        if (out.problem.empty()) {
            asio::steady_timer timer(executor_, deadline);
            auto asked = co_await (events_of(uid) || timer.async_wait(asio::as_tuple(asio::use_awaitable)));
            if (asked.index() == 1) {
                out.problem = "the cluster did not tell the events of the pods in time";
            } else if (auto& told = std::get<0>(asked); told) {
                events = *std::move(told);
            } else {
                out.problem = "events of the pods: " + told.error().message;
            }
        }
        const auto object = objects_.find(uid);  // which may be gone by now
        if (object != objects_.end()) out.pods.push_back(pod_detail(object->second, events));
    }
    std::ranges::sort(out.pods, {}, &PodDetail::name);
    co_return out;
}

asio::awaitable<std::optional<k8s::PodProblem>> PodBook::problem_of(std::string uid) {
    auto told = co_await events_of(uid);
    const std::vector<Json> events = told ? *std::move(told) : std::vector<Json>();
    const auto object = objects_.find(uid);
    if (object == objects_.end()) co_return std::nullopt;
    auto problem = k8s::pod_problem(object->second, events);
    if (problem && !concerns_the_app(*problem)) co_return std::nullopt;
    co_return problem;
}

asio::awaitable<void> PodBook::tell_problems() {
    for (;;) {
        const auto now = std::chrono::steady_clock::now();
        std::vector<std::string> to_ask;
        for (const auto& [uid, view] : views_) {
            if (view.ready || view.ending) {
                unready_since_.erase(uid);
                told_.erase(uid);
            } else if (now - unready_since_.try_emplace(uid, now).first->second >= kPatience) {
                to_ask.push_back(uid);
            }
        }
        std::erase_if(unready_since_, [&](const auto& item) { return !views_.contains(item.first); });
        std::erase_if(told_, [&](const auto& item) { return !views_.contains(item.first); });
        for (const std::string& uid : to_ask) co_await tell_problem_of(uid);
        if (!co_await client_->transport().pause(kLookAgain)) co_return;
    }
}

asio::awaitable<void> PodBook::tell_problem_of(std::string uid) {
    const auto problem = co_await problem_of(uid);
    const auto view = views_.find(uid);
    if (!problem || view == views_.end() || view->second.ready) co_return;
    const auto unready_for = std::chrono::steady_clock::now() - unready_since_.at(uid);
    if (problem->reason == "Unhealthy" && unready_for < kPatienceWithProbes) co_return;
    // A text that only counts on ("restarted 4 times") is the same problem.
    std::string& told = told_[uid];
    const std::string now = problem->container + " " + problem->reason;
    if (std::exchange(told, now) == now) co_return;
    events_.on_problem(view->second.name, Error{Errc::cluster, problem->text, 0, problem->next_step});
}

}  // namespace synchost::host::kubernetes
