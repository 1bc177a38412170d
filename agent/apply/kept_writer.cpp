#include "agent/apply/kept_writer.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "agent/apply/kept_log.hpp"
#include "base/fd.hpp"
#include "protocol/generation_decoder.hpp"

namespace synchost::agent {

using protocol::Change;
using protocol::ChangeKind;
using protocol::ContentReader;

namespace {

constexpr std::size_t kChanges = 512;  // of one generation
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

class FileReader : public ContentReader {
  public:
    FileReader(Fd file, const std::atomic<bool>* interrupted)
        : file_(std::move(file)), interrupted_(interrupted), buffer_(kPieceBytes, '\0') {}
    Result<std::optional<Piece>> next() override {
        if (*interrupted_) return fail(Errc::cancelled, "interrupted");
        ssize_t got = 0;
        do got = ::read(file_.get(), buffer_.data(), buffer_.size());
        while (got < 0 && errno == EINTR);
        if (got < 0) return fail_errno("read");
        if (got == 0) return std::nullopt;
        const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
        hasher_.update(bytes);
        return Piece(bytes);
    }
    [[nodiscard]] Xxh3 hash() const override { return hasher_.value(); }

  private:
    Fd file_;
    const std::atomic<bool>* interrupted_;
    std::string buffer_;
    Xxh3Hasher hasher_;
};

}  // namespace

KeptWriter::KeptWriter(Folders& folders, int fd, Limits limits, protocol::GenerationId id)
    : folders_(folders),
      fd_(fd),
      limits_(limits),
      generation_{.id = id, .roots = folders.roots()},
      end_(limits.begin) {}

Result<> KeptWriter::check_interrupted() const {
    return *limits_.interrupted ? Result<>(fail(Errc::cancelled, "interrupted")) : Result<>{};
}

Result<> KeptWriter::add(const KeptChange& change) {
    if (change.kind == ChangeKind::remove)
        return add_change({.kind = change.kind, .root = change.root, .path = change.path});
    const auto folder = folders_.open(change.root, change.path.parent());
    if (!folder) return {};  // gone, or no folder of ours any more
    TRY(add_entry(change.root, *folder, std::string(change.path.name()), change.path.str()));
    return change.whole ? add_all_below(change.root, change.path.str()) : Result<>{};
}

Result<> KeptWriter::add_entry(std::uint16_t root, int folder, const std::string& name,
                               const std::string& path) {
    struct stat info{};
    if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};
    auto parsed = RelPath::parse(path);
    if (!parsed) return {};
    Change change{.root = root, .path = *std::move(parsed), .mode = info.st_mode & 07777};
    if (S_ISDIR(info.st_mode)) {
        change.kind = ChangeKind::make_folder;
    } else if (S_ISLNK(info.st_mode)) {
        change.kind = ChangeKind::put_symlink;
        std::array<char, 4096> target;
        const ssize_t size = ::readlinkat(folder, name.c_str(), target.data(), target.size());
        if (size <= 0 || static_cast<std::size_t>(size) > protocol::kMaxSymlinkBytes) return {};
        change.link_target.assign(target.data(), static_cast<std::size_t>(size));
    } else if (S_ISREG(info.st_mode)) {
        // Opened when its turn comes: descriptors are few.
        change.content = [this, root, path, name]() -> Result<std::unique_ptr<ContentReader>> {
            const auto parent = folders_.open(
                root, path.substr(0, path.size() - name.size() - (path.size() > name.size() ? 1 : 0)));
            if (!parent) return nullptr;
            Fd file(::openat(*parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
            if (!file) return nullptr;
            return std::make_unique<FileReader>(std::move(file), limits_.interrupted);
        };
    } else {
        return {};
    }
    return add_change(std::move(change));
}

Result<> KeptWriter::add_all_below(std::uint16_t root, const std::string& path) {
    const auto handle = folders_.open(root, path);
    if (!handle) return {};
    const std::unique_ptr<DIR, CloseDir> dir(
        ::fdopendir(::openat(*handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (dir == nullptr) return {};
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string name = entry->d_name;
        if (name == "." || name == ".." || name.starts_with(protocol::kStagingPrefix)) continue;
        const std::string child = path + "/" + name;
        TRY(add_entry(root, ::dirfd(dir.get()), name, child));
        if (entry->d_type == DT_DIR) TRY(add_all_below(root, child));
    }
    return {};
}

// A folder that the app changes while it is listed may show a name twice: what lies there now is written
// once.
Result<> KeptWriter::add_change(Change change) {
    if (change.kind != ChangeKind::remove && !put_.emplace(change.root, change.path).second) return {};
    generation_.changes.push_back(std::move(change));
    return generation_.changes.size() < kChanges ? Result<>{} : finish();
}

Result<> KeptWriter::finish() {
    TRY(check_interrupted());
    if (generation_.changes.empty()) return {};
    auto written =
        protocol::encode_generation(generation_, [&](const protocol::FramePayload& frame) -> Result<> {
            frame_.clear();
            protocol::append_frame(frame_,
                                   {frame.type, frame.flags, protocol::kSessionChannel, frame.payload});
            if (frame_.size() > limits_.end - std::min(limits_.end, end_))
                return fail_errno("the pod's own copy", ENOSPC);
            std::string_view left = frame_;
            while (!left.empty()) {
                const ssize_t put = ::pwrite(fd_, left.data(), left.size(), static_cast<off_t>(end_));
                if (put < 0 && errno == EINTR) continue;
                if (put < 0) return fail_errno("the pod's own copy");
                left.remove_prefix(static_cast<std::size_t>(put));
                end_ += static_cast<std::uint64_t>(put);
            }
            return {};
        });
    generation_.changes.clear();
    put_.clear();
    return written;
}

}  // namespace synchost::agent
