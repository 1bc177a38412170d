#include "images/layer/upload_ahead.hpp"

#include <fcntl.h>

#include <algorithm>
#include <condition_variable>
#include <optional>
#include <utility>

#include "base/fd.hpp"
#include "base/file.hpp"

namespace synchost::images {
namespace {

// A smaller one is there before a thread with a connection of its own is.
constexpr std::uint64_t kWorthFollowing = std::uint64_t{1} << 20;

}  // namespace

struct UploadAhead::Following {
    Fd fd;
    std::condition_variable changed;
    bool begun = false;
    bool given_up = false;
    bool sent = false;
    bool ended = false;
    std::uint64_t written = 0;
    std::uint64_t done = 0;  // bytes that went
    std::optional<Digest> digest;
};

UploadAhead::UploadAhead(const registry::Connector& registries, registry::Reference target)
    : registries_(registries), target_(std::move(target)) {}

UploadAhead::~UploadAhead() {
    {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
        for (const auto& following : followings_) following->changed.notify_all();
    }
    threads_.clear();
}

UploadAhead::Blob::Blob(UploadAhead& owner, std::shared_ptr<Following> following)
    : owner_(owner), following_(std::move(following)) {}

UploadAhead::Blob::~Blob() {
    const std::scoped_lock lock(owner_.mutex_);
    following_->given_up = !following_->digest;
    following_->changed.notify_all();
}

void UploadAhead::Blob::grown(std::uint64_t size) {
    const std::scoped_lock lock(owner_.mutex_);
    following_->written = size;
    if (following_->fd.get() >= 0 && size >= kWorthFollowing && !std::exchange(following_->begun, true))
        owner_.start(following_);
    following_->changed.notify_all();
}

void UploadAhead::Blob::complete(const Digest& digest) {
    const std::scoped_lock lock(owner_.mutex_);
    following_->digest = digest;
    following_->changed.notify_all();
}

std::unique_ptr<UploadAhead::Blob> UploadAhead::begin(int fd) {
    auto following = std::make_shared<Following>();
    following->fd = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    return std::make_unique<Blob>(*this, std::move(following));
}

void UploadAhead::take(const std::vector<Sent>& sent) {
    const std::scoped_lock lock(mutex_);
    for (const Sent& blob : sent) {
        auto following = std::make_shared<Following>();
        following->digest = blob.digest;
        following->written = blob.size;
        following->sent = true;
        following->ended = true;
        followings_.push_back(std::move(following));
    }
}

bool UploadAhead::is_under_way() {
    const std::scoped_lock lock(mutex_);
    return std::ranges::any_of(followings_, [](const auto& following) { return !following->ended; });
}

void UploadAhead::start(const std::shared_ptr<Following>& following) {
    followings_.push_back(following);
    threads_.emplace_back([this, following] { follow(*following); });
}

void UploadAhead::follow(Following& following) {
    std::uint64_t at = 0;
    const auto next = [&](std::span<char> into) -> Result<std::size_t> {
        std::unique_lock lock(mutex_);
        following.changed.wait(lock, [&] {
            return stopped_ || following.given_up || following.digest || following.written > at;
        });
        if (stopped_ || following.given_up) return fail(Errc::cancelled, "the layer was given up");
        const auto size = std::min<std::uint64_t>(into.size(), following.written - at);
        lock.unlock();
        if (size == 0) return std::size_t{0};
        TRY_ASSIGN(const std::size_t got,
                   read_at(following.fd.get(), at, into.first(static_cast<std::size_t>(size))));
        if (got == 0) return fail(Errc::conflict, "the layer's file became shorter");
        at += got;
        return got;
    };
    registry::Client client = registries_.impatient_client(target_.host());
    client.on_progress([&](std::int64_t bytes) {
        const std::scoped_lock lock(mutex_);
        following.done = static_cast<std::uint64_t>(static_cast<std::int64_t>(following.done) + bytes);
        if (following.digest) tell(following, registry::BlobStep::moved);
    });
    const auto sent =
        client.upload_blob_stream(target_.repository(), {.next = next, .rewind = {}, .digest = [&] {
                                                             const std::scoped_lock lock(mutex_);
                                                             return *following.digest;
                                                         }});
    const std::scoped_lock lock(mutex_);
    following.sent = sent.has_value();
    following.ended = true;
    if (following.digest) tell(following, sent ? registry::BlobStep::sent : registry::BlobStep::failed);
}

void UploadAhead::tell(const Following& following, registry::BlobStep step) const {
    if (!progress_) return;
    std::uint64_t done = following.done;
    if (step == registry::BlobStep::sent) done = following.written;
    if (step == registry::BlobStep::failed) done = 0;
    progress_({*following.digest, following.written, std::min(done, following.written), step});
}

std::vector<UploadAhead::Sent> UploadAhead::finish(const Progress& progress) {
    std::vector<std::jthread> threads;
    {
        const std::scoped_lock lock(mutex_);
        threads = std::exchange(threads_, {});
        if (!threads.empty()) progress_ = progress;
        for (const auto& following : followings_) {
            if (!following->digest) continue;
            tell(*following, registry::BlobStep::started);
            if (following->ended)
                tell(*following, following->sent ? registry::BlobStep::sent : registry::BlobStep::failed);
        }
    }
    threads.clear();
    const std::scoped_lock lock(mutex_);
    progress_ = {};
    std::vector<Sent> out;
    for (const auto& following : followings_) {
        if (following->sent) out.push_back({*following->digest, following->written});
    }
    return out;
}

}  // namespace synchost::images
