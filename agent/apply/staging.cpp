// The first half of a transaction: the staging area is filled, and all targets are checked before anything is
// published.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "agent/apply/transaction.hpp"
#include "base/file.hpp"

namespace synchost::agent {

using protocol::Change;
using protocol::ChangeKind;

namespace {

constexpr std::size_t kCopyBytes = std::size_t{256} << 10;
// Up to so many bytes a new folder's file is collected, and made on whichever thread has time.
constexpr std::size_t kWholeBytes = std::size_t{64} << 10;
// A thread is worth it from so many bytes on.
constexpr std::uint64_t kWriteBehindFrom = std::uint64_t{1} << 20;
constexpr std::uint32_t kOwnerMayAll = 0700;

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// Whether a folder that cannot be opened may be one that this generation makes: missing, or something else
// there.
bool may_be_made(const Error& error) {
    return error.code == Errc::not_found || error.code == Errc::invalid_input || error.sys_errno == ENOTDIR;
}

std::unexpected<Error> base_differs(const std::string& name, std::string_view why) {
    return std::unexpected(Error{Errc::conflict,
                                 name + ": is not the version that the host knows: " + std::string(why),
                                 protocol::kBaseDiffers, "Nothing to do: the whole file is sent next."});
}

// Permission bits as they are asked for, whatever the process's mask, which nobody else changes.
class NoMask {
  public:
    explicit NoMask(std::uint32_t mode) : is_in_the_way_((mode & masked_bits()) != 0) {
        if (is_in_the_way_) ::umask(0);
    }
    ~NoMask() {
        if (is_in_the_way_) ::umask(masked_bits());
    }
    NoMask(const NoMask&) = delete;
    NoMask& operator=(const NoMask&) = delete;

