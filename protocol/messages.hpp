// The messages that fit one frame each, but for those of a generation (generation_encoder.hpp and
// generation_decoder.hpp). encode_* gives a payload; parse_* takes untrusted bytes and returns a protocol
// error for anything that PROTOCOL.md does not allow.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "protocol/generation.hpp"

namespace synchost::protocol {

inline constexpr std::uint16_t kProtocolVersion = 4;
inline constexpr std::size_t kMaxOutputBytes = std::size_t{48} << 10;  // of ContainerReport::last_output
inline constexpr std::size_t kMaxRoots = 1024;
inline constexpr std::size_t kMaxRootBytes = 4096;                          // of one root
inline constexpr std::size_t kMaxRootsTotalBytes = std::size_t{512} << 10;  // of all roots of a container

enum class Role : std::uint8_t { host = 1, sidecar = 2, supervisor = 3, probe = 4 };
std::string_view to_string(Role role);

// The first frame in each direction. Magic and version stay where they are in every version to come; where
// the version is not ours, the other fields are left empty by parse_hello.
struct Hello {
    std::uint16_t version = kProtocolVersion;
    Role role = Role::host;
    std::string software;  // for messages, "synchost 0.1.0"; at most 64 bytes
};
std::string encode_hello(const Hello& hello);
Result<Hello> parse_hello(std::string_view payload);

enum class ByeReason : std::uint8_t {
    shutting_down = 1,
    replaced = 2,
    protocol_error = 3,
    version_mismatch = 4
};
struct Bye {
    ByeReason reason = ByeReason::shutting_down;
    std::string text;  // for people; at most 1,024 bytes
};
std::string encode_bye(const Bye& bye);
Result<Bye> parse_bye(std::string_view payload);

std::string encode_ping(std::uint64_t token);
Result<std::uint64_t> parse_ping(std::string_view payload);

// A supervisor's state as sidecar and probes need it.
enum class Phase : std::uint8_t {
    gated = 1,
    running = 2,
    held = 3,
    exited = 4,
    restarting = 5,
    unattached = 6
};
std::string_view to_string(Phase phase);
struct Status {
    Phase phase = Phase::unattached;
    // To a probe: since the process was started, while no probe has passed since then.
    std::optional<std::chrono::milliseconds> booting;
};
std::string encode_status(const Status& status);
Result<Status> parse_status(std::string_view payload);

std::string encode_report(const ContainerReport& report);
Result<ContainerReport> parse_report(std::string_view payload);

std::string encode_applied(const Applied& applied);
Result<Applied> parse_applied(std::string_view payload);

// A request's failure: all of the Error travels.
std::string encode_failed(const Error& error);
Result<Error> parse_failed(std::string_view payload);

std::string encode_inventory_begin(GenerationId id, const std::vector<std::string>& roots);
Result<Inventory> parse_inventory_begin(std::string_view payload);  // without entries

void append_inventory_entry(std::string& payload, const InventoryEntry& entry);
// Adds the payload's entries to the inventory that they belong to.
Result<> parse_inventory_entries(std::string_view payload, Inventory& inventory);

std::string encode_digested(const TreeDigest& digest);
Result<TreeDigest> parse_digested(std::string_view payload);

}  // namespace synchost::protocol
