#include "agent/apply/journal.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/wire.hpp"
#include "base/xxh3.hpp"
#include "protocol/generation_decoder.hpp"

namespace synchost::agent {
namespace {

using protocol::ChangeKind;

constexpr std::string_view kMagic = "SYNCJRN3";
constexpr const char* kName = "journal";
constexpr const char* kNewName = "journal.new";
constexpr std::size_t kMaxJournalBytes = std::size_t{256} << 20;

std::unexpected<Error> damaged() {
    return fail(Errc::protocol, "damaged journal");
}

bool is_name(std::string_view text) {
    return !text.empty() && text != "." && text != ".." && text.find('/') == std::string_view::npos &&
           text.find('\0') == std::string_view::npos;
}

bool is_folder(std::string_view text) {
    return text.empty() || RelPath::parse(text).has_value();
}

}  // namespace

std::string encode_journal(const Journal& journal) {
    std::string out(kMagic);
    WireWriter writer(out);
    writer.number(std::to_underlying(journal.id));
    writer.number(journal.areas);
    writer.number(static_cast<std::uint32_t>(journal.items.size()));
    for (const JournalItem& item : journal.items) {
        writer.number(static_cast<std::uint8_t>(item.kind));
        writer.number(item.root);
        writer.number(item.mode);
        writer.text(item.path.str());
        writer.number(static_cast<std::uint8_t>(item.staged.in_area ? 1 : 0));
        writer.text(item.staged.folder);
        writer.text(item.staged.name);
        writer.number(item.inode);
    }
    writer.number(xxh3(out).low);
    return out;
}

Result<Journal> parse_journal(std::string_view bytes, std::size_t roots) {
    if (bytes.size() < kMagic.size() + 8) return damaged();
    const std::string_view checked = bytes.substr(0, bytes.size() - 8);
    WireReader reader(checked);
    if (WireReader(bytes.substr(checked.size())).number<std::uint64_t>() != xxh3(checked).low)
        return damaged();
    if (reader.take(kMagic.size()) != kMagic) return damaged();
    Journal journal;
    journal.id = protocol::GenerationId{reader.number<std::uint64_t>()};
    journal.areas = reader.number<std::uint16_t>();
    const auto count = reader.number<std::uint32_t>();
    if (count > protocol::kMaxChanges) return damaged();
    for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
        const auto kind = reader.number<std::uint8_t>();
        const auto root = reader.number<std::uint16_t>();
        const auto mode = reader.number<std::uint32_t>();
        auto path = RelPath::parse(reader.text());
        const auto in_area = reader.number<std::uint8_t>();
        const std::string_view folder = reader.text();
        const std::string_view name = reader.text();
        const auto inode = reader.number<std::uint64_t>();
        if (reader.failed() || !path) return damaged();
        if (kind < 1 || kind > 4 || root >= roots || mode > 07777 || in_area > 1) return damaged();
        if (!is_folder(folder) || (!name.empty() && !is_name(name))) return damaged();
        journal.items.push_back({ChangeKind{kind}, root, mode, *std::move(path),
                                 Place{root, in_area == 1, std::string(folder), std::string(name)}, inode});
    }
    if (!reader.done("journal")) return damaged();
    return journal;
}

Result<> write_journal(int area, const Journal& journal) {
    const Fd file(::openat(area, kNewName, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return fail_errno("journal");
    if (auto written = write_all(file.get(), encode_journal(journal)); !written)
        return std::unexpected(std::move(written).error().context("journal"));
    if (::renameat(area, kNewName, area, kName) != 0) return fail_errno("journal: rename");
    return {};
}

Result<std::optional<Journal>> read_journal(int area, std::size_t roots) {
    const Fd file(::openat(area, kName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) return fail_errno("journal");
    auto bytes = read_all(file.get(), kMaxJournalBytes);
    if (!bytes) return std::unexpected(std::move(bytes).error().context("journal"));
    auto journal = parse_journal(*bytes, roots);
    if (!journal) return std::nullopt;
    return *std::move(journal);
}

Result<> remove_journal(int area) {
    if (::unlinkat(area, kName, 0) != 0 && errno != ENOENT) return fail_errno("journal: remove");
    return {};
}

}  // namespace synchost::agent
