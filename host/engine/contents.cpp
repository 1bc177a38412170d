#include "host/engine/contents.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/file.hpp"
#include "host/delta/sign.hpp"

namespace synchost::host {

using protocol::ContentReader;
using protocol::CopyRange;
using protocol::FileBase;

namespace {

constexpr std::uint64_t kLargeBytes = std::uint64_t{1} << 20;  // read in pieces, and signed ahead
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr int kAttempts = 3;                     // at a small file that changes while it is read
constexpr std::size_t kMaxSignedAtOnce = 1'000;  // files below kLargeBytes, after one generation

// A Comparison as pieces. Inserted bytes come from it where it holds them, else from the file.
class DifferenceReader : public ContentReader {
  public:
    DifferenceReader(FileBase base, std::shared_ptr<const delta::Comparison> comparison, Fd file)
        : base_(base), comparison_(std::move(comparison)), file_(std::move(file)) {}
    [[nodiscard]] std::optional<FileBase> base() const override { return base_; }
    [[nodiscard]] Xxh3 hash() const override { return comparison_->signature.hash; }
    Result<std::optional<Piece>> next() override {
        using Kind = delta::Instruction::Kind;
        if (at_ == comparison_->instructions.size()) return std::nullopt;
        const delta::Instruction& now = comparison_->instructions[at_];
        if (now.kind == Kind::copy) {
            ++at_;
            return Piece(CopyRange{now.offset, now.length});
        }
        if (comparison_->held) {
            ++at_;
            const std::size_t from = std::exchange(held_at_, held_at_ + now.length);
            return Piece(std::string_view(comparison_->inserted).substr(from, now.length));
        }
        buffer_.resize(std::min<std::uint64_t>(now.length - done_, kPieceBytes));
        TRY_ASSIGN(const std::size_t got, read_at(file_.get(), now.offset + done_, buffer_));
        if (got == 0) return std::unexpected(Error{Errc::io, "changed while it was read", EAGAIN, {}});
        done_ += got;
        if (done_ == now.length) {
            done_ = 0;
            ++at_;
        }
        return Piece(std::string_view(buffer_).substr(0, got));
    }

  private:
    FileBase base_;
    std::shared_ptr<const delta::Comparison> comparison_;
    Fd file_;
    std::size_t at_ = 0;
    std::size_t held_at_ = 0;
    std::uint64_t done_ = 0;  // of the insert that is read from the file
    std::string buffer_;
};

// A large file from start to end.
class StreamReader : public ContentReader {
  public:
    StreamReader(Fd file, FileStamp stamp, std::function<void(Xxh3)> at_end)
        : file_(std::move(file)), stamp_(stamp), at_end_(std::move(at_end)), buffer_(kPieceBytes, '\0') {}
    [[nodiscard]] Xxh3 hash() const override { return hasher_.value(); }
    Result<std::optional<Piece>> next() override {
        ssize_t got = 0;
        do got = ::read(file_.get(), buffer_.data(), buffer_.size());
        while (got < 0 && errno == EINTR);
        if (got < 0) return fail_errno("read");
        const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
        hasher_.update(bytes);
        if (got > 0) return Piece(bytes);
        struct stat info{};
        if (::fstat(file_.get(), &info) != 0) return fail_errno("stat");
        if (stamp_of(info) != stamp_)
            return std::unexpected(Error{Errc::io, "changed while it was read", EAGAIN, {}});
        at_end_(hash());
        return std::nullopt;
    }

