// The part of the engine that does what a person asks a running watch for: restart these processes, build
// these images anew.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

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
