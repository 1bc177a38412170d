#include "host/link/outgoing_generation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/file.hpp"

namespace synchost::host {

using protocol::FramePayload;
using protocol::FrameType;

namespace {

constexpr int kLevelOfSmall = 3;
// Large ones are bound by the agent's file system and by this machine's cores: a fast level, see bench/sync.
constexpr int kLevelOfLarge = -3;
// A reader that takes nothing for so long is slow or gone; the files are read on all the same.
constexpr std::chrono::milliseconds kPatience{100};

}  // namespace

Result<std::shared_ptr<const OutgoingGeneration>> OutgoingGeneration::encode(
    const protocol::Generation& generation) {
    auto outgoing = std::make_shared<OutgoingGeneration>(generation.id);
    outgoing->limits_.memory_bytes = SIZE_MAX;
    TRY(protocol::encode_generation(generation, [&](FramePayload frame) {
        return outgoing->add(protocol::compressed(std::move(frame), kLevelOfSmall));
    }));
    outgoing->done_ = true;
    return outgoing;
}

std::shared_ptr<const OutgoingGeneration> OutgoingGeneration::start(
    const boost::asio::any_io_executor& io, boost::asio::thread_pool& pool,
    std::shared_ptr<const protocol::Generation> generation, Limits limits) {
    auto outgoing = std::make_shared<OutgoingGeneration>(generation->id);
    outgoing->limits_ = std::move(limits);
    outgoing->io_ = io;
    boost::asio::post(pool, [outgoing, generation = std::move(generation)] {
        outgoing->finish(protocol::encode_generation(*generation, [&](FramePayload frame) -> Result<> {
            // This task's alone: everybody who wanted it is gone.
            if (outgoing.use_count() == 1) return fail(Errc::cancelled, "nobody waits for it");
            if (outgoing->limits_.compress) frame = protocol::compressed(std::move(frame), kLevelOfLarge);
            return outgoing->add(std::move(frame));
        }));
    });
    return outgoing;
}

Result<> OutgoingGeneration::add(FramePayload frame) {
    Piece piece{frame.type, frame.flags, std::move(frame.payload), 0, 0};
    piece.size = static_cast<std::uint32_t>(piece.payload.size());
    if (!has_room_for(piece.size)) TRY(move_to_spool(piece));
    {
        const std::scoped_lock lock(mutex_);
        in_memory_ += piece.payload.size();
        pieces_.push_back(std::move(piece));
    }
    tell();
    return {};
}

// Only one thread adds: the room that there is stays.
bool OutgoingGeneration::has_room_for(std::size_t bytes) {
    const auto has_room = [&] { return in_memory_ + bytes <= limits_.memory_bytes; };
    std::unique_lock lock(mutex_);
    return limits_.one_reader ? taken_.wait_for(lock, kPatience, has_room) : has_room();
}

Result<> OutgoingGeneration::move_to_spool(Piece& piece) {
    if (!spool_) {
        auto spool = open_file(limits_.spool_folder, O_TMPFILE | O_RDWR, 0600);
        if (!spool) return std::unexpected(std::move(spool).error().context("spool"));
        const std::scoped_lock lock(mutex_);
        spool_ = *std::move(spool);
    }
    if (auto written = write_all(spool_.get(), piece.payload); !written)
        return std::unexpected(std::move(written).error().context("spool"));
    piece.offset = std::exchange(spooled_, spooled_ + piece.size);
    std::string().swap(piece.payload);
    return {};
}

void OutgoingGeneration::finish(Result<> result) {
    {
        const std::scoped_lock lock(mutex_);
        done_ = true;
        if (!result) failure_ = std::move(result).error();
        // Without room for the frames themselves the end could not be said either.
        if (failure_ && (pieces_.empty() || pieces_.back().type != FrameType::abandon))
            pieces_.push_back({FrameType::abandon, 0, std::string(2, '\0'), 0, 2});
    }
    tell();
}

// One wake is under way at a time, however fast frames come.
void OutgoingGeneration::tell() {
    if (!io_) return;
    {
        const std::scoped_lock lock(mutex_);
        if (std::exchange(told_, true)) return;
    }
    boost::asio::post(io_, [self = shared_from_this()] {
        {
            const std::scoped_lock lock(self->mutex_);
            self->told_ = false;
        }
        const auto subscribers = self->subscribers_;
        for (const Subscriber& subscriber : subscribers) {
            if (const auto owner = subscriber.owner.lock()) subscriber.wake();
        }
    });
}

void OutgoingGeneration::subscribe(std::weak_ptr<const void> owner, std::function<void()> wake) const {
    std::erase_if(subscribers_, [](const Subscriber& subscriber) { return subscriber.owner.expired(); });
    subscribers_.push_back({std::move(owner), std::move(wake)});
}

std::size_t OutgoingGeneration::append_to(std::string& out, protocol::Channel channel, std::size_t first,
                                          std::size_t max_bytes) const {
    const std::scoped_lock lock(mutex_);
    const std::size_t begin = out.size();
    std::size_t index = first;
    std::string from_spool;
    while (index < pieces_.size() && (index == first || out.size() - begin < max_bytes)) {
        Piece& piece = pieces_[index++];
        std::string_view payload = piece.payload;
        if (payload.size() != piece.size) {
            from_spool.resize(piece.size);
            const auto got = read_at(spool_.get(), piece.offset, from_spool);
            // The frame is ours and was written: what cannot be read back is refused by the agent's checks.
            if (!got || *got != piece.size) from_spool.assign(piece.size, '\0');
            payload = from_spool;
        }
        protocol::append_frame(out, {piece.type, piece.flags, channel, payload});
        if (limits_.one_reader) in_memory_ -= std::exchange(piece.payload, {}).size();
    }
    taken_.notify_one();
    return index;
}

bool OutgoingGeneration::ends_at(std::size_t next) const {
    const std::scoped_lock lock(mutex_);
    return done_ && next == pieces_.size();
}

std::optional<Error> OutgoingGeneration::failure() const {
    const std::scoped_lock lock(mutex_);
    return failure_;
}

}  // namespace synchost::host
