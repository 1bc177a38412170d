// The pod's own copy of what generations changed: on the pod's volume, so that an app container that is
// restarted (with a fresh layer, on Kubernetes) is made current without a host. Everything that was put or
// removed since the image, in the order in which it was.
//
//     log   = header group*
//     header = "SYNCKEPT" generation:u64 bytes:u64 check:u64     what is complete: bytes up to there are
//     valid group = the frames of small generations (PROTOCOL.md) with whole contents, 512 changes each
//
// A copy follows its generation, on a thread of its own, reading back what was published: no save waits for
// it, and a generation that comes meanwhile stops it, to be copied together with that one. The header is
// written last. Where the volume is full the copy is given up: the host sends everything then.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/apply/folders.hpp"
#include "agent/apply/journal.hpp"
#include "agent/apply/staging_area.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "protocol/generation_decoder.hpp"

namespace synchost::agent {

// What was changed by one or more generations.
struct KeptChange {
    protocol::ChangeKind kind{};
    std::uint16_t root = 0;
    RelPath path;
    bool whole = false;  // a folder that stands for all that it holds
};

// One thread at a time, but for interrupt().
class KeptLog {
  public:
    static constexpr std::uint64_t kMaxBytes = std::uint64_t{512} << 20;

    // `folder` exists; `roots` as Folders takes them.
    KeptLog(const std::filesystem::path& folder, std::vector<std::string> roots,
            std::uint64_t max_bytes = kMaxBytes);

    // The generation that is complete in it; nothing where none is.
    [[nodiscard]] std::optional<protocol::GenerationId> generation();
    // Appends and completes. cancelled where it was interrupted: the changes are to be given again, with
    // those of the generation that interrupted. After another error the log is empty.
    Result<> append(protocol::GenerationId id, const std::vector<KeptChange>& changes);
    // Empties what was opened.
    void clear();
    // Makes the running append() end soon, from any thread.
    void interrupt() { interrupted_ = true; }
    void allow() { interrupted_ = false; }
    // Puts everything into the folders, as the transactions that it is made of.
    Result<> restore(Folders& folders, StagingAreas& areas);
    // The paths that generations put and did not remove since: each change in order, a removal or a file
    // stands for all below it.
    Result<> for_each(
        const std::function<void(protocol::ChangeKind, std::uint16_t root, const RelPath&)>& seen);

  private:
    struct Header {
        protocol::GenerationId id{};
        std::uint64_t bytes = 0;
    };
    Result<> open();
    [[nodiscard]] std::optional<Header> header();
    static Result<> set_header(int fd, Header header);
    Result<> append_all(protocol::GenerationId id, const std::vector<KeptChange>& changes);
    Result<> compact(protocol::GenerationId id);
    [[nodiscard]] Result<> check_interrupted() const;
    using StepHandler = std::function<Result<>(protocol::GenerationStep)>;
    Result<> read(const StepHandler& handle);

    std::filesystem::path file_;
    Folders folders_;
    std::uint64_t max_bytes_;
    Fd fd_;
    std::uint64_t compacted_bytes_ = 0;  // its size after the last time
    std::atomic<bool> interrupted_ = false;
};

}  // namespace synchost::agent
