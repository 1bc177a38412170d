// Frames of a generation become steps for the one who stages it: no more than one part of it is ever in
// memory, however large its files are. All that can be known of a path without touching a file is checked
// here.
//
//     apply            GenerationStart
//     part             a piece of the record stream; next() gives its steps one by one:
//       file a.js        ChangeStart, then FileBytes and CopyRange as the content is put together, FileEnd
//       remove b.js      ChangeStart
//     commit           GenerationEnd
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/frame.hpp"
#include "protocol/generation.hpp"

namespace synchost::protocol {

inline constexpr std::size_t kMaxChanges = std::size_t{1} << 20;         // of one generation
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{64} << 30;  // of one file
inline constexpr std::size_t kMaxSymlinkBytes = 4095;                    // of a symlink's target
inline constexpr std::uint8_t kMaxSignal = 64;
inline constexpr std::uint8_t kMaxPauseMs = 100;
inline constexpr std::size_t kMaxAfterSteps = 16;                        // of one generation
inline constexpr std::size_t kMaxCommandWords = 64;
inline constexpr std::size_t kMaxCommandBytes = std::size_t{16} << 10;  // of all words
inline constexpr std::string_view kStagingPrefix = ".synchost-tmp-";    // names that no change may have

// 1 to 4,095 bytes, no NUL.
[[nodiscard]] bool is_symlink_target(std::string_view text);
// Within the limits that AfterApply states.
[[nodiscard]] bool is_allowed(const AfterApply& after);

struct GenerationStart {
    GenerationId id{};
    std::vector<AfterApply> after;
};
// One change; `root` indexes the managed paths that the decoder was made with. The content of a file follows,
// up to its FileEnd.
struct ChangeStart {
    Change change;
    std::optional<FileBase> base;  // what CopyRange copies from
};
struct FileBytes {
    std::string_view bytes;  // 1 to kMaxPartBytes; valid until the next call of the decoder
};
struct FileEnd {
    Xxh3 hash;  // of the whole content
};
struct GenerationEnd {};
using GenerationStep =
    std::variant<GenerationStart, ChangeStart, FileBytes, CopyRange, FileEnd, GenerationEnd>;

class GenerationDecoder {
  public:
    // `managed` are the only roots that are accepted, textually. One with a trailing '/' is a folder; one
    // without is a single file, whose path must be exactly its name (the part after the last '/').
    explicit GenerationDecoder(std::vector<std::string> managed) : managed_(std::move(managed)) {}

    // A frame of type apply, part, commit or abandon, whose payload stays valid until next() gives nothing.
    // invalid_input for a root that is refused, protocol for frames out of order or damaged, cancelled for
    // abandon. After an error only the next apply frame is accepted.
    Result<> feed(const Frame& frame);
    // The steps of what was fed; nothing where a further frame is needed. Errors as feed(), and invalid_input
    // for a path or mode that is refused.
    Result<std::optional<GenerationStep>> next();

    // Forgets a generation that was cut off.
    void reset();

  private:
    enum class State : std::uint8_t { idle, records, content };
    Result<> check_frame(const Frame& frame);
    Result<GenerationStart> parse_start(std::string_view payload);
    Result<> parse_commit(std::string_view payload);
    Result<GenerationStep> parse_item();
    Result<GenerationStep> parse_record(std::uint8_t code);
    Result<GenerationStep> parse_content(std::uint8_t code);
    Result<> add_to_file(std::uint64_t bytes);

    std::vector<std::string> managed_;
    std::vector<std::uint16_t> roots_;  // of this generation: indexes of managed_
    State state_ = State::idle;
    std::size_t records_ = 0;            // so far
    std::uint64_t file_bytes_ = 0;       // of the file whose content comes
    std::optional<FileBase> base_;       // of that file
    std::optional<GenerationStep> due_;  // of the frame as a whole
    std::string_view part_;              // what is left of it
    std::string unpacked_;
};

}  // namespace synchost::protocol
