#include "protocol/generation_decoder.hpp"

#include <algorithm>
#include <utility>

#include "base/wire.hpp"
#include "base/zstd.hpp"
#include "protocol/detail/generation_wire.hpp"
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

Result<std::vector<AfterApply>> read_after(WireReader& reader) {
    const std::size_t steps = reader.number<std::uint8_t>();
    if (steps > kMaxAfterSteps) return fail(Errc::protocol, "generation: too many steps after it");
    std::vector<AfterApply> after;
    for (std::size_t i = 0; i < steps && !reader.failed(); ++i) {
        AfterApply step;
        step.kind = AfterKind{reader.number<std::uint8_t>()};
        step.number = reader.number<std::uint8_t>();
        const std::size_t words = reader.number<std::uint8_t>();
        if (words > kMaxCommandWords) return fail(Errc::protocol, "generation: a command of too many words");
        for (std::size_t word = 0; word < words && !reader.failed(); ++word) {
            step.command.emplace_back(reader.text(kMaxCommandBytes));
        }
        if (!reader.failed() && !is_allowed(step))
            return fail(Errc::protocol, "generation: a step after it that is not allowed");
        after.push_back(std::move(step));
    }
    return after;
}

}  // namespace

bool is_symlink_target(std::string_view text) {
    return !text.empty() && text.size() <= kMaxSymlinkBytes && text.find('\0') == std::string_view::npos;
}

bool is_allowed(const AfterApply& after) {
    const bool has_signal = after.number >= 1 && after.number <= kMaxSignal;
    switch (after.kind) {
        case AfterKind::restart:
            return after.number == 0 && after.command.empty();
        case AfterKind::signal:
            return has_signal && after.command.empty();
        case AfterKind::pause:
            return after.number >= 1 && after.number <= kMaxPauseMs && after.command.empty();
        case AfterKind::command:
            break;
        default:
            return false;
    }
    std::size_t bytes = 0;
    for (const std::string& word : after.command) {
        if (word.find('\0') != std::string::npos) return false;
        bytes += word.size();
    }
    return after.number == 0 && !after.command.empty() && !after.command.front().empty() &&
           after.command.size() <= kMaxCommandWords && bytes <= kMaxCommandBytes;
}

void GenerationDecoder::reset() {
    state_ = State::idle;
    records_ = 0;
    base_.reset();
    due_.reset();
    part_ = {};
    std::string().swap(unpacked_);
}

Result<> GenerationDecoder::feed(const Frame& frame) {
    auto checked = check_frame(frame);
    if (!checked) reset();
    return checked;
}

Result<> GenerationDecoder::check_frame(const Frame& frame) {
    switch (frame.type) {
        case FrameType::apply: {
            if (state_ != State::idle) return fail(Errc::protocol, "a generation begins inside another one");
            TRY_ASSIGN(due_, parse_start(frame.payload));
            return {};
        }
        case FrameType::part:
            if (state_ == State::idle) return fail(Errc::protocol, "part out of order");
            part_ = frame.payload;
            if ((frame.flags & kFlagZstd) != 0) {
                TRY(zstd_decompress_into(unpacked_, frame.payload, kMaxPartBytes));
                part_ = unpacked_;
            }
            if (part_.empty()) return fail(Errc::protocol, "empty part");
            if (part_.size() > kMaxPartBytes) return fail(Errc::protocol, "part of over 256 KiB");
            return {};
        case FrameType::commit:
            TRY(parse_commit(frame.payload));
            reset();
            due_ = GenerationEnd{};
            return {};
        case FrameType::abandon: {
            WireReader reader(frame.payload);
            const std::string why = printable(reader.text(kMaxAbandonBytes));
            TRY(reader.done("abandon"));
            return fail(Errc::cancelled, "the host gave it up: " + why);
        }
        default:
            return fail(Errc::protocol, "not a frame of a generation");
    }
}

Result<std::optional<GenerationStep>> GenerationDecoder::next() {
    if (due_) return std::exchange(due_, std::nullopt);
    if (part_.empty()) return std::nullopt;
    auto step = parse_item();
    if (!step) {
        reset();
        return std::unexpected(std::move(step).error());
    }
    return *std::move(step);
}

Result<GenerationStart> GenerationDecoder::parse_start(std::string_view payload) {
    WireReader reader(payload);
    GenerationStart start;
    start.id = GenerationId{reader.number<std::uint64_t>()};
    TRY_ASSIGN(start.after, read_after(reader));
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
    roots_ = std::move(roots);
    records_ = 0;
    state_ = State::records;
    return start;
}

