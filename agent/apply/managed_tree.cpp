#include "agent/apply/managed_tree.hpp"

#include <malloc.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <unordered_set>
#include <utility>

#include "agent/apply/inventory.hpp"
#include "base/log.hpp"
#include "base/on_pool.hpp"
#include "protocol/messages.hpp"

namespace synchost::agent {

using protocol::ChangeKind;
using protocol::GenerationId;

namespace {

constexpr std::chrono::milliseconds kKeepAfter{50};  // bursts are copied together, and the app starts first
constexpr std::size_t kEntriesBytes = std::size_t{256} << 10;

// Whether memory is worth giving back: a whole folder may stand for any number of paths.
bool is_large(std::size_t changes, bool has_whole_folder) {
    return has_whole_folder || changes > 1000;
}

}  // namespace

ManagedTree::ManagedTree(boost::asio::any_io_executor executor, const std::string& container,
                         const std::vector<std::string>& roots, const std::filesystem::path& kept_folder)
    : keep_timer_(std::move(executor)),
      folders_(roots),
      areas_(folders_, container),
      kept_(kept_folder, roots),
      kept_folder_(kept_folder),
      keeps_(std::filesystem::is_directory(kept_folder)) {}

ManagedTree::~ManagedTree() {
    kept_.interrupt();
    if (pool_) pool_->join();
}

void ManagedTree::begin() {
    if (auto recovered = Transaction::recover(folders_, areas_); !recovered)
        log(LogLevel::error, "agent", "could not recover", {{"error", recovered.error().message}});
    generation_ = areas_.generation();
    const auto kept = keeps_ ? kept_.generation() : std::nullopt;
    if (kept && *kept > generation_) restore();
    if (generation_ == GenerationId{}) kept_.clear();
    kept_is_whole_ = generation_ == GenerationId{} || kept == generation_;
}

void ManagedTree::restore() {
    if (auto restored = kept_.restore(folders_, areas_); !restored) {
        log(LogLevel::error, "agent", "could not restore the pod's own copy",
            {{"error", restored.error().message}});
        return;
    }
    generation_ = areas_.generation();
    log(LogLevel::info, "agent", "restored the pod's own copy",
        {{"generation", std::to_underlying(generation_)}});
    ::malloc_trim(0);
}

std::unique_ptr<Transaction> ManagedTree::start(GenerationId id) {
    return std::make_unique<Transaction>(folders_, areas_, id);
}

Result<> ManagedTree::commit(Transaction& transaction) {
    in_commit_ = true;
    kept_.interrupt();
    TRY(transaction.commit());
    generation_ = transaction.id();
    // The sidecar makes the folder, and may have started after this supervisor.
    if (!keeps_ && !gave_up_) {
        keeps_ = std::filesystem::is_directory(kept_folder_);
        kept_is_whole_ = kept_is_whole_ && keeps_;
    }
    if (!keeps_) return {};
    // What is put and removed is there in the end.
    for (const bool removals : {true, false}) {
        for (const JournalItem& item : transaction.items()) {
            if ((item.kind == ChangeKind::remove) != removals) continue;
            const bool whole = item.kind == ChangeKind::make_folder && !item.staged.name.empty();
            to_keep_.push_back({item.kind, item.root, item.path, whole});
        }
    }
    return {};
}

void ManagedTree::settle(std::unique_ptr<Transaction> transaction) {
    const auto& items = transaction->items();
    const bool was_large =
        is_large(items.size(), std::ranges::any_of(items, [](const JournalItem& item) {
                     return item.kind == ChangeKind::make_folder && !item.staged.name.empty();
                 }));
    transaction.reset();
    if (was_large) ::malloc_trim(0);
    in_commit_ = false;
    if (!keeping_) keep_soon();
}

boost::asio::thread_pool& ManagedTree::pool() {
    if (!pool_) pool_.emplace(1);
    return *pool_;
}

void ManagedTree::keep_soon() {
    if (to_keep_.empty() || !keeps_) return;
    keep_timer_.expires_after(kKeepAfter);
    keep_timer_.async_wait([this](boost::system::error_code error) {
        if (!error) keep();
    });
}

void ManagedTree::keep() {
    if (keeping_ || in_commit_ || to_keep_.empty()) return;
    keeping_ = true;
    being_kept_ = std::exchange(to_keep_, {});
    kept_.allow();
    boost::asio::post(pool(), [this, id = kept_is_whole_ ? generation_ : GenerationId{}] {
        auto result = kept_.append(id, being_kept_);
        boost::asio::post(keep_timer_.get_executor(), [this, id, result = std::move(result)]() mutable {
            on_kept(id, std::move(result));
        });
    });
}

void ManagedTree::on_kept(GenerationId id, Result<> result) {
    keeping_ = false;
    std::vector<KeptChange> tried = std::exchange(being_kept_, {});
    if (!result && result.error().code == Errc::cancelled) {
        to_keep_.insert(to_keep_.begin(), std::make_move_iterator(tried.begin()),
                        std::make_move_iterator(tried.end()));
    } else if (!result) {
        keeps_ = false;
        gave_up_ = true;
        to_keep_.clear();
        log(LogLevel::warn, "agent", "the pod keeps no copy of its own: a restarted container needs the host",
            {{"generation", std::to_underlying(id)}, {"error", result.error().message}});
    }
    const bool was_large = is_large(tried.size(), std::ranges::any_of(tried, &KeptChange::whole));
    std::vector<KeptChange>().swap(tried);
    if (was_large) ::malloc_trim(0);
    if (!in_commit_) keep_soon();
}

boost::asio::awaitable<Result<std::vector<std::string>>> ManagedTree::inventory() {
    std::vector<KeptChange> pending = being_kept_;
    pending.insert(pending.end(), to_keep_.begin(), to_keep_.end());
    co_return co_await on_pool(pool(), [this, pending = std::move(pending)]() mutable {
        return list_with_owners(folders_.roots(), kept_, std::move(pending), kEntriesBytes);
    });
}

boost::asio::awaitable<Result<protocol::TreeDigest>> ManagedTree::digest() {
    const GenerationId id = generation_;
    co_return co_await on_pool(pool(), [this, id]() -> Result<protocol::TreeDigest> {
        Folders folders(folders_.roots());
        protocol::TreeDigest digest{.id = id};
        TRY(take_inventory(folders, [&](const protocol::InventoryEntry& entry) {
            add_to(digest, folders.roots()[entry.root], entry);
        }));
        return digest;
    });
}

}  // namespace synchost::agent
