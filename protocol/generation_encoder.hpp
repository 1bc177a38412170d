// A generation as frames, encoded (and compressed) once however many containers and pods it goes to: only the
// channel differs between two receivers, so headers are written per send and payloads are shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/frame.hpp"
#include "protocol/generation.hpp"

namespace synchost::protocol {

class EncodedGeneration {
  public:
    // invalid_input, naming the path, for what the wire cannot carry: a root index out of range, a file or a
    // symlink without content, a path twice, or a limit of PROTOCOL.md exceeded.
    static Result<std::shared_ptr<const EncodedGeneration>> encode(const Generation& generation);

    [[nodiscard]] GenerationId id() const { return id_; }
    [[nodiscard]] std::size_t frame_count() const { return frames_.size(); }
    [[nodiscard]] std::size_t wire_bytes() const { return wire_bytes_; }

    // Appends whole frames for `channel`, beginning with frame number `first`, until about max_bytes are
    // added (at least one frame). Returns the number of the next frame; frame_count() when all are out.
    std::size_t append_to(std::string& out, Channel channel, std::size_t first, std::size_t max_bytes) const;

  private:
    struct Piece {
        FrameType type{};
        std::uint8_t flags = 0;
        std::string payload;
    };
    void add(FrameType type, std::uint8_t flags, std::string payload);
    void add_content(std::string_view content);

    GenerationId id_{};
    std::vector<Piece> frames_;
    std::size_t wire_bytes_ = 0;
};

}  // namespace synchost::protocol