  private:
    Fd file_;
    FileStamp stamp_;
    std::function<void(Xxh3)> at_end_;
    std::string buffer_;
    Xxh3Hasher hasher_;
};

// Whole, or nothing where it changes with every attempt.
Result<std::shared_ptr<const std::string>> read_small(int fd) {
    for (int i = 0; i < kAttempts; ++i) {
        struct stat before{};
        struct stat after{};
        if (::fstat(fd, &before) != 0 || ::lseek(fd, 0, SEEK_SET) != 0) return fail_errno("read");
        auto bytes = read_all(fd, 2 * kLargeBytes);
        if (!bytes && bytes.error().code == Errc::invalid_input) return nullptr;  // it grew
        if (!bytes) return std::unexpected(std::move(bytes).error());
        if (::fstat(fd, &after) != 0) return fail_errno("stat");
        if (stamp_of(before) == stamp_of(after) && bytes->size() == static_cast<std::size_t>(after.st_size))
            return std::make_shared<const std::string>(*std::move(bytes));
    }
    return nullptr;
}

}  // namespace

// A COPY that names a symlink takes what it leads to: a node that is a file may have one as its source.
Result<Fd> Contents::open_source(const Node& node) const {
    TRY_ASSIGN(RelPath path, RelPath::parse(node.source));
    for (int hops = 0; hops < 40; ++hops) {
        auto file = files_.open_for_reading(path);
        if (file || file.error().code != Errc::invalid_input) return file;
        const auto target = files_.link_target(path);
        if (!target) return file;
        TRY_ASSIGN(path, RelPath::parse(
                             (std::filesystem::path(path.parent()) / *target).lexically_normal().native()));
    }
    return fail(Errc::invalid_input, node.source + ": too many symlinks");
}

std::shared_ptr<const delta::Comparison> Contents::compare_with(const Xxh3& had, int fd, FileBase& base) {
    const auto known = signatures_->find(had);
    if (!known) return nullptr;
    auto comparison = delta::compare(*known, fd);
    if (!comparison) return nullptr;  // it changes: the whole is tried
    (void)signatures_->put(comparison->signature);
    base = {known->size, known->hash};
    return std::make_shared<const delta::Comparison>(*std::move(comparison));
}

std::optional<KnownDifference> Contents::difference(const Node& node) {
    if (!node.hash) return std::nullopt;
    const auto file = open_source(node);
    struct stat info{};
    if (!file || ::fstat(file->get(), &info) != 0) return std::nullopt;
    if (static_cast<std::uint64_t>(info.st_size) < kLargeBytes) return std::nullopt;
    KnownDifference difference;
    difference.comparison = compare_with(*node.hash, file->get(), difference.base);
    return difference.comparison ? std::optional(std::move(difference)) : std::nullopt;
}

protocol::OpenContent Contents::content(Wanted wanted) {
    return [self = shared_from_this(), wanted = std::move(wanted)] { return self->open(wanted); };
}

Result<std::unique_ptr<ContentReader>> Contents::open(const Wanted& wanted) {
    const auto is_worth_it = [](const delta::Comparison& comparison) {
        return comparison.insert_bytes < comparison.signature.size / 4 * 3;
    };
    if (const auto& known = wanted.difference; known && wanted.had == known->base.hash &&
                                               known->comparison->held && is_worth_it(*known->comparison)) {
        note_read(wanted, known->comparison->signature.hash);
        return std::make_unique<DifferenceReader>(known->base, known->comparison, Fd());
    }
    if (wanted.bytes && (!wanted.had || wanted.bytes->size() < delta::kSignFromBytes)) {
        if (wanted.bytes->size() >= delta::kSignFromBytes) sign_later(wanted.node);
        return protocol::content_of(wanted.bytes, *wanted.node.hash)();
    }
    auto file = open_source(wanted.node);
    if (!file && (file.error().code == Errc::not_found || file.error().code == Errc::invalid_input)) {
        note_read(wanted, std::nullopt);
        return nullptr;
    }
    if (!file) return std::unexpected(std::move(file).error());
    struct stat info{};
    if (::fstat(file->get(), &info) != 0) return fail_errno("stat");
    const auto size = static_cast<std::uint64_t>(info.st_size);
    if (wanted.had && size >= delta::kSignFromBytes) {
        FileBase base;
        auto comparison = compare_with(*wanted.had, file->get(), base);
        if (comparison && is_worth_it(*comparison)) {
            note_read(wanted, comparison->signature.hash);
            return std::make_unique<DifferenceReader>(base, std::move(comparison), *std::move(file));
        }
    }
    if (size >= delta::kSignFromBytes) sign_later(wanted.node);
    if (wanted.bytes) return protocol::content_of(wanted.bytes, *wanted.node.hash)();
    if (size > kLargeBytes) {
        return std::make_unique<StreamReader>(
            *std::move(file), stamp_of(info),
            [self = shared_from_this(), wanted](Xxh3 hash) { self->note_read(wanted, hash); });
    }
    TRY_ASSIGN(auto bytes, read_small(file->get()));
    if (!bytes) {
        note_read(wanted, std::nullopt);
        return nullptr;
    }
    const Xxh3 hash = xxh3(*bytes);
    note_read(wanted, hash);
    return protocol::content_of(std::move(bytes), hash)();
}

void Contents::note_read(const Wanted& wanted, std::optional<Xxh3> hash) {
    if (!hash || hash != wanted.node.hash) note({wanted.image_path, wanted.generation, hash});
}

void Contents::note(ReadNote note) {
    const std::scoped_lock lock(mutex_);
    notes_.push_back(std::move(note));
}

void Contents::sign_later(const Node& node) {
    const std::scoped_lock lock(mutex_);
    if (to_sign_.size() < kMaxSignedAtOnce) to_sign_.push_back(node.source);
}

std::vector<ReadNote> Contents::take_notes() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(notes_, {});
}

void Contents::sign_sent() {
    std::vector<std::string> sources;
    {
        const std::scoped_lock lock(mutex_);
        sources = std::exchange(to_sign_, {});
    }
    for (const std::string& source : sources) {
        if (stopped_) return;
        const auto file = open_source({.source = source});
        auto signature = file ? delta::sign(file->get()) : fail(Errc::not_found, source);
        if (signature) (void)signatures_->put(*signature);  // without it the next edit goes out whole
    }
}

std::vector<Contents::LargeFile> Contents::large_files(const NodeTable& nodes,
                                                       const std::filesystem::path& context) {
    std::vector<LargeFile> files;
    for (auto it = nodes.begin(); it != nodes.end(); ++it) {
        const auto& [image_path, node] = *it;
        struct stat info{};
        if (node.kind != images::FileKind::file || ::stat((context / node.source).c_str(), &info) != 0 ||
            static_cast<std::uint64_t>(info.st_size) < kLargeBytes)
            continue;
        files.push_back({node, {image_path, nodes.changed_at(it), std::nullopt}});
    }
    return files;
}

void Contents::sign(const std::vector<LargeFile>& files) {
    for (const LargeFile& large : files) {
        if (stopped_) return;
        const auto file = open_source(large.node);
        auto signature = file ? delta::sign(file->get()) : fail(Errc::not_found, large.node.source);
        struct stat info{};
        // What the image has is what lay there before the build: only under the same stamp this is that.
        if (!signature || ::fstat(file->get(), &info) != 0 || large.node.stamp != print_of(stamp_of(info)))
            continue;
        note({large.note.image_path, large.note.generation, signature->hash});
        (void)signatures_->put(*signature);
    }
}

}  // namespace synchost::host
