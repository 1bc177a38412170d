#include "images/graph/run_record.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>

#include "base/wire.hpp"
#include "base/xxh3.hpp"
#include "images/exec/step_changes.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kMagic = "SYNCRUN2";
constexpr std::size_t kCheckBytes = 8;
constexpr std::uint32_t kMaxMode = 07777;
constexpr std::size_t kMaxPathBytes = 4096 + 256;  // of a folder, and a name in it
constexpr std::uint64_t kLastTime = std::numeric_limits<std::int64_t>::max();

bool is_clean(const std::string& path) {
    return clean_path(path) == path;
}

// What a step leaves: each path lies in folders of the layer, no name says something else than it is, and
// attributes are those that an image carries.
bool is_sound(const NodeMap& layer) {
    constexpr std::string_view kWhiteout = ".wh.";
    for (const auto& [path, node] : layer) {
        const std::string_view name = base_name(path);
        const bool hides = name.starts_with(kWhiteout);
        if (path.empty() && node.kind != FileKind::folder) return false;
        if (path.contains('\0') || path.size() > kMaxPathBytes) return false;
        if (hides && (node.kind != FileKind::file || name.size() == kWhiteout.size())) return false;
        if (hides && name.substr(kWhiteout.size()).starts_with(kWhiteout)) return false;
        if (const std::string_view parent = parent_path(path); !parent.empty()) {
            const auto above = layer.find(parent);
            if (above == layer.end() || above->second.kind != FileKind::folder) return false;
        }
        if (node.xattrs && !std::ranges::all_of(*node.xattrs, [](const auto& attribute) {
                return carries_xattr(attribute.first);
            }))
            return false;
    }
    return true;
}

}  // namespace

std::string identity_of(const Layer& layer) {
    return layer.remote ? "blob " + layer.blob.digest.to_string() : "diff " + layer.diff_id.to_string();
}

std::string format_run_record(const RunRecord& record) {
    std::string out(kMagic);
    WireWriter writer(out);
    writer.text(record.diff_id.to_string());
    writer.number(static_cast<std::uint32_t>(record.layer.size()));
    std::map<std::shared_ptr<const LinkGroup>, std::uint32_t> groups;
    for (const auto& [path, node] : record.layer) {
        writer.text(path);
        writer.number(static_cast<std::uint8_t>(node.kind));
        writer.number(node.mode);
        writer.number(node.uid);
        writer.number(node.gid);
        writer.text(node.link);
        writer.number(node.device.major);
        writer.number(node.device.minor);
        writer.number(static_cast<std::uint64_t>(node.mtime ? *node.mtime + 1 : 0));
        writer.number(static_cast<std::uint32_t>(node.xattrs ? node.xattrs->size() : 0));
        if (node.xattrs) {
            for (const auto& [name, value] : *node.xattrs) {
                writer.text(name);
                writer.text(value);
            }
        }
        std::uint32_t group = 0;
        if (node.links)
            group =
                groups.try_emplace(node.links, static_cast<std::uint32_t>(groups.size() + 1)).first->second;
        writer.number(group);
    }
    writer.number(xxh3_64(out));
    return out;
}

std::optional<RunRecord> parse_run_record(std::string_view bytes, const std::filesystem::path& folder) {
    if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + kCheckBytes) return std::nullopt;
    const std::string_view body = bytes.substr(0, bytes.size() - kCheckBytes);
    WireReader check(bytes.substr(body.size()));
    if (check.number<std::uint64_t>() != xxh3_64(body)) return std::nullopt;
    WireReader reader(body.substr(kMagic.size()));
    RunRecord out;
    const auto digest = Digest::parse(reader.text());
    if (!digest) return std::nullopt;
    out.diff_id = *digest;
    const auto root = std::make_shared<const std::filesystem::path>(folder);
    std::map<std::uint32_t, std::shared_ptr<const LinkGroup>> groups;
    for (auto left = reader.number<std::uint32_t>(); left > 0 && !reader.failed(); --left) {
        std::string path(reader.text());
        Node node;
        const auto kind = reader.number<std::uint8_t>();
        if (kind > static_cast<std::uint8_t>(FileKind::block_device)) return std::nullopt;
        node.kind = static_cast<FileKind>(kind);
        node.mode = reader.number<std::uint32_t>();
        node.uid = reader.number<std::uint32_t>();
        node.gid = reader.number<std::uint32_t>();
        node.link = reader.text();
        node.device.major = reader.number<std::uint32_t>();
        node.device.minor = reader.number<std::uint32_t>();
        const auto time = reader.number<std::uint64_t>();
        if (time > kLastTime) return std::nullopt;
        if (time > 0) node.mtime = static_cast<std::int64_t>(time - 1);
        Xattrs xattrs;
        for (auto count = reader.number<std::uint32_t>(); count > 0 && !reader.failed(); --count) {
            std::string name(reader.text());
            xattrs[std::move(name)] = reader.text();
        }
        if (!xattrs.empty()) node.xattrs = std::make_shared<const Xattrs>(std::move(xattrs));
        if (!is_clean(path) || node.mode > kMaxMode) return std::nullopt;
        if (const auto group = reader.number<std::uint32_t>(); group != 0) {
            auto& links = groups[group];
            if (!links) links = std::make_shared<const LinkGroup>();
            node.links = links;
        }
        if (node.kind == FileKind::file && !hidden_by(path)) node.content = ContextFile{path, root};
        out.layer.insert_or_assign(std::move(path), std::move(node));
    }
    if (!reader.done("run record") || !is_sound(out.layer)) return std::nullopt;
    return out;
}

std::filesystem::path run_record_file(const std::filesystem::path& store, const Digest& key) {
    return store / "runs" / key.hex();
}

}  // namespace synchost::images
