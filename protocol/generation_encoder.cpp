#include "protocol/generation_encoder.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/wire.hpp"
#include "base/zstd.hpp"
#include "protocol/detail/generation_wire.hpp"
#include "protocol/generation_decoder.hpp"
#include "protocol/messages.hpp"

namespace synchost::protocol {
namespace {

// Below this it is a few packets either way: every replica would take longer to unpack less than it takes to
// send it.
constexpr std::size_t kCompressFromBytes = std::size_t{8} << 10;
// A part that has less room left than this goes out rather than taking a sliver of content.
constexpr std::size_t kMinInsertBytes = 512;
// Less than a part may have: two processes copy each, and these stay in a core's cache.
constexpr std::size_t kPartBytes = std::size_t{64} << 10;
static_assert(kPartBytes <= kMaxPartBytes);
constexpr std::size_t kInsertHeaderBytes = 5;

std::string name_of(const Generation& generation, const Change& change) {
    return printable(change.root < generation.roots.size() ? generation.roots[change.root]
                                                           : std::string("?")) +
           " " + printable(change.path.str());
}

// What is wrong with one change, or nullptr.
const char* fault_of(const Generation& generation, const Change& change) {
    if (change.root >= generation.roots.size()) return "its root is not in the generation";
    if (change.mode > 07777) return "its mode has more than permission bits";
    if (change.kind == ChangeKind::put_file && !change.content) return "it has no content";
    if (change.kind == ChangeKind::put_symlink && !is_symlink_target(change.link_target))
        return "it is no symlink target";
    return nullptr;
}

Result<> check(const Generation& generation) {
    if (generation.roots.size() > kMaxRoots) return fail(Errc::invalid_input, "generation: too many roots");
    if (generation.changes.size() > kMaxChanges) {
        return fail(Errc::invalid_input, "generation: more than " + std::to_string(kMaxChanges) + " changes");
    }
    if (generation.after.size() > kMaxAfterSteps || !std::ranges::all_of(generation.after, is_allowed))
        return fail(Errc::invalid_input, "generation: what is to follow it is not allowed");
    // One put and one removal of the same path may stand together: a folder that becomes a file is both.
    std::vector<std::unordered_set<std::string_view>> put(generation.roots.size());
    for (const Change& change : generation.changes) {
        const char* fault = fault_of(generation, change);
        if (fault == nullptr && change.kind != ChangeKind::remove &&
            !put[change.root].insert(change.path.str()).second) {
            fault = "it is named twice";
        }
        if (fault != nullptr) return fail(Errc::invalid_input, name_of(generation, change) + ": " + fault);
    }
    return {};
}

std::string encode_header(const Generation& generation) {
    std::string payload;
    WireWriter writer(payload);
    writer.number(std::to_underlying(generation.id));
    writer.number(static_cast<std::uint8_t>(generation.after.size()));
    for (const AfterApply& step : generation.after) {
        writer.number(static_cast<std::uint8_t>(step.kind));
        writer.number(step.number);
        writer.number(static_cast<std::uint8_t>(step.command.size()));
        for (const std::string& word : step.command) writer.text(word);
    }
    writer.number(static_cast<std::uint16_t>(generation.roots.size()));
    for (const std::string& root : generation.roots) writer.text(root);
    return payload;
}

// Fills parts with the record stream and hands them on.
class PartWriter {
  public:
    explicit PartWriter(const FrameSink& sink) : sink_(sink) {}

    Result<> add(const Change& change) {
        std::unique_ptr<ContentReader> content;
        if (change.kind == ChangeKind::put_file) {
            TRY_ASSIGN(content, change.content());
            if (!content) return {};  // it is gone: its own event follows
        }
        std::string record;
        WireWriter writer(record);
        writer.number(static_cast<std::uint8_t>(change.kind));
        writer.number(change.root);
        const bool has_mode = change.kind == ChangeKind::put_file || change.kind == ChangeKind::make_folder;
        writer.number(has_mode ? change.mode : std::uint32_t{0});
        writer.text(change.path.str());
        if (content) {
            const auto base = content->base();
            writer.number(static_cast<std::uint8_t>(base ? 1 : 0));
            if (base) {
                writer.number(base->size);
                writer.hash(base->hash);
            }
        }
        if (change.kind == ChangeKind::put_symlink) writer.text(change.link_target);
        TRY(add_whole(record));
        ++records_;
        return content ? add_content(*content) : Result<>{};
    }

