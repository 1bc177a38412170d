// The first half of a transaction: temporary files, and the check of all targets before anything is
// published.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <utility>

#include "agent/apply/transaction.hpp"
#include "base/file.hpp"

namespace synchost::agent {

using protocol::Change;
using protocol::ChangeKind;

namespace {

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// Whether a folder that cannot be opened may be one that this generation makes: missing, or something else
// there.
bool may_be_made(const Error& error) {
    return error.code == Errc::not_found || error.code == Errc::invalid_input || error.sys_errno == ENOTDIR;
}

std::unexpected<Error> stage_failure(const std::string& name, int why) {
    auto failure = fail_errno(name + ": stage", why);
    if (why == EACCES || why == EPERM || why == EROFS) {
        failure.error().next_step =
            "Make the folder writable for the container's user: images that synchost builds are.";
    }
    return failure;
}

using MadeFolders = std::set<std::pair<std::uint16_t, std::string>>;

// Whether `folder` or one above it is made by the generation.
bool is_made(const MadeFolders& made, std::uint16_t root, std::string_view folder) {
    for (; !folder.empty(); folder = parent_of(folder)) {
        if (made.contains({root, std::string(folder)})) return true;
    }
    return false;
}

}  // namespace

std::string Transaction::name_of(const Place& place) const {
    return folders_.name_of(place.root, place.folder.empty() ? place.name : place.folder + "/" + place.name);
}

Transaction::Place Transaction::aside_of(const Place& target) {
    const std::string number = std::to_string(std::to_underlying(id_)) + "-" + std::to_string(names_++);
    return {target.root, target.folder, std::string(protocol::kStagingPrefix) + number};
}

Result<Transaction::Place> Transaction::make_staging_place(const Change& change) {
    std::string_view folder = change.path.parent();
    for (;;) {
        auto handle = folders_.open(change.root, folder);
        if (handle) return aside_of({change.root, std::string(folder), {}});
        if (folder.empty() || !may_be_made(handle.error())) return std::unexpected(std::move(handle).error());
        folder = parent_of(folder);
    }
}

Result<> Transaction::stage(protocol::ChangeStart start) {
    Item item{std::move(start.change), {}};
    const bool is_file = item.change.kind == ChangeKind::put_file;
    if (is_file || item.change.kind == ChangeKind::put_symlink) {
        for (int attempt = 0;; ++attempt) {  // a name may be left over from a supervisor that was killed
            TRY_ASSIGN(item.staged, make_staging_place(item.change));
            TRY_ASSIGN(const int folder, folders_.open(item.staged.root, item.staged.folder));
            const char* name = item.staged.name.c_str();
            int made = 0;
            if (is_file) {
                made = ::openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
                file_.reset(made);
            } else {
                made = ::symlinkat(item.change.content->c_str(), folder, name);
            }
            if (made >= 0) break;
            if (errno != EEXIST || attempt == 1000) {
                return stage_failure(folders_.name_of(item.change.root, item.change.path.str()), errno);
            }
        }
        garbage_.push_back(item.staged);
    }
    items_.push_back(std::move(item));
    if (!is_file) return {};
    hasher_ = Xxh3Hasher();
    return start.size == 0 ? finish_file() : Result<>{};
}

Result<> Transaction::write(protocol::FileBytes bytes) {
    hasher_.update(bytes.bytes);
    if (auto written = write_all(file_.get(), bytes.bytes); !written) {
        const Change& change = items_.back().change;
        return std::unexpected(
            std::move(written).error().context(folders_.name_of(change.root, change.path.str())));
    }
    return bytes.last ? finish_file() : Result<>{};
}

Result<> Transaction::finish_file() {
    const Change& change = items_.back().change;
    const std::string name = folders_.name_of(change.root, change.path.str());
    if (hasher_.value() != change.hash)
        return fail(Errc::protocol, name + ": the content does not have the announced hash");
    if (::fchmod(file_.get(), change.mode) != 0) return fail_errno(name + ": chmod");
    file_.reset();
    return {};
}

// Every target must be reachable now, or below a folder that this generation makes.
Result<> Transaction::check_targets() {
    MadeFolders made;
    for (const Item& item : items_) {
        if (item.change.kind == ChangeKind::make_folder)
            made.emplace(item.change.root, item.change.path.str());
    }
    folders_.release();  // what was opened while staging may have been replaced since
    for (const Item& item : items_) {
        if (item.change.kind == ChangeKind::remove) continue;
        for (std::string_view folder = item.change.path.parent();; folder = parent_of(folder)) {
            auto handle = folders_.open(item.change.root, folder);
            if (handle) break;
            const bool will_be =
                handle.error().code == Errc::not_found || is_made(made, item.change.root, folder);
            if (folder.empty() || !will_be) return std::unexpected(std::move(handle).error());
        }
    }
    return {};
}

Transaction::~Transaction() {
    file_.reset();
    for (const Place& place : garbage_) discard(place);
    folders_.release();
}

void Transaction::discard(const Place& place) {
    const auto folder = folders_.open(place.root, place.folder);
    // A name that is gone was published; one that cannot be deleted is skipped by every inventory.
    if (folder) (void)remove_tree(*folder, place.name);
}

}  // namespace synchost::agent