Result<> GenerationDecoder::parse_commit(std::string_view payload) {
    WireReader reader(payload);
    const auto records = reader.number<std::uint32_t>();
    TRY(reader.done("commit"));
    if (state_ != State::records || records != records_)
        return fail(Errc::protocol, "a generation ends too early");
    return {};
}

// An item's fields, up to where it ends: what is missing shows as a failed reader.
Result<GenerationStep> GenerationDecoder::parse_item() {
    const auto code = static_cast<std::uint8_t>(part_.front());
    part_.remove_prefix(1);
    if (state_ == State::content) return parse_content(code);
    return parse_record(code);
}

Result<GenerationStep> GenerationDecoder::parse_record(std::uint8_t code) {
    if (code < 1 || code > 4) return fail(Errc::protocol, "change: unknown kind");
    if (++records_ > kMaxChanges) return fail(Errc::protocol, "generation: too many changes");
    const ChangeKind kind{code};
    WireReader reader(part_);
    const auto root = reader.number<std::uint16_t>();
    const auto mode = reader.number<std::uint32_t>();
    const std::string_view path_text = reader.text(kMaxPathBytes);
    std::optional<FileBase> base;
    if (kind == ChangeKind::put_file) {
        const auto has_base = reader.number<std::uint8_t>();
        if (has_base > 1) return fail(Errc::protocol, "change: value of base is not allowed");
        if (has_base == 1) base = FileBase{reader.number<std::uint64_t>(), reader.hash()};
    }
    const std::string_view target = kind == ChangeKind::put_symlink ? reader.text() : std::string_view();
    if (reader.failed()) return fail(Errc::protocol, "change: a field is missing or too long");
    part_ = reader.left();
    if (root >= roots_.size()) return fail(Errc::protocol, "change: root is not in the generation");
    TRY_ASSIGN(RelPath path, RelPath::parse(path_text));
    if (has_staging_name(path)) return refuse(path_text, "has a name that is kept for staging");
    if (mode > 07777) return refuse(path_text, "has a mode with more than permission bits");
    if (base && base->size > kMaxFileBytes) return refuse(path_text, "has a base of over 64 GiB");
    const std::string& managed = managed_[roots_[root]];
    if (!managed.ends_with('/')) {
        if (std::string_view(managed).substr(managed.rfind('/') + 1) != path.str()) {
            return refuse(path_text, "is not the managed file " + printable(managed));
        }
        if (kind == ChangeKind::make_folder) return refuse(path_text, "is a managed file, not a folder");
    }
    if (kind == ChangeKind::put_symlink && !is_symlink_target(target))
        return refuse(path_text, "has an empty or too long symlink target");
    if (kind == ChangeKind::put_file) {
        state_ = State::content;
        file_bytes_ = 0;
        base_ = base;
    }
    return ChangeStart{{kind, roots_[root], std::move(path), mode, std::string(target), {}}, base};
}

Result<> GenerationDecoder::add_to_file(std::uint64_t bytes) {
    if (bytes > kMaxFileBytes - file_bytes_) return fail(Errc::invalid_input, "a file of over 64 GiB");
    file_bytes_ += bytes;
    return {};
}

Result<GenerationStep> GenerationDecoder::parse_content(std::uint8_t code) {
    WireReader reader(part_);
    GenerationStep step;
    if (code == detail::kInsert) {
        const auto size = reader.number<std::uint32_t>();
        const std::string_view bytes = reader.take(size);
        if (reader.failed() || size == 0) return fail(Errc::protocol, "file content is cut off or empty");
        TRY(add_to_file(size));
        step = FileBytes{bytes};
    } else if (code == detail::kCopy) {
        const auto offset = reader.number<std::uint64_t>();
        const auto length = reader.number<std::uint64_t>();
        if (reader.failed()) return fail(Errc::protocol, "copy: a field is missing");
        if (!base_ || offset > base_->size || length > base_->size - offset || length == 0)
            return fail(Errc::protocol, "copy: not a range of the base");
        TRY(add_to_file(length));
        step = CopyRange{offset, length};
    } else if (code == detail::kEnd) {
        step = FileEnd{reader.hash()};
        if (reader.failed()) return fail(Errc::protocol, "end of file: a field is missing");
        state_ = State::records;
    } else {
        return fail(Errc::protocol, "file content: unknown instruction");
    }
    part_ = reader.left();
    return step;
}

}  // namespace synchost::protocol