  private:
    bool is_in_the_way_;
};

using MadeFolders = std::set<std::pair<std::uint16_t, std::string>>;

// Whether `folder` or one above it is made by the generation.
bool is_made(const MadeFolders& made, std::uint16_t root, std::string_view folder) {
    for (; !folder.empty(); folder = parent_of(folder)) {
        if (made.contains({root, std::string(folder)})) return true;
    }
    return false;
}

}  // namespace

// In a folder of the generation's own where the path lies in one: under its own name, published with it.
std::optional<Place> Transaction::place_in_fresh_folder(std::uint16_t root, std::string_view path) const {
    if (fresh_.empty()) return std::nullopt;
    for (std::string_view folder = parent_of(path); !folder.empty(); folder = parent_of(folder)) {
        const auto found = fresh_.find({root, std::string(folder)});
        if (found == fresh_.end()) continue;
        const Place& top = found->second;
        const std::string_view rest = path.substr(folder.size() + 1);
        Place place{root, top.in_area, top.folder.empty() ? top.name : top.folder + "/" + top.name,
                    std::string(rest.substr(rest.rfind('/') + 1))};
        if (const std::string_view between = parent_of(rest); !between.empty())
            (place.folder += '/') += between;
        return place;
    }
    return std::nullopt;
}

// Beside the target where that lies on another mount than its root (a volume in a managed folder).
Result<Place> Transaction::place_beside_or_in_area(const Change& change) {
    TRY_ASSIGN(StagingArea* const area, areas_.of(change.root));
    std::string_view folder = change.path.parent();
    for (;; folder = parent_of(folder)) {
        auto handle = folders_.open(change.root, folder);
        if (!handle && (folder.empty() || !may_be_made(handle.error())))
            return std::unexpected(std::move(handle).error());
        if (!handle) continue;
        if (folder.empty() || mount_of(*handle) == area->mount())
            return Place{change.root, true, {}, areas_.new_name()};
        return aside_of({change.root, false, std::string(folder), {}});
    }
}

// Folders of the area are made one by one from a handle: a symlink of the same generation may be on the way.
Result<int> Transaction::open_or_make_folder_of(const Place& place) {
    auto folder = open_folder_of(place);
    if (folder || folder.error().code != Errc::not_found || !place.in_area) return folder;
    const Place above{place.root, true, std::string(parent_of(place.folder)),
                      place.folder.substr(place.folder.rfind('/') + 1)};
    TRY_ASSIGN(const int parent, open_or_make_folder_of(above));
    if (::mkdirat(parent, above.name.c_str(), 0755) != 0) return fail_errno(name_of(place) + ": stage");
    return open_folder_of(place);
}

Result<> Transaction::take(protocol::GenerationStep step) {
    if (auto* change = std::get_if<protocol::ChangeStart>(&step)) return stage(std::move(*change));
    if (const auto* bytes = std::get_if<protocol::FileBytes>(&step)) return write(*bytes);
    if (const auto* range = std::get_if<protocol::CopyRange>(&step)) return copy(*range);
    if (const auto* end = std::get_if<protocol::FileEnd>(&step)) return finish(*end);
    return {};
}

Result<> Transaction::stage(protocol::ChangeStart start) {
    const Change& change = start.change;
    if (change.kind == ChangeKind::make_folder) return stage_folder(change);
    if (change.kind == ChangeKind::remove) {
        items_.push_back({change.kind, change.root, 0, change.path, {}, 0});
        return {};
    }
    if (start.base) TRY(open_base(change, *start.base));
    has_base_ = start.base.has_value();
    auto place = place_in_fresh_folder(change.root, change.path.str());
    const bool in_fresh_folder = place.has_value();
    if (!in_fresh_folder) {
        TRY_ASSIGN(place, place_beside_or_in_area(change));
        garbage_.push_back(*place);
    }
    if (change.kind == ChangeKind::put_symlink) {
        TRY(stage_symlink(change, *place));
    } else {
        TRY(stage_file(change, *place, in_fresh_folder));
    }
    reserves_ = items_.empty() && !in_fresh_folder;
    if (in_fresh_folder) return {};
    items_.push_back({change.kind, change.root, change.mode, change.path, *std::move(place), 0});
    return {};
}

Result<> Transaction::stage_symlink(const Change& change, const Place& place) {
    TRY_ASSIGN(const int folder, open_or_make_folder_of(place));
    if (::symlinkat(change.link_target.c_str(), folder, place.name.c_str()) != 0)
        return stage_failure(folders_.name_of(change.root, change.path.str()), errno);
    return {};
}

Result<> Transaction::stage_file(const Change& change, const Place& place, bool in_fresh_folder) {
    TRY_ASSIGN(const int folder, open_or_make_folder_of(place));
    file_name_ = folders_.name_of(change.root, change.path.str());
    if (!in_fresh_folder || !place.in_area || has_base_) return open_file(folder, place.name, change.mode);
    whole_file_ = WholeFile{last_folder_, place.name, change.mode, {}, {}, file_name_};
    return {};
}

Result<> Transaction::open_file(int folder, const std::string& name, std::uint32_t mode) {
    const NoMask exact(mode);
    Fd file(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!file) return stage_failure(file_name_, errno);
    file_ = std::make_shared<const Fd>(std::move(file));
    written_ = 0;
    is_behind_ = false;
    file_mode_ = mode;
    hasher_ = Xxh3Hasher();
    return {};
}

Result<> Transaction::stage_folder(const Change& change) {
    auto place = place_in_fresh_folder(change.root, change.path.str());
    const bool in_fresh_folder = place.has_value();
    if (!in_fresh_folder) {
        const auto above = folders_.open(change.root, change.path.parent());
        if (above) {
            TRY_ASSIGN(const auto entry, entry_of(*above, std::string(change.path.name())));
            if (entry && S_ISDIR(entry->st_mode)) {
                items_.push_back({change.kind, change.root, change.mode, change.path, {}, 0});
                return {};
            }
        }
        TRY_ASSIGN(place, place_beside_or_in_area(change));
        garbage_.push_back(*place);
    }
    TRY_ASSIGN(const int folder, open_or_make_folder_of(*place));
    const std::string name = folders_.name_of(change.root, change.path.str());
    {
        const std::uint32_t open_mode = change.mode | kOwnerMayAll;
        const NoMask exact(open_mode);
        // Its files may have come before it, and made it for themselves.
        if (::mkdirat(folder, place->name.c_str(), open_mode) != 0 && errno != EEXIST)
            return stage_failure(name, errno);
        // mkdir(2) leaves special bits out, and passes on the set-group-ID bit of the folder above.
        if (::fchmodat(folder, place->name.c_str(), open_mode, 0) != 0) return fail_errno(name + ": chmod");
    }
    fresh_[{change.root, change.path.str()}] = *place;
    // Published with the folder that it lies in; only its mode may be left to set.
    if (in_fresh_folder && (change.mode & kOwnerMayAll) == kOwnerMayAll) return {};
    TRY_ASSIGN(const auto entry, entry_of(folder, place->name));
    items_.push_back({change.kind, change.root, change.mode, change.path, in_fresh_folder ? Place{} : *place,
                      entry ? std::uint64_t{entry->st_ino} : 0});
    return {};
}

Result<> Transaction::open_base(const Change& change, const protocol::FileBase& base) {
    const std::string name = folders_.name_of(change.root, change.path.str());
    const auto folder = folders_.open(change.root, change.path.parent());
    if (!folder) return base_differs(name, folder.error().message);
    base_.reset(::openat(*folder, std::string(change.path.name()).c_str(),
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info{};
    if (!base_ || ::fstat(base_.get(), &info) != 0)
        return base_differs(name, fail_errno("open").error().message);
    if (!S_ISREG(info.st_mode) || static_cast<std::uint64_t>(info.st_size) != base.size)
        return base_differs(name, "its size is another");
    return {};
}

Result<> Transaction::write(protocol::FileBytes bytes) {
    if (whole_file_) {
        std::string& content = whole_file_->content;
        content += bytes.bytes;
        if (content.size() <= kWholeBytes) return {};
        const WholeFile begun = *std::exchange(whole_file_, std::nullopt);
        TRY(open_file(begun.folder->get(), begun.name, begun.mode));
        return write({begun.content});
    }
    hasher_.update(bytes.bytes);
    // ext4 writes a file out to the disk in the rename that puts it over another one, unless its blocks are
    // allocated by then. Worth a call where that rename is the whole generation.
    if (std::exchange(reserves_, false))
        (void)::fallocate(file_->get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes.bytes.size()));
    if (writes_behind(bytes.bytes.size())) {
        std::string piece = writer_.buffer();
        piece.assign(bytes.bytes);
        return writer_.append({file_, std::move(piece), file_name_});
    }
    if (auto written = write_all(file_->get(), bytes.bytes); !written)
        return std::unexpected(std::move(written).error().context(file_name_));
    return {};
}

// Whether so many bytes more of the file go through the writer, as all that follow do then.
bool Transaction::writes_behind(std::uint64_t more) {
    written_ += more;
    is_behind_ = is_behind_ || written_ > kWriteBehindFrom;
    return is_behind_;
}

Result<> Transaction::copy(protocol::CopyRange range) {
    const bool behind = writes_behind(range.length);
    std::string buffer;
    auto offset = static_cast<off_t>(range.offset);
    for (std::uint64_t left = range.length; left > 0;) {
        if (behind) buffer = writer_.buffer();
        buffer.resize(std::min<std::uint64_t>(left, kCopyBytes));
        const ssize_t got = ::pread(base_.get(), buffer.data(), buffer.size(), offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(file_name_ + ": read");
        if (got == 0) return base_differs(file_name_, "it has become shorter");
        buffer.resize(static_cast<std::size_t>(got));
        hasher_.update(buffer);
        offset += got;
        left -= static_cast<std::uint64_t>(got);
        if (behind) {
            TRY(writer_.append({file_, std::move(buffer), file_name_}));
        } else if (auto written = write_all(file_->get(), buffer); !written) {
            return std::unexpected(std::move(written).error().context(file_name_));
        }
    }
    return {};
}

Result<> Transaction::finish(protocol::FileEnd end) {
    base_.reset();
    if (whole_file_) {
        whole_file_->hash = end.hash;
        return writer_.make(*std::exchange(whole_file_, std::nullopt));
    }
    if (hasher_.value() != end.hash) {
        if (has_base_) return base_differs(file_name_, "what was made of it has another hash");
        return fail(Errc::protocol, file_name_ + ": the content does not have the announced hash");
    }
    // Writing takes set-user-ID bits away.
    if ((file_mode_ & 07000) != 0) {
        if (is_behind_) TRY(writer_.finish());
        if (::fchmod(file_->get(), file_mode_) != 0) return fail_errno(file_name_ + ": chmod");
    }
    file_.reset();
    return {};
}

// All files must be made, and every target must be reachable now, or below a folder that this generation
// makes.
Result<> Transaction::check_targets() {
    TRY(writer_.finish());
    MadeFolders made;
    for (const JournalItem& item : items_) {
        if (item.kind == ChangeKind::make_folder) made.emplace(item.root, item.path.str());
    }
    folders_.release();  // what was opened while staging may have been replaced since
    for (const JournalItem& item : items_) {
        if (item.kind == ChangeKind::remove) continue;
        for (std::string_view folder = item.path.parent();; folder = parent_of(folder)) {
            auto handle = folders_.open(item.root, folder);
            if (handle) break;
            const bool will_be = handle.error().code == Errc::not_found || is_made(made, item.root, folder);
            if (folder.empty() || !will_be) return std::unexpected(std::move(handle).error());
        }
    }
    return {};
}

Transaction::~Transaction() {
    writer_.abandon();
    file_.reset();
    clean_up();
    folders_.release();
}

void Transaction::clean_up() {
    for (const Place& place : std::exchange(garbage_, {})) discard(place);
}

void Transaction::discard(const Place& place) {
    const auto folder = open_folder_of(place);
    // A name that is gone was published; one that cannot be deleted is skipped by every inventory.
    if (folder) (void)remove_tree(*folder, place.name);
}

}  // namespace synchost::agent
