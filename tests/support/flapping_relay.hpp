// A TCP port on loopback in front of a unix socket, whose connections break: after a random number of bytes,
// cut at both ends, at one of them, or half-open, so that bytes are swallowed in one direction or both before
// the end comes. Where in the stream they break depends on the seed and on the traffic alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace synchost::test {

class FlappingRelay {
  public:
    FlappingRelay(boost::asio::io_context& io, const std::filesystem::path& to, std::uint32_t seed);
    ~FlappingRelay();
    FlappingRelay(const FlappingRelay&) = delete;
    FlappingRelay& operator=(const FlappingRelay&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::uint64_t breaks() const;
    [[nodiscard]] std::uint64_t swallowed_bytes() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace synchost::test
