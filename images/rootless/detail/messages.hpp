// What a build and its helper in a user namespace say to each other: one question, any number of lines of
// progress, one answer. Both are the same program, so there is no version.
//
//   frame = u8 kind, u32 size, bytes
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "images/builder.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "images/store/prune.hpp"
#include "registry-client/client.hpp"

namespace synchost::images::detail {

enum class FrameKind : std::uint8_t { question, progress, answer, error };

struct Frame {
    FrameKind kind = FrameKind::question;
    std::string bytes;
};
inline constexpr std::uint32_t kMaxFrame = std::uint32_t{1} << 30;

Result<> send_frame(int channel, FrameKind kind, std::string_view bytes);
// Nothing where the other end hung up.
Result<std::optional<Frame>> receive_frame(int channel);

enum class Task : std::uint8_t { build, prune, measure };

struct Question {
    Task task = Task::build;
    std::filesystem::path store;
    BuildRequest request;  // of a build, like the seven that follow
    std::optional<std::uint64_t> store_limit;
    std::optional<registry::Reference> ahead;  // UploadAhead::target()
    std::vector<std::string> cache_from;       // names
    bool wants_notes = false;                  // for a CacheExport
    bool shell_on_error = false;
    bool wants_progress = false;
    std::optional<registry::ConnectorOptions> registries;  // without `stop`
    PruneScope scope = PruneScope::least_used;             // of a prune
    std::uint64_t keep_bytes = 0;
};

std::string format_question(const Question& question);
Result<Question> parse_question(std::string_view bytes);

struct BuildAnswer {
    Image image;                          // without `held`
    std::vector<UploadAhead::Sent> sent;  // to the question's `ahead`
    CacheNotes notes{};
};

struct Failure {
    Error error;
    std::vector<ExplainedStep> steps{};  // of a build, BuildTools::steps
};

std::string format_answer(const BuildAnswer& built);
std::string format_answer(const PruneReport& report);
std::string format_answer(const StoreUsage& usage);
std::string format_failure(const Failure& failure);
Result<BuildAnswer> parse_built(std::string_view bytes);
Result<PruneReport> parse_prune_report(std::string_view bytes);
Result<StoreUsage> parse_usage(std::string_view bytes);
Result<Failure> parse_failure(std::string_view bytes);

}  // namespace synchost::images::detail
