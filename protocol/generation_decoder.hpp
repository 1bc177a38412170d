// Frames of a generation become steps for the one who stages it, one at a time: no more than one data frame
// of it is ever in memory. All that can be known of a path without touching a file is checked here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/frame.hpp"
#include "protocol/generation.hpp"

namespace synchost::protocol {

inline constexpr std::size_t kMaxChanges = 262'144;                     // of one generation
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{4} << 30;  // of one file
inline constexpr std::size_t kMaxSymlinkBytes = 4095;                   // of a symlink's target
inline constexpr std::string_view kStagingPrefix = ".synchost-tmp-";    // names that no change may have

// 1 to 4,095 bytes, no NUL.
[[nodiscard]] bool is_symlink_target(std::string_view text);

struct GenerationStart {
    GenerationId id{};
    AfterApply after = AfterApply::nothing;
    std::uint32_t changes = 0;
};
// One change; `root` indexes the managed paths that the decoder was made with. Of a file, `size` bytes follow
// as FileBytes, none where size is 0; content is set for symlinks alone.
struct ChangeStart {
    Change change;
    std::uint64_t size = 0;
};
struct FileBytes {
    std::string_view bytes;  // valid until the next call of the decoder
    bool last = false;       // the file is complete with these
};
struct GenerationEnd {};
using GenerationStep = std::variant<GenerationStart, ChangeStart, FileBytes, GenerationEnd>;

class GenerationDecoder {
  public:
    // `managed` are the only roots that are accepted, textually. One with a trailing '/' is a folder; one
    // without is a single file, whose path must be exactly its name (the part after the last '/').
    explicit GenerationDecoder(std::vector<std::string> managed) : managed_(std::move(managed)) {}

    // A frame of type apply, change, data or commit. invalid_input for a path, root or mode that is refused;
    // protocol for frames out of order or damaged. After an error only the next apply frame is accepted.
    Result<GenerationStep> parse(const Frame& frame);

    // Forgets a generation that was cut off.
    void reset();

  private:
    enum class State : std::uint8_t { idle, changes, content };
    Result<GenerationStep> parse_start(std::string_view payload);
    Result<GenerationStep> parse_change(std::string_view payload);
    Result<GenerationStep> parse_data(const Frame& frame);
    Result<GenerationStep> parse_checked(const Frame& frame);

    std::vector<std::string> managed_;
    std::vector<std::uint16_t> roots_;  // of this generation: indexes of managed_
    State state_ = State::idle;
    std::size_t changes_left_ = 0;
    std::uint64_t content_left_ = 0;
    std::string unpacked_;
};

}  // namespace synchost::protocol
