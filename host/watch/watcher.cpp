#include "host/watch/watcher.hpp"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "base/rel_path.hpp"
#include "host/watch/detail/git_lock.hpp"
#include "host/watch/detail/inotify_event.hpp"
#include "host/watch/detail/watch_set.hpp"

namespace synchost::host {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using detail::InotifyEvent;
using detail::WatchSet;

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
// The kernel is silent when a folder above a root is moved, and when a root is deleted that somebody holds
// open.
constexpr std::chrono::seconds kRootCheck{1};
constexpr std::chrono::milliseconds kLockCheck{2};

bool is_or_lies_in(const fs::path& path, const fs::path& folder) {
    const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    return end == folder.end();
}

Result<std::vector<fs::path>> resolve(const std::vector<fs::path>& roots) {
    std::vector<fs::path> resolved;
    for (const fs::path& root : roots) {
        std::error_code why;
        fs::path path = fs::canonical(root, why);
        if (why) return fail_errno("watch " + printable(root.native()), why.value());
        for (const fs::path& other : resolved) {
            if (!is_or_lies_in(path, other) && !is_or_lies_in(other, path)) continue;
            return fail(Errc::invalid_input, "watch: of " + printable(path.native()) + " and " +
                                                 printable(other.native()) + " one lies in the other");
        }
        resolved.push_back(std::move(path));
    }
    return resolved;
}

}  // namespace

class Watcher::Impl {
  public:
    Impl(const asio::any_io_executor& executor, WatchSet set, IgnoredFolder ignored, DebounceTimes times)
        : set_(std::move(set)),
          git_(set_.roots()),
          ignored_(std::move(ignored)),
          debounce_(times),
          descriptor_(executor),
          timer_(executor) {
        descriptor_.assign(set_.fd());
    }
    ~Impl() { descriptor_.release(); }  // the set closes it
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    [[nodiscard]] const std::vector<fs::path>& roots() const { return set_.roots(); }
    void report(std::vector<Error> unwatched) {
        for (Error& error : unwatched)
            debounce_.add_unwatched(std::move(error), std::chrono::steady_clock::now());
    }
    asio::awaitable<Result<Batch>> next();

  private:
    Result<std::optional<Batch>> look();
    Result<bool> read_once();
    Result<> handle(const InotifyEvent& event);
    Result<> handle_self(const PathEvent& folder, std::uint32_t mask);
    Result<> handle_folder(const PathEvent& folder, std::uint32_t mask);
    void handle_file(PathEvent path, std::uint32_t mask);
    [[nodiscard]] bool has_open_writer(const PathEvent& path) const;
    Result<> start_over();
    void touch(PathEvent path, Touch kind) { debounce_.touch(std::move(path), kind, now_); }

    WatchSet set_;
    detail::GitLocks git_;
    IgnoredFolder ignored_;
    Debounce debounce_;
    asio::posix::stream_descriptor descriptor_;
    asio::steady_timer timer_;
    Batch::Time now_{};           // of the read whose events are handled
    Batch::Time wake_{};          // when to look again if nothing comes
    std::optional<Error> ended_;  // why there will be no further batch
    alignas(inotify_event) std::array<std::byte, std::size_t{64} << 10> buffer_;
};

asio::awaitable<Result<Batch>> Watcher::Impl::next() {
    using namespace asio::experimental::awaitable_operators;
    for (;;) {
        if (ended_) co_return std::unexpected(*ended_);
        if (auto batch = look(); !batch) {
            ended_ = batch.error();
            continue;
        } else if (*batch) {
            co_return **std::move(batch);
        }
        timer_.expires_at(wake_);
        co_await (descriptor_.async_wait(asio::posix::descriptor_base::wait_read, use_tuple) ||
                  timer_.async_wait(use_tuple));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            co_return fail(Errc::cancelled, "watch: cancelled");
    }
}

// Handles what the kernel holds, or a part of it, and gives the batch if it is due.
Result<std::optional<Batch>> Watcher::Impl::look() {
    constexpr int kReads = 8;  // then other work of this thread gets its turn
    bool emptied = false;
    for (int i = 0; i < kReads && !emptied; ++i) {
        TRY_ASSIGN(emptied, read_once());
    }
    // While the kernel holds more, now_ is the time of the last touch: only the longest time can be over.
    if (emptied) now_ = std::chrono::steady_clock::now();
    auto due = debounce_.due();
    wake_ = std::min(due.value_or(Batch::Time::max()), now_ + kRootCheck);
    if (due && now_ >= *due && git_.held(std::chrono::system_clock::now())) {
        due = debounce_.due(Outlook::more_comes);
        wake_ = now_ + kLockCheck;
    }
    const bool is_due = due && now_ >= *due;
    if (is_due || emptied) TRY(set_.check_roots());
    if (!is_due) return std::nullopt;
    return debounce_.take();
}

