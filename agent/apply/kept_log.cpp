#include "agent/apply/kept_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "agent/apply/kept_writer.hpp"
#include "agent/apply/transaction.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/wire.hpp"

namespace synchost::agent {

using protocol::ChangeKind;
using protocol::GenerationId;

namespace {

constexpr std::string_view kMagic = "SYNCKEPT";
constexpr std::size_t kHeaderBytes = kMagic.size() + 3 * 8;
constexpr std::uint64_t kCompactFromBytes = std::uint64_t{8} << 20;
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

using Paths = std::set<std::pair<std::uint16_t, std::string_view>>;

bool is_below(const Paths& paths, std::uint16_t root, std::string_view path) {
    for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos; slash = path.rfind('/')) {
        path = path.substr(0, slash);
        if (paths.contains({root, path})) return true;
    }
    return false;
}

// What several generations come to: each path once, since what lies there is read once. What was removed on
// the way is removed before anything is put, and so is what was there before a folder that came whole: a
// folder that went and came again holds nothing of the old one.
class Burst {
  public:
    explicit Burst(const std::vector<KeptChange>& changes) {
        Paths removed;
        Paths whole;
        for (const KeptChange& change : changes) {
            if (change.whole || change.kind == ChangeKind::remove)
                removed.emplace(change.root, change.path.str());
            if (change.whole) whole.emplace(change.root, change.path.str());
        }
        for (const KeptChange& change : changes) {
            if ((change.whole || change.kind == ChangeKind::remove) &&
                !is_below(removed, change.root, change.path.str()))
                removed_.push_back(&change);
            if (change.kind != ChangeKind::remove && !is_below(whole, change.root, change.path.str()))
                put_.push_back(&change);
        }
        make_unique(removed_);
        make_unique(put_);
    }
    [[nodiscard]] const std::vector<const KeptChange*>& removed() const { return removed_; }
    [[nodiscard]] const std::vector<const KeptChange*>& put() const { return put_; }

  private:
    static void make_unique(std::vector<const KeptChange*>& changes) {
        const auto key = [](const KeptChange* change) { return std::tie(change->root, change->path); };
        std::ranges::sort(changes, [&](const KeptChange* a, const KeptChange* b) {
            return key(a) != key(b) ? key(a) < key(b) : a->whole > b->whole;
        });
        const auto rest = std::ranges::unique(changes, {}, key);
        changes.erase(rest.begin(), rest.end());
    }
    std::vector<const KeptChange*> removed_;  // each stands for all below it
    std::vector<const KeptChange*> put_;
};

}  // namespace

KeptLog::KeptLog(const std::filesystem::path& folder, std::vector<std::string> roots, std::uint64_t max_bytes)
    : file_(folder / "log"), folders_(std::move(roots)), max_bytes_(max_bytes) {}

Result<> KeptLog::open() {
    if (fd_) return {};
    TRY_ASSIGN(fd_, open_file(file_, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600));
    return {};
}

