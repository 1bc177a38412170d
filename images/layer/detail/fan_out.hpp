// One stream of bytes from its maker to several readers on threads of their own, each of which sees all of it
// in order. Memory is a fixed ring of chunks: the maker waits for the slowest reader, so a layer of any size
// takes the same.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "images/layer/compressor.hpp"

namespace synchost::images::detail {

class FanOut {
  public:
    // Each reader is called on its own thread only. One that fails ends the stream for all.
    explicit FanOut(std::vector<ByteSink> readers);
    FanOut(const FanOut&) = delete;
    FanOut& operator=(const FanOut&) = delete;
    ~FanOut();

    Result<> write(std::string_view bytes);
    // Room for the maker to write into without a copy: up to the rest of a chunk, never empty. What it has
    // filled is named with advance() before anything else is called.
    Result<std::span<char>> room();
    Result<> advance(std::size_t bytes);
    // Hands over what is left, waits until every reader has seen all, and joins them. The readers' errors
    // come out here or of a write before.
    Result<> finish();

  private:
    static constexpr std::size_t kChunks = 8;
    static constexpr std::size_t kChunkBytes = std::size_t{512} << 10;
    void read_all(std::size_t reader);
    Result<> hand_over();
    [[nodiscard]] bool is_full() const;
    void stop();

    std::array<std::string, kChunks> ring_;
    std::array<std::size_t, kChunks> sizes_{};
    std::vector<ByteSink> readers_;
    std::size_t filled_ = 0;  // bytes of the maker's chunk

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t made_ = 0;           // chunks that were handed over
    std::vector<std::uint64_t> seen_;  // chunks, by reader
    bool ended_ = false;
    std::optional<Error> error_;
    std::vector<std::jthread> threads_;
};

}  // namespace synchost::images::detail
