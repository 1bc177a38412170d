#include "protocol/messages.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/wire.hpp"

namespace synchost::protocol {
namespace {

constexpr std::string_view kMagic = "SYNCHOST";
constexpr std::size_t kMaxErrorTextBytes = 4096;
constexpr std::size_t kMaxInventoryEntries = 1'000'000;
constexpr std::uint64_t kMaxListeningUs = 86'400'000'000;  // of a report: a day
constexpr std::uint32_t kNotBooting = 0xFFFF'FFFF;         // of a status

// The numbers of PROTOCOL.md, section Error codes: position + 1.
constexpr std::array kErrorCodes = {Errc::io,      Errc::not_found,     Errc::conflict,   Errc::protocol,
                                    Errc::auth,    Errc::timeout,       Errc::cancelled,  Errc::registry,
                                    Errc::cluster, Errc::invalid_input, Errc::unsupported};

std::unexpected<Error> bad_value(std::string_view message, std::string_view field) {
    return fail(Errc::protocol,
                std::string(message) + ": value of " + std::string(field) + " is not allowed");
}

void write_roots(WireWriter& writer, const std::vector<std::string>& roots) {
    writer.number(static_cast<std::uint16_t>(roots.size()));
    for (const std::string& root : roots) writer.text(root);
}

Result<std::vector<std::string>> read_roots(WireReader& reader, std::string_view message) {
    const std::size_t count = reader.number<std::uint16_t>();
    if (count > kMaxRoots) return bad_value(message, "the number of roots");
    std::vector<std::string> roots;
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        const std::string_view root = reader.text(kMaxRootBytes);
        if (!reader.failed() && !root.starts_with('/')) return bad_value(message, "root");
        roots.emplace_back(root);
    }
    return roots;
}

std::uint64_t count_of(std::chrono::microseconds time) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
}

void write_error(WireWriter& writer, const Error& error) {
    const auto* code = std::find(kErrorCodes.begin(), kErrorCodes.end(), error.code);
    writer.number(static_cast<std::uint8_t>(code - kErrorCodes.begin() + 1));
    writer.number(static_cast<std::uint32_t>(error.sys_errno));
    writer.text(std::string_view(error.message).substr(0, kMaxErrorTextBytes));
    writer.text(std::string_view(error.next_step).substr(0, kMaxErrorTextBytes));
}

Result<Error> read_error(WireReader& reader, std::string_view message) {
    const auto code = reader.number<std::uint8_t>();
    Error error;
    error.sys_errno = static_cast<int>(reader.number<std::uint32_t>() & 0xFFFF);
    error.message = reader.text(kMaxErrorTextBytes);
    error.next_step = reader.text(kMaxErrorTextBytes);
    if (!reader.failed() && (code < 1 || code > kErrorCodes.size())) return bad_value(message, "error code");
    if (!reader.failed()) error.code = kErrorCodes[code - 1u];
    return error;
}

std::chrono::microseconds read_time(WireReader& reader) {
    constexpr std::uint64_t kDay = std::uint64_t{86'400'000'000};
    return std::chrono::microseconds(
        static_cast<std::int64_t>(std::min(reader.number<std::uint64_t>(), kDay)));
}

}  // namespace

std::string_view to_string(Role role) {
    switch (role) {
        case Role::host:
            return "host";
        case Role::sidecar:
            return "sidecar";
        case Role::supervisor:
            return "supervisor";
        case Role::probe:
            return "probe";
    }
    return "unknown";
}

std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::gated:
            return "gated";
        case Phase::running:
            return "running";
        case Phase::held:
            return "held";
        case Phase::exited:
            return "exited";
        case Phase::restarting:
            return "restarting";
        case Phase::unattached:
            return "unattached";
    }
    return "unknown";
}

std::string encode_hello(const Hello& hello) {
    std::string payload(kMagic);
    WireWriter writer(payload);
    writer.number(hello.version);
    writer.number(static_cast<std::uint8_t>(hello.role));
    writer.text(hello.software);
    return payload;
}

Result<Hello> parse_hello(std::string_view payload) {
    WireReader reader(payload);
    if (reader.take(kMagic.size()) != kMagic) return fail(Errc::protocol, "hello: not synchost's protocol");
    Hello hello;
    hello.version = reader.number<std::uint16_t>();
    if (!reader.failed() && hello.version != kProtocolVersion) return hello;
    const auto role = reader.number<std::uint8_t>();
    hello.software = reader.text(64);
    TRY(reader.done("hello"));
    if (role < 1 || role > 4) return bad_value("hello", "role");
    hello.role = Role{role};
    return hello;
}

