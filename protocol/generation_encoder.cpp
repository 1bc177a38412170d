#include "protocol/generation_encoder.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/zstd.hpp"
#include "protocol/detail/wire.hpp"
#include "protocol/generation_decoder.hpp"
#include "protocol/messages.hpp"

namespace synchost::protocol {
namespace {

// Below this a zstd frame saves less than its own header costs.
constexpr std::size_t kCompressFromBytes = 256;

std::string name_of(const Generation& generation, const Change& change) {
    return printable(change.root < generation.roots.size() ? generation.roots[change.root]
                                                           : std::string("?")) +
           " " + printable(change.path.str());
}

// What is wrong with one change, or nullptr.
const char* fault_of(const Generation& generation, const Change& change) {
    if (change.root >= generation.roots.size()) return "its root is not in the generation";
    if (change.mode > 07777) return "its mode has more than permission bits";
    const bool needs_content = change.kind == ChangeKind::put_file || change.kind == ChangeKind::put_symlink;
    if (needs_content && change.content == nullptr) return "it has no content";
    if (change.kind == ChangeKind::put_symlink && !is_symlink_target(*change.content))
        return "it is no symlink target";
    if (change.kind == ChangeKind::put_file && change.content->size() > kMaxFileBytes)
        return "it is larger than 4 GiB";
    return nullptr;
}

Result<> check(const Generation& generation) {
    if (generation.roots.size() > kMaxRoots) return fail(Errc::invalid_input, "generation: too many roots");
    if (generation.changes.size() > kMaxChanges) {
        return fail(Errc::invalid_input, "generation: more than " + std::to_string(kMaxChanges) + " changes");
    }
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
    detail::WireWriter writer(payload);
    writer.number(std::to_underlying(generation.id));
    writer.number(static_cast<std::uint8_t>(generation.after));
    writer.number(static_cast<std::uint32_t>(generation.changes.size()));
    writer.number(static_cast<std::uint16_t>(generation.roots.size()));
    for (const std::string& root : generation.roots) writer.text(root);
    return payload;
}

std::string encode_change(const Change& change) {
    const bool is_file = change.kind == ChangeKind::put_file;
    std::string payload;
    detail::WireWriter writer(payload);
    writer.number(static_cast<std::uint8_t>(change.kind));
    writer.number(change.root);
    writer.number(is_file || change.kind == ChangeKind::make_folder ? change.mode : std::uint32_t{0});
    writer.text(change.path.str());
    if (is_file) {
        writer.number(static_cast<std::uint64_t>(change.content->size()));
        writer.hash(change.hash);
    }
    if (change.kind == ChangeKind::put_symlink) writer.text(*change.content);
    return payload;
}

}  // namespace

Result<std::shared_ptr<const EncodedGeneration>> EncodedGeneration::encode(const Generation& generation) {
    TRY(check(generation));
    auto encoded = std::make_shared<EncodedGeneration>();
    encoded->id_ = generation.id;
    std::string header = encode_header(generation);
    if (header.size() > kMaxPayloadBytes)
        return fail(Errc::invalid_input, "generation: its roots are too long");
    encoded->add(FrameType::apply, 0, std::move(header));
    for (const Change& change : generation.changes) {
        encoded->add(FrameType::change, 0, encode_change(change));
        if (change.kind == ChangeKind::put_file) encoded->add_content(*change.content);
    }
    encoded->add(FrameType::commit, 0, {});
    return encoded;
}

void EncodedGeneration::add(FrameType type, std::uint8_t flags, std::string payload) {
    wire_bytes_ += kFrameHeaderBytes + payload.size();
    frames_.push_back({type, flags, std::move(payload)});
}

void EncodedGeneration::add_content(std::string_view content) {
    for (std::size_t at = 0; at < content.size(); at += kMaxDataBytes) {
        const std::string_view part = content.substr(at, kMaxDataBytes);
        std::string packed = part.size() >= kCompressFromBytes ? zstd_compress(part) : std::string();
        const bool smaller = !packed.empty() && packed.size() < part.size();
        packed.shrink_to_fit();
        add(FrameType::data, smaller ? kFlagZstd : std::uint8_t{0},
            smaller ? std::move(packed) : std::string(part));
    }
}

std::size_t EncodedGeneration::append_to(std::string& out, Channel channel, std::size_t first,
                                         std::size_t max_bytes) const {
    const std::size_t begin = out.size();
    std::size_t index = first;
    while (index < frames_.size() && (index == first || out.size() - begin < max_bytes)) {
        const Piece& piece = frames_[index++];
        append_frame(out, {piece.type, piece.flags, channel, piece.payload});
    }
    return index;
}

}  // namespace synchost::protocol