    Result<> flush() {
        if (part_.empty()) return {};
        FramePayload frame{FrameType::part, 0, std::exchange(part_, {})};
        part_.reserve(kPartBytes);
        return sink_(std::move(frame));
    }

    [[nodiscard]] std::uint32_t records() const { return records_; }

  private:
    Result<> add_whole(std::string_view item) {
        if (item.size() > kPartBytes - part_.size()) TRY(flush());
        part_ += item;
        return {};
    }

    Result<> add_content(ContentReader& content) {
        for (;;) {
            TRY_ASSIGN(const auto piece, content.next());
            if (!piece) break;
            if (const auto* bytes = std::get_if<std::string_view>(&*piece)) {
                TRY(add_bytes(*bytes));
                continue;
            }
            const auto& range = std::get<CopyRange>(*piece);
            std::string item(1, static_cast<char>(detail::kCopy));
            WireWriter writer(item);
            writer.number(range.offset);
            writer.number(range.length);
            TRY(add_whole(item));
        }
        std::string item(1, static_cast<char>(detail::kEnd));
        WireWriter(item).hash(content.hash());
        return add_whole(item);
    }

    Result<> add_bytes(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t wanted = std::min(bytes.size(), kMinInsertBytes) + kInsertHeaderBytes;
            if (wanted > kPartBytes - part_.size()) TRY(flush());
            const std::string_view now = bytes.substr(0, kPartBytes - part_.size() - kInsertHeaderBytes);
            part_ += static_cast<char>(detail::kInsert);
            WireWriter(part_).number(static_cast<std::uint32_t>(now.size()));
            part_ += now;
            bytes.remove_prefix(now.size());
        }
        return {};
    }

    const FrameSink& sink_;
    std::string part_;
    std::uint32_t records_ = 0;
};

class BytesReader : public ContentReader {
  public:
    BytesReader(std::shared_ptr<const std::string> bytes, Xxh3 hash)
        : bytes_(std::move(bytes)), hash_(hash) {}
    Result<std::optional<Piece>> next() override {
        if (std::exchange(done_, true) || bytes_->empty()) return std::nullopt;
        return Piece(std::string_view(*bytes_));
    }
    [[nodiscard]] Xxh3 hash() const override { return hash_; }

  private:
    std::shared_ptr<const std::string> bytes_;
    Xxh3 hash_;
    bool done_ = false;
};

}  // namespace

OpenContent content_of(std::shared_ptr<const std::string> bytes) {
    const Xxh3 hash = xxh3(*bytes);
    return content_of(std::move(bytes), hash);
}

OpenContent content_of(std::shared_ptr<const std::string> bytes, Xxh3 hash) {
    return [bytes = std::move(bytes), hash]() -> Result<std::unique_ptr<ContentReader>> {
        return std::make_unique<BytesReader>(bytes, hash);
    };
}

Result<> encode_generation(const Generation& generation, const FrameSink& sink) {
    TRY(check(generation));
    std::string header = encode_header(generation);
    if (header.size() > kMaxPayloadBytes)
        return fail(Errc::invalid_input, "generation: its roots are too long");
    TRY(sink({FrameType::apply, 0, std::move(header)}));
    PartWriter parts(sink);
    auto written = [&]() -> Result<> {
        for (const Change& change : generation.changes) {
            if (auto added = parts.add(change); !added)
                return std::unexpected(std::move(added).error().context(name_of(generation, change)));
        }
        return parts.flush();
    }();
    std::string end;
    WireWriter writer(end);
    if (!written) {
        writer.text(std::string_view(written.error().message).substr(0, kMaxAbandonBytes));
        TRY(sink({FrameType::abandon, 0, std::move(end)}));
        return written;
    }
    writer.number(parts.records());
    return sink({FrameType::commit, 0, std::move(end)});
}

FramePayload compressed(FramePayload frame, int zstd_level) {
    if (frame.type != FrameType::part || frame.payload.size() < kCompressFromBytes) return frame;
    std::string packed = zstd_compress(frame.payload, zstd_level);
    if (packed.empty() || packed.size() >= frame.payload.size()) return frame;
    packed.shrink_to_fit();
    return {frame.type, kFlagZstd, std::move(packed)};
}

}  // namespace synchost::protocol