// True where there was nothing to read.
Result<bool> Watcher::Impl::read_once() {
    const ssize_t got = ::read(set_.fd(), buffer_.data(), buffer_.size());
    if (got < 0 && errno == EAGAIN) return true;
    if (got < 0 && errno == EINTR) return false;
    if (got <= 0) return fail_errno("inotify: read");
    now_ = std::chrono::steady_clock::now();
    TRY_ASSIGN(const auto events,
               detail::parse_inotify(std::span(buffer_).first(static_cast<std::size_t>(got))));
    for (const InotifyEvent& event : events) {
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
            TRY(start_over());
            break;
        }
        TRY(handle(event));
    }
    return false;
}

Result<> Watcher::Impl::handle(const InotifyEvent& event) {
    if ((event.mask & IN_IGNORED) != 0) {
        set_.forget(event.watch);
        return {};
    }
    const PathEvent* folder = set_.place_of(event.watch);
    if (folder == nullptr) return {};
    if (event.name.empty()) return handle_self(*folder, event.mask);
    PathEvent path = *folder;
    if (!path.path.empty()) path.path += '/';
    path.path += event.name;
    if ((event.mask & IN_ISDIR) != 0) return handle_folder(path, event.mask);
    handle_file(std::move(path), event.mask);
    return {};
}

// What happens to a folder below a root is told by its parent's watch too, but for a root there is no such
// watch.
Result<> Watcher::Impl::handle_self(const PathEvent& folder, std::uint32_t mask) {
    if ((mask & IN_UNMOUNT) != 0) debounce_.lose(now_);
    const bool ends = (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_ATTRIB)) != 0;
    return folder.path.empty() && ends ? set_.check_roots() : Result<>{};
}

Result<> Watcher::Impl::handle_folder(const PathEvent& folder, std::uint32_t mask) {
    if (set_.is_ignored(folder)) return {};
    if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
        set_.drop(folder);
        touch(folder, Touch::removed);
    } else if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
        // A folder that was moved here is complete; in one that was made here, writers may be at work.
        const bool is_whole = (mask & IN_MOVED_TO) != 0;
        touch(folder, is_whole ? Touch::all_arrived : Touch::arrived);
        std::vector<Error> unwatched;
        auto found = [&](PathEvent path) { touch(std::move(path), Touch::found); };
        TRY(is_whole ? set_.add(folder, nullptr, unwatched) : set_.add(folder, found, unwatched));
        report(std::move(unwatched));
    } else {
        touch(folder, Touch::attributes);
    }
    return {};
}

void Watcher::Impl::handle_file(PathEvent path, std::uint32_t mask) {
    Touch kind = Touch::attributes;
    if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) kind = Touch::removed;
    if ((mask & IN_MOVED_TO) != 0) kind = Touch::arrived;
    if ((mask & IN_CREATE) != 0) kind = has_open_writer(path) ? Touch::created : Touch::arrived;
    if ((mask & IN_MODIFY) != 0) kind = Touch::written;
    if ((mask & IN_CLOSE_WRITE) != 0) kind = Touch::closed;
    touch(std::move(path), kind);
}

// IN_CREATE comes from open(O_CREAT), which a close will follow, and from symlink(2) and link(2), which it
// will not. Where there are bytes already, either the file was linked here whole, or an event that tells of
// the writing is behind this one.
bool Watcher::Impl::has_open_writer(const PathEvent& path) const {
    struct stat info{};
    return ::lstat(set_.full_path(path).c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1 &&
           info.st_size == 0;
}

// After an overflow no watch can be trusted: a new set from nothing, watched before the consumer looks again.
Result<> Watcher::Impl::start_over() {
    debounce_.lose(now_);
    std::vector<Error> unwatched;
    TRY(set_.check_roots());
    TRY_ASSIGN(WatchSet fresh, WatchSet::open(set_.roots(), ignored_, unwatched));
    descriptor_.release();
    set_ = std::move(fresh);
    descriptor_.assign(set_.fd());
    report(std::move(unwatched));
    return {};
}

Result<Watcher> Watcher::open(asio::any_io_executor executor, const std::vector<fs::path>& roots,
                              IgnoredFolder ignored, DebounceTimes times) {
    TRY_ASSIGN(auto resolved, resolve(roots));
    std::vector<Error> unwatched;
    TRY_ASSIGN(WatchSet set, WatchSet::open(std::move(resolved), ignored, unwatched));
    auto impl = std::make_unique<Impl>(executor, std::move(set), std::move(ignored), times);
    impl->report(std::move(unwatched));
    return Watcher(std::move(impl));
}

Watcher::Watcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;
Watcher::~Watcher() = default;

const std::vector<fs::path>& Watcher::roots() const {
    return impl_->roots();
}
asio::awaitable<Result<Batch>> Watcher::next() {
    return impl_->next();
}

std::vector<fs::path> outermost_folders(std::vector<fs::path> folders) {
    std::ranges::sort(folders);
    std::vector<fs::path> outermost;
    for (fs::path& folder : folders) {
        // Sorted by component, a folder comes right before all that lies in it.
        if (outermost.empty() || !is_or_lies_in(folder, outermost.back()))
            outermost.push_back(std::move(folder));
    }
    return outermost;
}

}  // namespace synchost::host
