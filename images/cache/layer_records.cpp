#include "images/cache/layer_records.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>

#include "base/file.hpp"
#include "base/xxh3.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kFirstLine = "synchost-layer 1\n";
constexpr std::size_t kMaxRecord = 512;

std::unexpected<Error> damaged() {
    return fail(Errc::protocol, "the record of a layer is damaged");
}

// The text between `before` and `after`, both taken off; nullopt where they are not there.
std::optional<std::string_view> take_field(std::string_view& text, std::string_view before, char after) {
    if (!text.starts_with(before)) return std::nullopt;
    const std::size_t end = text.find(after, before.size());
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view field = text.substr(before.size(), end - before.size());
    text.remove_prefix(end + 1);
    return field;
}

}  // namespace

std::string layer_record(const Layer& layer) {
    std::string out(kFirstLine);
    out += "blob " + layer.blob.digest.to_string() + " " + std::to_string(layer.blob.size) + " " +
           layer.blob.media_type + "\ndiff " + layer.diff_id.to_string() + "\n";
    return out + "check " + xxh3(out).hex() + "\n";
}

Result<Layer> parse_layer_record(std::string_view text) {
    if (text.size() > kMaxRecord) return damaged();
    std::string_view left = text;
    if (!left.starts_with(kFirstLine)) return damaged();
    left.remove_prefix(kFirstLine.size());
    const auto blob = take_field(left, "blob ", ' ');
    const auto size = blob ? take_field(left, "", ' ') : std::nullopt;
    const auto media_type = size ? take_field(left, "", '\n') : std::nullopt;
    const auto diff = media_type ? take_field(left, "diff ", '\n') : std::nullopt;
    if (!diff) return damaged();
    const std::string_view checked = text.substr(0, text.size() - left.size());
    const auto check = take_field(left, "check ", '\n');
    if (!check || !left.empty() || *check != xxh3(checked).hex()) return damaged();
    Layer out;
    TRY_ASSIGN(out.blob.digest, Digest::parse(*blob));
    TRY_ASSIGN(out.diff_id, Digest::parse(*diff));
    const auto [end, error] = std::from_chars(size->data(), size->data() + size->size(), out.blob.size);
    if (error != std::errc{} || end != size->data() + size->size() || media_type->empty()) return damaged();
    out.blob.media_type = *media_type;
    return out;
}

std::optional<Layer> find_layer(const BlobStore& store, const Digest& key) {
    const auto text = read_file(store.layer_record_of(key), kMaxRecord);
    if (!text) return std::nullopt;
    auto out = parse_layer_record(*text);
    if (!out || !store.has(out->blob)) return std::nullopt;
    out->file = store.path_of(out->blob.digest);
    ::utimensat(AT_FDCWD, out->file.c_str(), nullptr, 0);
    return *std::move(out);
}

Result<> remember_layer(const BlobStore& store, const Digest& key, const Layer& layer) {
    return write_file_atomic(store.layer_record_of(key), layer_record(layer));
}

}  // namespace synchost::images