std::optional<KeptLog::Header> KeptLog::header() {
    if (!open()) return std::nullopt;
    std::string bytes(kHeaderBytes, '\0');
    if (::pread(fd_.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return std::nullopt;
    WireReader reader(bytes);
    if (reader.take(kMagic.size()) != kMagic) return std::nullopt;
    Header header;
    header.id = GenerationId{reader.number<std::uint64_t>()};
    header.bytes = reader.number<std::uint64_t>();
    const auto check = reader.number<std::uint64_t>();
    struct stat info{};
    if (check != xxh3(std::string_view(bytes).substr(0, kHeaderBytes - 8)).low) return std::nullopt;
    if (::fstat(fd_.get(), &info) != 0 || static_cast<std::uint64_t>(info.st_size) < header.bytes ||
        header.bytes < kHeaderBytes)
        return std::nullopt;
    return header;
}

Result<> KeptLog::set_header(int fd, Header header) {
    std::string bytes(kMagic);
    WireWriter writer(bytes);
    writer.number(std::to_underlying(header.id));
    writer.number(header.bytes);
    writer.number(xxh3(bytes).low);
    // A process that is killed leaves a write of so few bytes done or not done.
    if (::pwrite(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return fail_errno("the pod's own copy");
    return {};
}

std::optional<GenerationId> KeptLog::generation() {
    const auto found = header();
    return found ? std::optional(found->id) : std::nullopt;
}

void KeptLog::clear() {
    if (fd_) (void)!::ftruncate(fd_.get(), 0);
    compacted_bytes_ = 0;
}

// After the last read: where the next generation has not begun by then, nothing that was read is of it.
Result<> KeptLog::check_interrupted() const {
    return interrupted_ ? Result<>(fail(Errc::cancelled, "interrupted")) : Result<>{};
}

Result<> KeptLog::append(GenerationId id, const std::vector<KeptChange>& changes) {
    auto appended = append_all(id, changes);
    if (!appended && appended.error().code != Errc::cancelled) clear();
    return appended;
}

Result<> KeptLog::append_all(GenerationId id, const std::vector<KeptChange>& changes) {
    TRY(open());
    Header at = header().value_or(Header{{}, kHeaderBytes});
    if (::ftruncate(fd_.get(), static_cast<off_t>(at.bytes)) != 0) return fail_errno("the pod's own copy");
    KeptWriter writer(folders_, fd_.get(), {at.bytes, max_bytes_, &interrupted_}, id);
    const Burst burst(changes);
    for (const KeptChange* change : burst.removed())
        TRY(writer.add({ChangeKind::remove, change->root, change->path, false}));
    TRY(writer.finish());
    for (const KeptChange* change : burst.put()) TRY(writer.add(*change));
    TRY(writer.finish());
    TRY(check_interrupted());
    TRY(set_header(fd_.get(), {id, writer.end()}));
    const std::uint64_t worth = std::max(kCompactFromBytes, 2 * compacted_bytes_);
    return writer.end() > worth ? compact(id) : Result<>{};
}

// Frames into steps, one frame in memory at a time.
Result<> KeptLog::read(const StepHandler& handle) {
    const auto found = header();
    if (!found) return {};
    protocol::FrameDecoder frames;
    protocol::GenerationDecoder decoder(folders_.roots());
    std::vector<char> buffer(kReadBytes);
    for (std::uint64_t offset = kHeaderBytes; offset < found->bytes;) {
        const std::size_t wanted = std::min<std::uint64_t>(found->bytes - offset, buffer.size());
        const ssize_t got = ::pread(fd_.get(), buffer.data(), wanted, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail_errno("the pod's own copy: read");
        offset += static_cast<std::uint64_t>(got);
        frames.feed({buffer.data(), static_cast<std::size_t>(got)});
        for (;;) {
            TRY_ASSIGN(const auto frame, frames.next());
            if (!frame) break;
            TRY(decoder.feed(*frame));
            for (;;) {
                TRY_ASSIGN(auto step, decoder.next());
                if (!step) break;
                TRY(handle(*std::move(step)));
            }
        }
    }
    return {};
}

Result<> KeptLog::restore(Folders& folders, StagingAreas& areas) {
    const auto kept = generation();
    if (!kept) return {};
    std::optional<Transaction> transaction;
    TRY(read([&](protocol::GenerationStep step) -> Result<> {
        if (std::holds_alternative<protocol::GenerationStart>(step)) {
            // No number before all is there: one that is killed meanwhile begins anew.
            transaction.emplace(folders, areas, GenerationId{});
            return {};
        }
        if (!std::holds_alternative<protocol::GenerationEnd>(step)) return transaction->take(std::move(step));
        auto committed = transaction->commit();
        transaction.reset();
        return committed;
    }));
    return areas.set_generation(*kept);
}

Result<> KeptLog::for_each(const std::function<void(ChangeKind, std::uint16_t, const RelPath&)>& seen) {
    return read([&](const protocol::GenerationStep& step) -> Result<> {
        if (const auto* change = std::get_if<protocol::ChangeStart>(&step))
            seen(change->change.kind, change->change.root, change->change.path);
        return {};
    });
}

// What is removed first, then what is there: read anew from the folders, into a file that takes the old one's
// place.
Result<> KeptLog::compact(GenerationId id) {
    std::map<std::pair<std::uint16_t, RelPath>, ChangeKind> live;
    std::set<std::pair<std::uint16_t, RelPath>> removed;
    TRY(for_each([&](ChangeKind kind, std::uint16_t root, const RelPath& path) {
        if (kind != ChangeKind::make_folder) {
            auto below = live.upper_bound({root, path});
            while (below != live.end() && below->first.first == root && below->first.second.is_below(path))
                below = live.erase(below);
        }
        if (kind == ChangeKind::remove) {
            live.erase({root, path});
            removed.emplace(root, path);
        } else {
            live[{root, path}] = kind;
        }
    }));
    const std::filesystem::path fresh = file_.native() + ".new";
    ::unlink(fresh.c_str());
    TRY_ASSIGN(Fd fd, open_file(fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    if (::ftruncate(fd.get(), kHeaderBytes) != 0) return fail_errno("the pod's own copy");
    KeptWriter writer(folders_, fd.get(), {kHeaderBytes, max_bytes_, &interrupted_}, id);
    Paths removed_paths;
    for (const auto& [root, path] : removed) removed_paths.emplace(root, path.str());
    for (const auto& [root, path] : removed) {
        if (!is_below(removed_paths, root, path.str()))
            TRY(writer.add({ChangeKind::remove, root, path, false}));
    }
    TRY(writer.finish());
    for (const auto& [place, kind] : live) TRY(writer.add({kind, place.first, place.second, false}));
    TRY(writer.finish());
    TRY(check_interrupted());
    TRY(set_header(fd.get(), {id, writer.end()}));
    if (::rename(fresh.c_str(), file_.c_str()) != 0) return fail_errno("the pod's own copy: rename");
    fd_ = std::move(fd);
    compacted_bytes_ = writer.end();
    return {};
}

}  // namespace synchost::agent
