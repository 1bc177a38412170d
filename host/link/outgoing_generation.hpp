// A generation on its way out: read and compressed once, on the pool, and sent to any number of pods, each at
// its own pace and the first ones while the rest is still being read. What it takes in memory is bounded:
// frames beyond a few MiB wait in a file without a name. For one pod alone nothing is kept that it has taken,
// and the reading waits for it a while before it goes on into that file.
//
//     pool:   read, compress ──▶ frames ──▶ memory, then the spool
//     io:     link a  ◀── append_to(…) ──┘        link b ◀── append_to(…)
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "protocol/generation_encoder.hpp"

namespace synchost::host {

// Held by shared_ptr; all but the encoding itself on the io thread.
class OutgoingGeneration : public protocol::GenerationFrames,
                           public std::enable_shared_from_this<OutgoingGeneration> {
  public:
    struct Limits {
        std::size_t memory_bytes = std::size_t{8} << 20;
        std::filesystem::path spool_folder;  // exists; beyond memory_bytes a file is made there
        // Over a socket of this machine the bytes take less time than zstd takes to make fewer of them.
        bool compress = true;
        bool one_reader = false;  // append_to() is called for each frame once, in their order
    };
    // Encodes on the spot: for a generation whose contents are small or in memory.
    static Result<std::shared_ptr<const OutgoingGeneration>> encode(const protocol::Generation& generation);
    // Encodes on the pool, which it keeps busy until it is done; an error after the start is in failure().
    static std::shared_ptr<const OutgoingGeneration> start(
        const boost::asio::any_io_executor& io, boost::asio::thread_pool& pool,
        std::shared_ptr<const protocol::Generation> generation, Limits limits);

    [[nodiscard]] protocol::GenerationId id() const { return id_; }
    std::size_t append_to(std::string& out, protocol::Channel channel, std::size_t first,
                          std::size_t max_bytes) const override;
    [[nodiscard]] bool ends_at(std::size_t next) const override;
    // Why the frames ended with `abandon`.
    [[nodiscard]] std::optional<Error> failure() const;

    // Calls `wake` on the io thread whenever there are more frames, as long as `owner` lives.
    void subscribe(std::weak_ptr<const void> owner, std::function<void()> wake) const;

    explicit OutgoingGeneration(protocol::GenerationId id) : id_(id) {}

  private:
    struct Piece {
        protocol::FrameType type{};
        std::uint8_t flags = 0;
        std::string payload;       // in memory,
        std::uint64_t offset = 0;  // or in the spool
        std::uint32_t size = 0;
    };
    struct Subscriber {
        std::weak_ptr<const void> owner;
        std::function<void()> wake;
    };
    Result<> add(protocol::FramePayload frame);
    bool has_room_for(std::size_t bytes);
    Result<> move_to_spool(Piece& piece);
    void finish(Result<> result);
    void tell();

    protocol::GenerationId id_;
    Limits limits_;
    boost::asio::any_io_executor io_;  // none where it was encoded on the spot
    mutable std::mutex mutex_;         // of what follows
    mutable std::condition_variable taken_;
    mutable std::vector<Piece> pieces_;  // append_to() empties them for one reader
    mutable std::uint64_t in_memory_ = 0;
    Fd spool_;
    std::uint64_t spooled_ = 0;
    bool done_ = false;
    bool told_ = false;  // a wake is on its way
    std::optional<Error> failure_;
    mutable std::vector<Subscriber> subscribers_;  // io thread alone
};

}  // namespace synchost::host
