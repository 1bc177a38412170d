#include "protocol/generation_decoder.hpp"

#include <algorithm>
#include <utility>

#include "base/zstd.hpp"
#include "protocol/detail/wire.hpp"
#include "protocol/messages.hpp"

namespace synchost::protocol {
namespace {

constexpr std::size_t kMaxPathBytes = 4095;

std::unexpected<Error> refuse(std::string_view path, std::string_view why) {
    return fail(Errc::invalid_input, "path \"" + printable(path.substr(0, 200)) + "\" " + std::string(why));
}

bool has_staging_name(const RelPath& path) {
    const std::string_view text = path.str();
    for (std::size_t at = 0; at != std::string_view::npos;) {
        if (text.substr(at).starts_with(kStagingPrefix)) return true;
        const std::size_t slash = text.find('/', at);
        at = slash == std::string_view::npos ? slash : slash + 1;
    }
    return false;
}

}  // namespace

bool is_symlink_target(std::string_view text) {
    return !text.empty() && text.size() <= kMaxSymlinkBytes && text.find('\0') == std::string_view::npos;
}

void GenerationDecoder::reset() {
    state_ = State::idle;
    changes_left_ = 0;
    content_left_ = 0;
    std::string().swap(unpacked_);
}

Result<GenerationStep> GenerationDecoder::parse(const Frame& frame) {
    auto step = parse_checked(frame);
    if (!step) reset();
    return step;
}

Result<GenerationStep> GenerationDecoder::parse_checked(const Frame& frame) {
    switch (frame.type) {
        case FrameType::apply:
            if (state_ != State::idle) return fail(Errc::protocol, "a generation begins inside another one");
            return parse_start(frame.payload);
        case FrameType::change:
            if (state_ != State::changes || changes_left_ == 0)
                return fail(Errc::protocol, "change out of order");
            return parse_change(frame.payload);
        case FrameType::data:
            if (state_ != State::content) return fail(Errc::protocol, "file content out of order");
            return parse_data(frame);
        case FrameType::commit:
            if (state_ != State::changes || changes_left_ != 0)
                return fail(Errc::protocol, "a generation ends too early");
            if (!frame.payload.empty()) return fail(Errc::protocol, "commit: bytes after its last field");
            reset();
            return GenerationEnd{};
        default:
            return fail(Errc::protocol, "not a frame of a generation");
    }
}

Result<GenerationStep> GenerationDecoder::parse_start(std::string_view payload) {
    detail::WireReader reader(payload);
    GenerationStart start;
    start.id = GenerationId{reader.number<std::uint64_t>()};
    const auto after = reader.number<std::uint8_t>();
    start.changes = reader.number<std::uint32_t>();
    const std::size_t root_count = reader.number<std::uint16_t>();
    if (root_count > kMaxRoots) return fail(Errc::protocol, "generation: too many roots");
    std::vector<std::uint16_t> roots;
    for (std::size_t i = 0; i < root_count && !reader.failed(); ++i) {
        const std::string_view root = reader.text(kMaxRootBytes);
        if (reader.failed()) break;
        const auto found = std::find(managed_.begin(), managed_.end(), root);
        if (found == managed_.end()) {
            return fail(Errc::invalid_input,
                        "root \"" + printable(root) + "\" is not a managed path of this container",
                        "Replace the pod: its managed paths were decided when it was made.");
        }
        roots.push_back(static_cast<std::uint16_t>(found - managed_.begin()));
    }
    TRY(reader.done("generation"));
    if (after > 1) return fail(Errc::protocol, "generation: unknown action after it");
    if (start.changes > kMaxChanges) return fail(Errc::protocol, "generation: too many changes");
    start.after = AfterApply{after};
    roots_ = std::move(roots);
    changes_left_ = start.changes;
    state_ = State::changes;
    return start;
}

Result<GenerationStep> GenerationDecoder::parse_change(std::string_view payload) {
    detail::WireReader reader(payload);
    const auto kind = ChangeKind{reader.number<std::uint8_t>()};
    const auto root = reader.number<std::uint16_t>();
    const auto mode = reader.number<std::uint32_t>();
    const std::string_view path_text = reader.text(kMaxPathBytes);
    const bool is_file = kind == ChangeKind::put_file;
    const auto size = is_file ? reader.number<std::uint64_t>() : std::uint64_t{0};
    const Xxh3 hash = is_file ? reader.hash() : Xxh3{};
    const std::string_view target = kind == ChangeKind::put_symlink ? reader.text() : std::string_view();
    TRY(reader.done("change"));
    if (kind < ChangeKind::put_file || kind > ChangeKind::remove)
        return fail(Errc::protocol, "change: unknown kind");
    if (root >= roots_.size()) return fail(Errc::protocol, "change: root is not in the generation");
    TRY_ASSIGN(RelPath path, RelPath::parse(path_text));
    if (has_staging_name(path)) return refuse(path_text, "has a name that is kept for staging");
    if (mode > 07777) return refuse(path_text, "has a mode with more than permission bits");
    if (size > kMaxFileBytes) return refuse(path_text, "is larger than 4 GiB");
    const std::string& managed = managed_[roots_[root]];
    if (!managed.ends_with('/')) {
        if (std::string_view(managed).substr(managed.rfind('/') + 1) != path.str()) {
            return refuse(path_text, "is not the managed file " + printable(managed));
        }
        if (kind == ChangeKind::make_folder) return refuse(path_text, "is a managed file, not a folder");
    }
    std::shared_ptr<const std::string> content;
    if (kind == ChangeKind::put_symlink) {
        if (!is_symlink_target(target)) return refuse(path_text, "has an empty or too long symlink target");
        content = std::make_shared<const std::string>(target);
    }
    --changes_left_;
    content_left_ = size;
    state_ = size > 0 ? State::content : State::changes;
    return ChangeStart{{kind, roots_[root], std::move(path), mode, std::move(content), hash}, size};
}

Result<GenerationStep> GenerationDecoder::parse_data(const Frame& frame) {
    std::string_view bytes = frame.payload;
    if ((frame.flags & kFlagZstd) != 0) {
        TRY_ASSIGN(unpacked_, zstd_decompress(frame.payload, kMaxDataBytes));
        bytes = unpacked_;
    }
    if (bytes.empty()) return fail(Errc::protocol, "empty data frame");
    if (bytes.size() > kMaxDataBytes) return fail(Errc::protocol, "data frame of over 256 KiB");
    if (bytes.size() > content_left_) return fail(Errc::protocol, "more file content than announced");
    content_left_ -= bytes.size();
    if (content_left_ == 0) state_ = State::changes;
    return FileBytes{bytes, content_left_ == 0};
}

}  // namespace synchost::protocol
