// The managed paths of one container with all that belongs to them: the staging areas, the generation that is
// in place, and the pod's own copy, which follows on a thread of its own. The thread exists once there is
// something to copy or to hash.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/apply/folders.hpp"
#include "agent/apply/kept_log.hpp"
#include "agent/apply/staging_area.hpp"
#include "agent/apply/transaction.hpp"
#include "base/error.hpp"
#include "protocol/generation.hpp"

namespace synchost::agent {

class ManagedTree {
  public:
    // `kept_folder` is on the pod's volume; a container without one (an older sidecar's) keeps no copy.
    ManagedTree(boost::asio::any_io_executor executor, const std::string& container,
                const std::vector<std::string>& roots, const std::filesystem::path& kept_folder);
    ~ManagedTree();
    ManagedTree(const ManagedTree&) = delete;
    ManagedTree& operator=(const ManagedTree&) = delete;

    // Before the app starts for the first time: ends what a killed supervisor left, and puts back what the
    // pod's copy has and a fresh layer lacks. Failures are logged: the host sends what is missing.
    void begin();

    [[nodiscard]] const std::vector<std::string>& roots() const { return folders_.roots(); }
    [[nodiscard]] protocol::GenerationId generation() const { return generation_; }

    [[nodiscard]] std::unique_ptr<Transaction> start(protocol::GenerationId id);
    Result<> commit(Transaction& transaction);
    // After commit(), whatever came of it, once the host has its answer: deletes what is old, and lets the
    // copy follow.
    void settle(std::unique_ptr<Transaction> transaction);

    // Entries of inventories as payloads of at most about 256 KiB each.
    boost::asio::awaitable<Result<std::vector<std::string>>> inventory();
    boost::asio::awaitable<Result<protocol::TreeDigest>> digest();

  private:
    boost::asio::thread_pool& pool();
    void restore();
    void keep_soon();
    void keep();
    void on_kept(protocol::GenerationId id, Result<> result);

    boost::asio::steady_timer keep_timer_;
    Folders folders_;
    StagingAreas areas_;
    KeptLog kept_;
    std::filesystem::path kept_folder_;
    bool keeps_ = false;    // there is a folder, and it was not given up
    bool gave_up_ = false;  // it failed: the folder is full, say
    // It has all that the files here were changed by. One that has not (this supervisor was killed before it
    // copied, and the files are still there) goes on without a number: it tells whose files are whose, and is
    // not restored.
    bool kept_is_whole_ = false;
    bool keeping_ = false;    // the thread copies
    bool in_commit_ = false;  // between commit() and settle()
    protocol::GenerationId generation_{};
    std::vector<KeptChange> to_keep_;
    std::vector<KeptChange> being_kept_;
    std::optional<boost::asio::thread_pool> pool_;
};

}  // namespace synchost::agent
