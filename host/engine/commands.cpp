// The part of the engine that does what a person asks a running watch for: restart these processes, build
// these images anew.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/on_pool.hpp"
#include "base/rel_path.hpp"
#include "host/engine/engine.hpp"

namespace synchost::host {
namespace {

bool is_named(const std::vector<std::string>& workloads, const std::string& workload) {
    return std::ranges::find(workloads, workload) != workloads.end();
}

std::unexpected<Error> none_of_ours(const std::vector<std::string>& workloads, const char* what) {
    return fail(Errc::unsupported, printable(listed(workloads)) + " has no " + what,
                "synchost status lists what this watch keeps live.");
}

}  // namespace

std::vector<ServiceEntry> Engine::service_entries() const {
    std::vector<ServiceEntry> out;
    for (const Workload& workload : rollout_.workloads())
        out.push_back({.workload = workload.id, .name = workload.name, .images = workload.images});
    return out;
}

boost::asio::awaitable<Result<RestartOutcome>> Engine::restart_services(std::vector<std::string> workloads) {
    const auto started = std::chrono::steady_clock::now();
    std::size_t left = 0;
    std::size_t all = 0;
    std::optional<Error> failure;
    Signal done(io_.get_executor());
    auto restart_one = [&](std::shared_ptr<PodSession> session,
                           std::string container) -> boost::asio::awaitable<void> {
        auto restarted = co_await session->restart(container);
        if (!restarted && !failure)
            failure = std::move(restarted.error()).context(session->pod().name + "/" + container);
        --left;
        done.notify();
    };
    const auto sessions = sessions_;
    for (const auto& session : sessions) {
        if (!is_named(workloads, session->pod().workload)) continue;
        for (const ContainerStatus& container : session->status().containers) {
            ++left;
            ++all;
            spawn(restart_one(session, container.name), "the restart of " + container.name);
        }
    }
    if (all == 0) co_return none_of_ours(workloads, "container that can be restarted now");
    while (left > 0) co_await done.wait();
    if (failure) co_return std::unexpected(*std::move(failure));
    const auto took = std::chrono::steady_clock::now() - started;
    parts_.reporter->line(Tone::good, "restart", listed(workloads),
                          fmt::format("as asked: {} in {}", counted(all, "container"), human(took)));
    co_return RestartOutcome{all, std::chrono::round<std::chrono::milliseconds>(took)};
}

bool Engine::waits(const Service& service) const {
    if (paused_.empty() && !rollout_.stops_any()) return false;
    bool runs_it = false;
    for (const Workload& workload : rollout_.workloads()) {
        if (!is_named(workload.images, service.name)) continue;
        if (!paused_.contains(workload.id) && !rollout_.is_stopped(workload.id)) return false;
        runs_it = true;
    }
    return runs_it;
}

std::set<const Service*> Engine::those_that_wait() const {
    std::set<const Service*> out;
    for (const auto& service : services_) {
        if (waits(*service)) out.insert(service.get());
    }
    return out;
}

void Engine::change_as_asked(const std::vector<std::string>& workloads, const char* verb, const char* text,
                             const std::function<void(const std::string& workload)>& change) {
    const auto waited = those_that_wait();
    std::ranges::for_each(workloads, change);
    parts_.reporter->line(Tone::plain, verb, listed(workloads), text);
    for (const auto& service : services_) {
        if (waited.contains(service.get()) && !waits(*service))
            spawn(take_up(*service), "taking up the saves of " + service->name);
    }
    changed_.notify();
}

Result<> Engine::set_paused(const std::vector<std::string>& workloads, bool paused) {
    const auto has_image = [&](const Workload& workload) {
        return is_named(workloads, workload.id) && !workload.images.empty();
    };
    if (std::ranges::none_of(rollout_.workloads(), has_image))
        return none_of_ours(workloads, "image that is kept live");
    if (paused) {
        change_as_asked(workloads, "paused", "as asked: saves wait",
                        [this](const std::string& id) { paused_.insert(id); });
    } else {
        change_as_asked(workloads, "resumed", "as asked",
                        [this](const std::string& id) { paused_.erase(id); });
    }
    return {};
}

Result<> Engine::set_stopped(const std::vector<std::string>& workloads, bool stopped) {
    if (stopped) {
        change_as_asked(workloads, "stopped", "as asked: its pods are taken away",
                        [this](const std::string& id) { rollout_.stop(id); });
    } else {
        change_as_asked(workloads, "started", "as asked",
                        [this](const std::string& id) { rollout_.start(id); });
    }
    want_deployment();
    return {};
}

boost::asio::awaitable<Result<ServiceDetail>> Engine::describe(std::string workload) {
    auto told = co_await on_pool(pool_, [&] { return parts_.runtime->describe({workload}); });
    ServiceDetail out;
    for (ServiceStatus& one : status().services) {
        if (one.workload == workload) out.service = std::move(one);
    }
    if (out.service.workload.empty())
        co_return fail(Errc::not_found, "there is no " + printable(workload) + " any more");
    if (!told) {
        out.pods_problem = told.error().message;
        co_return out;
    }
    out.pods = std::move(told->pods);
    out.pods_problem = std::move(told->problem);
    co_return out;
}

boost::asio::awaitable<Result<std::vector<TriggerOutcome>>> Engine::trigger_services(
    std::vector<std::string> workloads) {
    std::vector<std::string> images;
    for (const ServiceEntry& entry : service_entries()) {
        if (!is_named(workloads, entry.workload)) continue;
        images.insert(images.end(), entry.images.begin(), entry.images.end());
    }
    struct Asked {
        Service* service;
        std::string digest;  // before
    };
    std::vector<Asked> asked;
    for (const auto& service : services_) {
        if (!is_named(images, service->name)) continue;
        asked.push_back({service.get(), service->built ? service->image.digest.to_string() : ""});
        parts_.reporter->line(Tone::plain, "rebuild", service->name, "as asked");
        note_rebuild(*service, {}, "it was asked for");
        want_build(*service);
    }
    if (asked.empty()) co_return none_of_ours(workloads, "image that is built here");
    const auto is_building = [](const Asked& one) {
        return one.service->building || one.service->build_again;
    };
    while (!stop_ && std::ranges::any_of(asked, is_building)) co_await changed_.wait();
    if (stop_) co_return fail(Errc::cancelled, "the watch is being stopped");
    std::vector<TriggerOutcome> out;
    for (const Asked& one : asked) {
        const bool is_same = one.service->built && one.service->image.digest.to_string() == one.digest;
        out.push_back({one.service->name, one.service->build_failed ? "failed"
                                          : is_same                 ? "unchanged"
                                                                    : "built"});
    }
    co_return out;
}

}  // namespace synchost::host
