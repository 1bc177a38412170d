#include "images/layer/detail/fan_out.hpp"

#include <algorithm>
#include <utility>

namespace synchost::images::detail {

FanOut::FanOut(std::vector<ByteSink> readers) : readers_(std::move(readers)), seen_(readers_.size()) {
    threads_.reserve(readers_.size());
    for (std::size_t i = 0; i < readers_.size(); ++i) threads_.emplace_back([this, i] { read_all(i); });
}

FanOut::~FanOut() {
    stop();
}

void FanOut::stop() {
    {
        const std::scoped_lock lock(mutex_);
        ended_ = true;
    }
    changed_.notify_all();
    threads_.clear();
}

bool FanOut::is_full() const {
    return made_ - std::ranges::min(seen_) >= kChunks;
}

void FanOut::read_all(std::size_t reader) {
    for (;;) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return seen_[reader] < made_ || ended_ || error_; });
        if (error_ || seen_[reader] == made_) return;
        const std::size_t slot = seen_[reader] % kChunks;
        lock.unlock();
        auto done = readers_[reader](std::string_view(ring_[slot]).substr(0, sizes_[slot]));
        lock.lock();
        ++seen_[reader];
        if (!done && !error_) error_ = std::move(done.error());
        lock.unlock();
        changed_.notify_all();
    }
}

Result<std::span<char>> FanOut::room() {
    const std::size_t slot = made_ % kChunks;
    if (filled_ == 0) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !is_full() || error_; });
        if (error_) return std::unexpected(*error_);
        ring_[slot].resize(kChunkBytes);
    }
    return std::span(ring_[slot]).subspan(filled_);
}

Result<> FanOut::advance(std::size_t bytes) {
    filled_ += bytes;
    return filled_ == kChunkBytes ? hand_over() : Result<>{};
}

Result<> FanOut::hand_over() {
    {
        const std::scoped_lock lock(mutex_);
        if (error_) return std::unexpected(*error_);
        sizes_[made_ % kChunks] = std::exchange(filled_, 0);
        ++made_;
    }
    changed_.notify_all();
    return {};
}

Result<> FanOut::write(std::string_view bytes) {
    while (!bytes.empty()) {
        TRY_ASSIGN(const std::span<char> into, room());
        const std::size_t step = std::min(into.size(), bytes.size());
        std::ranges::copy(bytes.substr(0, step), into.begin());
        TRY(advance(step));
        bytes.remove_prefix(step);
    }
    return {};
}

Result<> FanOut::finish() {
    if (filled_ > 0) TRY(hand_over());
    stop();
    if (error_) return std::unexpected(*error_);
    return {};
}

}  // namespace synchost::images::detail
