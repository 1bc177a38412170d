// The part of the engine that says how things are, and looks into the pods for it.
#include <unistd.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

#include "base/on_pool.hpp"
#include "host/engine/engine.hpp"
#include "host/engine/verify.hpp"

namespace synchost::host {
namespace {

// A save under way shows as a difference that is gone a moment later.
constexpr int kAttempts = 4;
constexpr std::chrono::milliseconds kBetweenAttempts{250};

Verification unknown(std::string why) {
    Verification out;
    out.problem = std::move(why);
    return out;
}

}  // namespace

// An image that was built, and whose build begins anew before it is deployed, is on its way as well.
bool Engine::is_deploying() const {
    const auto waits = [](const auto& service) { return service->undeployed; };
    return !deployment_ended_ || (may_deploy_ && std::ranges::any_of(services_, waits));
}

Status Engine::status() const {
    Status out{.version = SYNCHOST_VERSION,
               .project = parts_.config.name,
               .folder = parts_.config.file.parent_path().native(),
               .pid = ::getpid(),
               .runtime = parts_.runtime->description(),
               .deploying = is_deploying(),
               .images = {},
               .pods = {},
               .services = {}};
    for (const auto& service : services_) {
        out.images.push_back({.name = service->name,
                              .digest = service->built ? service->image.digest.to_string() : "",
                              .generation = std::to_underlying(service->mirror.generation()),
                              .paths = service->mirror.nodes().size(),
                              .building = service->building,
                              .build_failed = service->build_failed});
    }
    for (const auto& session : sessions_) {
        PodStatus pod = session->status();
        for (ContainerStatus& container : pod.containers) {
            const auto error = last_errors_.find(pod.name + "/" + container.name);
            if (error == last_errors_.end()) continue;
            container.last_error = error->second.message;
            container.next_step = error->second.next_step;
        }
        out.pods.push_back(std::move(pod));
    }
    out.services = service_statuses(out.pods);
    return out;
}

void Engine::note_error(const SyncOutcome& outcome) {
    const std::string container = outcome.pod + "/" + outcome.container;
    if (!outcome.applied) {
        last_errors_[container] = outcome.applied.error();
    } else if (outcome.applied->after) {
        last_errors_[container] = *outcome.applied->after;  // the files are in place all the same
    } else {
        last_errors_.erase(container);
    }
}

// Nothing where it is another digest, or one of another generation.
boost::asio::awaitable<std::optional<Verification>> Engine::equals(Service& service,
                                                                   protocol::TreeDigest digest) {
    const auto guard = co_await service.lock.acquire();
    service.mirror.learn(service.contents->take_notes());
    if (digest.id != service.mirror.generation()) co_return std::nullopt;
    const auto paths = co_await on_pool(pool_, [&]() -> Result<std::size_t> {
        TRY_ASSIGN(const auto expected, expected_paths(service.mirror, *service.index));
        if (digest_of(expected, service.mirror.managed_paths(), digest.id) != digest)
            return fail(Errc::conflict, "differs");
        return expected.size();
    });
    if (!paths) co_return std::nullopt;
    co_return Verification{.paths = *paths};
}

boost::asio::awaitable<Verification> Engine::verify(std::shared_ptr<PodSession> session,
                                                    std::string container) {
    boost::asio::steady_timer pause(io_);
    Verification last = unknown("the container is not current");
    for (int attempt = 0; attempt < kAttempts && !stop_; ++attempt) {
        if (attempt > 0) {
            pause.expires_after(kBetweenAttempts);
            co_await pause.async_wait(boost::asio::use_awaitable);
        }
        // One number first: most containers hold exactly the tree.
        if (const auto digest = co_await session->digest(container)) {
            if (auto equal = co_await equals(session->service_of(container), *digest)) co_return *equal;
        }
        const auto inventory = co_await session->inventory(container);
        if (!inventory) {
            last = unknown(inventory.error().message);
            continue;
        }
        Service& service = session->service_of(container);
        const auto guard = co_await service.lock.acquire();
        service.mirror.learn(service.contents->take_notes());
        if (inventory->id != service.mirror.generation()) {
            last = unknown("the container is not current");
            continue;
        }
        const auto compared = co_await on_pool(pool_, [&]() -> Result<Verification> {
            TRY_ASSIGN(const auto expected, expected_paths(service.mirror, *service.index));
            return compare_inventory(*inventory, expected);
        });
        last = compared ? *compared : unknown(compared.error().message);
        if (last.equal()) break;
    }
    co_return last;
}

boost::asio::awaitable<Status> Engine::verified_status() {
    // All containers at once: a slow pod delays no other.
    std::map<std::string, Verification> verified;
    std::size_t left = 0;
    Signal done(io_.get_executor());
    auto verify_one = [&](std::shared_ptr<PodSession> session,
                          std::string container) -> boost::asio::awaitable<void> {
        const std::string key = session->pod().name + "/" + container;
        verified[key] = co_await verify(std::move(session), container);
        --left;
        done.notify();
    };
    const auto sessions = sessions_;
    for (const auto& session : sessions) {
        for (const ContainerStatus& container : session->status().containers) {
            ++left;
            spawn(verify_one(session, container.name), "the verification of " + container.name);
        }
    }
    while (left > 0) co_await done.wait();
    Status out = status();
    for (PodStatus& pod : out.pods) {
        for (ContainerStatus& container : pod.containers) {
            const auto found = verified.find(pod.name + "/" + container.name);
            container.verified =
                found == verified.end() ? unknown("the pod is new: ask again") : std::move(found->second);
        }
    }
    co_return out;
}

}  // namespace synchost::host