std::string encode_bye(const Bye& bye) {
    std::string payload;
    WireWriter writer(payload);
    writer.number(static_cast<std::uint8_t>(bye.reason));
    writer.text(std::string_view(bye.text).substr(0, 1024));
    return payload;
}

Result<Bye> parse_bye(std::string_view payload) {
    WireReader reader(payload);
    const auto reason = reader.number<std::uint8_t>();
    Bye bye;
    bye.text = reader.text(1024);
    TRY(reader.done("bye"));
    if (reason < 1 || reason > 4) return bad_value("bye", "reason");
    bye.reason = ByeReason{reason};
    return bye;
}

std::string encode_ping(std::uint64_t token) {
    std::string payload;
    WireWriter(payload).number(token);
    return payload;
}

Result<std::uint64_t> parse_ping(std::string_view payload) {
    WireReader reader(payload);
    const auto token = reader.number<std::uint64_t>();
    TRY(reader.done("ping"));
    return token;
}

std::string encode_status(const Status& status) {
    std::string payload;
    WireWriter writer(payload);
    writer.number(static_cast<std::uint8_t>(status.phase));
    const auto booting = status.booting
                             ? std::clamp<std::int64_t>(status.booting->count(), 0, kNotBooting - 1)
                             : std::int64_t{kNotBooting};
    writer.number(static_cast<std::uint32_t>(booting));
    return payload;
}

Result<Status> parse_status(std::string_view payload) {
    WireReader reader(payload);
    const auto phase = reader.number<std::uint8_t>();
    const auto booting = reader.number<std::uint32_t>();
    TRY(reader.done("status"));
    if (phase < 1 || phase > 6) return bad_value("status", "phase");
    Status status{Phase{phase}, std::nullopt};
    if (booting != kNotBooting) status.booting = std::chrono::milliseconds(booting);
    return status;
}

std::string encode_report(const ContainerReport& report) {
    std::string payload;
    WireWriter writer(payload);
    writer.text(report.container);
    writer.number(static_cast<std::uint8_t>(report.state));
    writer.number(std::to_underlying(report.generation));
    writer.number(report.starts);
    writer.number(report.listening
                      ? std::clamp<std::uint64_t>(count_of(*report.listening), 1, kMaxListeningUs)
                      : std::uint64_t{0});
    writer.number(static_cast<std::uint8_t>(report.exit_code ? 1 : 0));
    writer.number(static_cast<std::uint8_t>(report.exit_code.value_or(0)));
    const std::string_view output = report.last_output;
    writer.text(output.substr(output.size() - std::min(output.size(), kMaxOutputBytes)));
    write_roots(writer, report.roots);
    return payload;
}

Result<ContainerReport> parse_report(std::string_view payload) {
    WireReader reader(payload);
    ContainerReport report;
    report.container = reader.text(253);
    const auto state = reader.number<std::uint8_t>();
    report.generation = GenerationId{reader.number<std::uint64_t>()};
    report.starts = reader.number<std::uint32_t>();
    const auto listening = reader.number<std::uint64_t>();
    const auto has_exit = reader.number<std::uint8_t>();
    const auto exit_code = reader.number<std::uint8_t>();
    report.last_output = reader.text(kMaxOutputBytes);
    TRY_ASSIGN(report.roots, read_roots(reader, "report"));
    TRY(reader.done("report"));
    if (state < 1 || state > 4) return bad_value("report", "state");
    if (has_exit > 1) return bad_value("report", "exit code");
    if (listening > kMaxListeningUs) return bad_value("report", "listening");
    if (report.container.empty()) return bad_value("report", "container");
    report.state = ProcessState{state};
    if (listening > 0) report.listening = std::chrono::microseconds(listening);
    if (has_exit == 1) report.exit_code = exit_code;
    return report;
}

std::string encode_applied(const Applied& applied) {
    std::string payload;
    WireWriter writer(payload);
    writer.number(std::to_underlying(applied.id));
    for (const auto time : {applied.received, applied.staged, applied.published, applied.restarted}) {
        writer.number(count_of(time));
    }
    writer.number(static_cast<std::uint8_t>(applied.after ? 1 : 0));
    if (applied.after) write_error(writer, *applied.after);
    return payload;
}

