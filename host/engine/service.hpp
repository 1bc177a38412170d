// One image that `watch` keeps live: its plan, the image that was built last, and what its containers should
// hold. All state belongs to the io thread; what runs on the pool gets what it needs by value or const
// reference while the service's lock is held.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/signal.hpp"
#include "host/engine/contents.hpp"
#include "host/engine/mirror.hpp"
#include "host/link/outgoing_generation.hpp"
#include "host/plan/after.hpp"
#include "host/plan/config.hpp"
#include "host/plan/decision.hpp"
#include "host/tree/file_index.hpp"
#include "images/builder.hpp"
#include "images/image.hpp"

namespace synchost::host {

// Held across awaits, so that a build that ends and a save that comes in take turns. One waiter goes on per
// release.
class AsyncLock {
  public:
    explicit AsyncLock(const boost::asio::any_io_executor& executor) : freed_(executor) {}

    class Guard {
      public:
        explicit Guard(AsyncLock* lock) : lock_(lock) {}
        Guard(Guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
        Guard& operator=(Guard&&) = delete;
        ~Guard() {
            if (lock_ == nullptr) return;
            lock_->held_ = false;
            lock_->freed_.notify();
        }

      private:
        AsyncLock* lock_;
    };

    boost::asio::awaitable<Guard> acquire() {
        while (held_) co_await freed_.wait();
        held_ = true;
        co_return Guard(this);
    }

  private:
    bool held_ = false;
    Signal freed_;
};

// A generation that is read once and sent to every container that needs the same step.
class GenerationCache {
  public:
    [[nodiscard]] std::shared_ptr<const OutgoingGeneration> find(protocol::GenerationId from,
                                                                 protocol::GenerationId to) const {
        return from == from_ && to == to_ ? generation_ : nullptr;
    }
    void store(protocol::GenerationId from, protocol::GenerationId to,
               std::shared_ptr<const OutgoingGeneration> generation) {
        from_ = from;
        to_ = to;
        generation_ = std::move(generation);
    }
    void clear() { generation_.reset(); }

  private:
    protocol::GenerationId from_{};
    protocol::GenerationId to_{};
    std::shared_ptr<const OutgoingGeneration> generation_;
};

// A save that rebuilds, until its image is deployed: the newest alone.
struct OpenRebuild {
    std::uint64_t change = 0;  // ChangeRecord::id
    std::chrono::steady_clock::time_point first_event;
    std::chrono::steady_clock::time_point seen;
    std::chrono::steady_clock::time_point built;  // and pushed
    std::chrono::nanoseconds push_time{};
};

struct Service {
    Service(std::string image_name, registry::Reference pushed_to,
            const boost::asio::any_io_executor& executor)
        : name(std::move(image_name)), repository(std::move(pushed_to)), lock(executor) {}

    std::string name;    // of the image, as the manifests and synchost.yaml write it
    ImageConfig config;  // what it was made from
    images::BuildRequest request;
    std::optional<images::Owner> asked_owner;  // by the manifests; that of the request follows the image
    DecisionRules rules;
    registry::Reference repository;  // where its builds are pushed
    images::Image image;             // the last one that was built and pushed
    std::vector<Digest> pushed;      // by this run, oldest first; what became of older ones: prune_registry()
    std::string deployed_image;      // `image` as the manifests that were applied last pin it; or empty
    Mirror mirror;
    std::optional<FileIndex> index;      // of request.context; used on the pool, under the lock
    std::shared_ptr<Contents> contents;  // likewise, but by several threads
    GenerationCache generations;
    std::vector<AfterRule> after_rules;
    // What each generation asks for once its files are in place; the newest ones, see steps_after().
    std::map<protocol::GenerationId, std::vector<AfterApply>> after;
    std::set<std::string>
        numbered;    // containers, by pod uid and name, whose generations the mirror's log counts
    AsyncLock lock;  // mirror, image and touched_during_build

    // What is to follow when a container goes from one generation to a later one; a restart where an older
    // one's steps are forgotten. `earlier` come before them.
    [[nodiscard]] std::vector<AfterApply> steps_after(protocol::GenerationId from, protocol::GenerationId to,
                                                      std::vector<AfterApply> earlier = {}) const;
    // The same for what a comparison found that a container lacks.
    [[nodiscard]] std::vector<AfterApply> steps_of(const std::vector<Mirror::Changed>& lacks) const;
    void remember_after(protocol::GenerationId id, std::vector<AfterApply> steps);

    Xxh3 inputs;         // rebuild_inputs() of `image`
    bool built = false;  // `image` and `mirror` hold something
    // The image is an earlier run's, and the mirror begins with a later tree: a container that is at the
    // image, or at a number of that run, is compared before it is sent anything.
    bool image_is_older = false;
    std::set<std::string> gone_since_image;  // image paths; what the image has and that tree does not
    bool building = false;
    bool build_failed = false;                   // the last one; the tree cannot be read by its Dockerfile
    std::optional<Error> build_error;            // why it failed
    bool build_again = false;                    // something that rebuilds was saved during a build
    bool retired = false;                        // synchost.yaml has no such image any more
    bool undeployed = false;                     // `image` is newer than what was applied last
    bool files_signed = true;                    // the large ones, since the last build
    std::string build_cause;                     // of the next build; or empty
    std::uint64_t build = 0;                     // BuildRecord::id of the last one
    std::optional<OpenRebuild> open_rebuild;     // nothing where no save waits for a build or a deployment
    std::vector<std::uint64_t> held_changes;     // saves that wait for a trigger, by ChangeRecord::id
    std::vector<std::uint64_t> waiting_changes;  // likewise: until a workload is resumed, or started
    std::stop_source stop_build;                 // of the build that is under way
    std::set<std::string> touched_during_build;  // sources; what the build read of them is unknown
    std::set<std::string> read_by_failed_build;  // of these: another build would fail likewise
};

}  // namespace synchost::host
