// Layers on their way to a registry while they are still being made: a thread for each follows the file that
// the compressed bytes are written to.
//
//     tar ─▶ compression ─▶ file in the store ─▶ complete(digest)
//                             └─▶ thread: POST, PATCH, PATCH, … PUT ?digest=
//
// It is a head start and nothing more: each request is tried once, and what did not arrive is sent by push()
// like any other blob, with the error that it then has. A layer that is given up leaves an upload behind
// which the registry ends by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/digest.hpp"
#include "registry-client/client.hpp"
#include "registry-client/reference.hpp"
#include "registry-client/transfer.hpp"

namespace synchost::images {

class UploadAhead {
    struct Following;

  public:
    using Progress = std::function<void(const registry::BlobEvent&)>;

    // `registries` is borrowed; the blobs go to the repository of `target`.
    UploadAhead(const registry::Connector& registries, registry::Reference target);
    UploadAhead(const UploadAhead&) = delete;
    UploadAhead& operator=(const UploadAhead&) = delete;
    // Gives up what is under way.
    ~UploadAhead();

    // A blob that is being written. One that goes before it is complete is given up.
    class Blob {
      public:
        Blob(UploadAhead& owner, std::shared_ptr<Following> following);
        Blob(const Blob&) = delete;
        Blob& operator=(const Blob&) = delete;
        ~Blob();
        // The file has `size` bytes now, which stay as they are.
        void grown(std::uint64_t size);
        void complete(const Digest& digest);

      private:
        UploadAhead& owner_;
        std::shared_ptr<Following> following_;
    };
    // `fd` is a file that can be read while it is written; it is duplicated. By any thread.
    std::unique_ptr<Blob> begin(int fd);

    struct Sent {
        Digest digest;
        std::uint64_t size = 0;
    };
    // What another process sent to the same target: finish() says it too.
    void take(const std::vector<Sent>& sent);
    [[nodiscard]] const registry::Reference& target() const { return target_; }
    // Whether finish() would have to wait.
    [[nodiscard]] bool is_under_way();
    // Waits for the blobs that are complete, while nothing more begins, and says which of them the repository
    // has now. `progress`, which may be empty, is told of them the first time (TransferOptions::progress).
    std::vector<Sent> finish(const Progress& progress);

  private:
    void start(const std::shared_ptr<Following>& following);
    void follow(Following& following);
    void tell(const Following& following, registry::BlobStep step) const;

    const registry::Connector& registries_;
    const registry::Reference target_;
    std::mutex mutex_;  // of what follows, and of each Following
    bool stopped_ = false;
    Progress progress_;
    std::vector<std::shared_ptr<Following>> followings_;
    std::vector<std::jthread> threads_;
};

}  // namespace synchost::images