Result<Applied> parse_applied(std::string_view payload) {
    WireReader reader(payload);
    Applied applied;
    applied.id = GenerationId{reader.number<std::uint64_t>()};
    applied.received = read_time(reader);
    applied.staged = read_time(reader);
    applied.published = read_time(reader);
    applied.restarted = read_time(reader);
    const auto has_error = reader.number<std::uint8_t>();
    if (has_error > 1) return bad_value("applied", "what followed");
    if (has_error == 1) {
        TRY_ASSIGN(applied.after, read_error(reader, "applied"));
    }
    TRY(reader.done("applied"));
    return applied;
}

std::string encode_failed(const Error& error) {
    std::string payload;
    WireWriter writer(payload);
    write_error(writer, error);
    return payload;
}

Result<Error> parse_failed(std::string_view payload) {
    WireReader reader(payload);
    TRY_ASSIGN(Error error, read_error(reader, "failed"));
    TRY(reader.done("failed"));
    return error;
}

std::string encode_inventory_begin(GenerationId id, const std::vector<std::string>& roots) {
    std::string payload;
    WireWriter writer(payload);
    writer.number(std::to_underlying(id));
    write_roots(writer, roots);
    return payload;
}

Result<Inventory> parse_inventory_begin(std::string_view payload) {
    WireReader reader(payload);
    Inventory inventory;
    inventory.id = GenerationId{reader.number<std::uint64_t>()};
    TRY_ASSIGN(inventory.roots, read_roots(reader, "inventory"));
    TRY(reader.done("inventory"));
    return inventory;
}

void append_inventory_entry(std::string& payload, const InventoryEntry& entry) {
    WireWriter writer(payload);
    writer.number(static_cast<std::uint8_t>(entry.kind));
    writer.number(entry.root);
    writer.number(entry.mode);
    writer.text(entry.path.str());
    writer.hash(entry.hash);
    writer.number(static_cast<std::uint8_t>(entry.ours ? 1 : 0));
}

Result<> parse_inventory_entries(std::string_view payload, Inventory& inventory) {
    WireReader reader(payload);
    while (!reader.at_end()) {
        const auto kind = reader.number<std::uint8_t>();
        const auto root = reader.number<std::uint16_t>();
        const auto mode = reader.number<std::uint32_t>();
        const std::string_view path = reader.text();
        const Xxh3 hash = reader.hash();
        const auto ours = reader.number<std::uint8_t>();
        if (reader.failed()) return reader.done("inventory");
        if (kind < 1 || kind > 3) return bad_value("inventory", "kind");
        if (root >= inventory.roots.size()) return bad_value("inventory", "root");
        if (mode > 07777) return bad_value("inventory", "mode");
        if (ours > 1) return bad_value("inventory", "ours");
        if (inventory.entries.size() >= kMaxInventoryEntries)
            return bad_value("inventory", "the number of entries");
        TRY_ASSIGN(RelPath parsed, RelPath::parse(path));
        inventory.entries.push_back({root, std::move(parsed), ChangeKind{kind}, mode, hash, ours == 1});
    }
    return {};
}

std::string encode_digested(const TreeDigest& digest) {
    std::string payload;
    WireWriter writer(payload);
    writer.number(std::to_underlying(digest.id));
    writer.number(digest.entries);
    writer.hash(digest.digest);
    return payload;
}

Result<TreeDigest> parse_digested(std::string_view payload) {
    WireReader reader(payload);
    TreeDigest digest;
    digest.id = GenerationId{reader.number<std::uint64_t>()};
    digest.entries = reader.number<std::uint32_t>();
    digest.digest = reader.hash();
    TRY(reader.done("digested"));
    return digest;
}

Xxh3 digest_of(std::string_view root, const InventoryEntry& entry) {
    std::string text;
    WireWriter writer(text);
    writer.text(root);
    writer.text(entry.path.str());
    writer.number(static_cast<std::uint8_t>(entry.kind));
    writer.number(entry.kind == ChangeKind::put_symlink ? std::uint32_t{0} : entry.mode);
    writer.hash(entry.kind == ChangeKind::make_folder ? Xxh3{} : entry.hash);
    return xxh3(text);
}

void add_to(TreeDigest& digest, std::string_view root, const InventoryEntry& entry) {
    const Xxh3 one = digest_of(root, entry);
    const std::uint64_t low = digest.digest.low + one.low;
    digest.digest.high += one.high + (low < one.low ? 1 : 0);
    digest.digest.low = low;
    ++digest.entries;
}

}  // namespace synchost::protocol
