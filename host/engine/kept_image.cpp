#include "host/engine/kept_image.hpp"

#include <utility>

#include "base/file.hpp"
#include "base/wire.hpp"
#include "host/engine/detail/compare.hpp"

namespace synchost::host {
namespace {

constexpr std::string_view kMagic = "SYNCIMG2";
constexpr std::size_t kCheckBytes = 8;
constexpr std::string_view kFolder = "images";  // below the project's state

void write_texts(WireWriter& writer, const std::vector<std::string>& texts) {
    writer.number(static_cast<std::uint32_t>(texts.size()));
    for (const std::string& text : texts) writer.text(text);
}

// A count is untrusted: nothing is reserved for it, and a reader that has failed ends the loop.
std::vector<std::string> read_texts(WireReader& reader) {
    std::vector<std::string> out;
    for (auto left = reader.number<std::uint32_t>(); left > 0 && !reader.failed(); --left)
        out.emplace_back(reader.text());
    return out;
}

}  // namespace

std::string format_kept_image(const KeptImage& image) {
    std::string out(kMagic);
    WireWriter writer(out);
    writer.text(image.digest.to_string());
    writer.hash(image.inputs);
    writer.number(static_cast<std::uint8_t>(image.owner ? 1 : 0));
    writer.number(image.owner ? image.owner->uid : std::uint32_t{0});
    writer.number(image.owner ? image.owner->gid : std::uint32_t{0});
    write_texts(writer, image.managed_paths);
    write_texts(writer, image.paths);
    writer.number(static_cast<std::uint32_t>(image.base_configs.size()));
    for (const auto& [name, config] : image.base_configs) {
        writer.text(name);
        writer.number(static_cast<std::uint32_t>(config.size()));
        out += config;
    }
    writer.number(xxh3_64(out));
    return out;
}

std::optional<KeptImage> parse_kept_image(std::string_view bytes) {
    if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + kCheckBytes) return std::nullopt;
    const std::string_view body = bytes.substr(0, bytes.size() - kCheckBytes);
    WireReader check(bytes.substr(body.size()));
    if (check.number<std::uint64_t>() != xxh3_64(body)) return std::nullopt;
    WireReader reader(body.substr(kMagic.size()));
    auto digest = Digest::parse(reader.text());
    if (!digest) return std::nullopt;
    KeptImage image{.digest = *std::move(digest),
                    .inputs = reader.hash(),
                    .owner = {},
                    .managed_paths = {},
                    .paths = {},
                    .base_configs = {}};
    const bool has_owner = reader.number<std::uint8_t>() != 0;
    const images::Owner owner{reader.number<std::uint32_t>(), reader.number<std::uint32_t>()};
    if (has_owner) image.owner = owner;
    image.managed_paths = read_texts(reader);
    image.paths = read_texts(reader);
    for (auto left = reader.number<std::uint32_t>(); left > 0 && !reader.failed(); --left) {
        std::string name(reader.text());
        image.base_configs[std::move(name)] = reader.take(reader.number<std::uint32_t>());
    }
    if (!reader.done("kept image")) return std::nullopt;
    return image;
}

Result<> KeptImage::save(const std::filesystem::path& file) const {
    TRY(make_folders(file.parent_path(), 0700));
    return write_file_atomic(file, format_kept_image(*this), 0600);
}

std::optional<KeptImage> KeptImage::load(const std::filesystem::path& file) {
    const auto bytes = read_file(file, kMaxKeptImageBytes);
    return bytes ? parse_kept_image(*bytes) : std::nullopt;
}

Result<Xxh3> rebuild_inputs(const Service& service, const NodeTable& nodes,
                            const std::vector<std::string>& baked_files) {
    const images::BuildRequest& request = service.request;
    const auto& owner = service.asked_owner;
    std::string text = SYNCHOST_VERSION;
    WireWriter writer(text);
    writer.hash(inputs_of(request));
    writer.text(request.target);
    for (const auto& [name, value] : request.build_args) {
        writer.text(name);
        writer.text(value);
    }
    writer.number(static_cast<std::uint8_t>(owner ? 1 : 0));
    writer.number(owner ? owner->uid : std::uint32_t{0});
    writer.number(owner ? owner->gid : std::uint32_t{0});
    TRY_ASSIGN(FileIndex index, FileIndex::open(request.context));
    for (const auto& [image_path, node] : nodes) {
        if (node.kind == images::FileKind::folder || !service.rules.rebuild.matches(node.source)) continue;
        TRY_ASSIGN(const Entry entry, read_source(node, index, Want::hash));
        writer.text(image_path);
        writer.number(node.mode);
        writer.hash(entry.hash);
    }
    for (const std::string& source : baked_files) {
        TRY_ASSIGN(const RelPath path, RelPath::parse(source));
        TRY_ASSIGN(const Entry entry, index.read(path, Want::hash));
        writer.text(source);
        writer.number(entry.mode);
        writer.hash(entry.hash);
    }
    return xxh3(text);
}

std::filesystem::path kept_image_file(const std::filesystem::path& state, const std::string& image_name) {
    return state / kFolder / sha256(image_name).hex().substr(0, 16);
}

void forget_kept_images(const std::filesystem::path& state) {
    std::error_code ignored;  // what stays is checked before it is used
    std::filesystem::remove_all(state / kFolder, ignored);
}

}  // namespace synchost::host
