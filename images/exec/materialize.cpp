#include "images/exec/materialize.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/exec/id_space.hpp"
#include "images/exec/key_writer.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStep = std::size_t{256} << 10;

Result<> each_piece(const OpenContent& content, const std::function<Result<>(std::string_view)>& sink) {
    if (content.fd < 0) return content.memory.empty() ? Result<>{} : sink(content.memory);
    std::string buffer(kStep, '\0');
    for (std::uint64_t done = 0; done < content.size;) {
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kStep, content.size - done));
        TRY_ASSIGN(const std::size_t got,
                   read_at(content.fd, content.offset + done, std::span(buffer).first(want)));
        if (got == 0) return fail(Errc::conflict, "it became shorter while it was read", "Build again.");
        TRY(sink(std::string_view(buffer).substr(0, got)));
        done += got;
    }
    return {};
}

Result<> make_node(const fs::path& at, const Node& node, const ContentReader& contents) {
    if (node.kind == FileKind::folder) {
        if (::mkdir(at.c_str(), 0700) != 0) return fail_errno("mkdir");
        return {};
    }
    if (node.kind == FileKind::symlink) {
        if (::symlink(node.link.c_str(), at.c_str()) != 0) return fail_errno("symlink");
        if (::lchown(at.c_str(), node.uid, node.gid) != 0) return fail_owner(node.uid, node.gid);
        return {};
    }
    if (node.kind != FileKind::file) {
        return fail(Errc::unsupported, "a mount shows files, folders and symlinks alone",
                    "Mount a folder that has no FIFOs and devices.");
    }
    TRY_ASSIGN(const Fd file, open_file(at, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY_ASSIGN(const OpenContent content, contents.open(node));
    TRY(each_piece(content, [&](std::string_view bytes) { return write_all(file.get(), bytes); }));
    if (::fchown(file.get(), node.uid, node.gid) != 0) return fail_owner(node.uid, node.gid);
    if (::fchmod(file.get(), node.mode) != 0) return fail_errno("chmod");
    return {};
}

}  // namespace

NodeMap cut_out(const FileTree& tree, const std::string& source) {
    NodeMap out;
    if (const Node* node = tree.find(source)) out.emplace("", *node);
    tree.each_below(source,
                    [&](std::string_view path, const Node& node) { out.emplace(std::string(path), node); });
    return out;
}

Result<Digest> content_digest(const NodeMap& nodes, const ContentReader& contents, const EachContent& each) {
    KeyWriter key;
    for (const auto& [path, node] : nodes) {
        key.add(path).add(static_cast<std::uint64_t>(node.kind)).add(node.mode).add(node.uid).add(node.gid);
        key.add(node.link);
        if (node.kind != FileKind::file) continue;
        Sha256 hash;
        auto read = [&]() -> Result<> {
            TRY_ASSIGN(const OpenContent content, contents.open(node));
            return each_piece(content, [&](std::string_view bytes) -> Result<> {
                hash.update(bytes);
                return {};
            });
        }();
        if (!read) return std::unexpected(std::move(read.error()).context(printable(path)));
        const std::string digest = hash.finish().hex();
        if (each) each(path, digest);
        key.add(digest);
    }
    return key.finish();
}

Result<> materialize(const NodeMap& nodes, const ContentReader& contents, const fs::path& target) {
    for (const auto& [path, node] : nodes) {
        if (auto made = make_node(path.empty() ? target : target / path, node, contents); !made)
            return std::unexpected(std::move(made.error()).context(printable(path)));
    }
    // Attributes of folders last, and from the inside out: a folder without a write bit takes no files.
    for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
        const auto& [path, node] = *it;
        if (node.kind != FileKind::folder) continue;
        const fs::path at = path.empty() ? target : target / path;
        if (::lchown(at.c_str(), node.uid, node.gid) != 0) return fail_owner(node.uid, node.gid);
        if (::chmod(at.c_str(), node.mode) != 0) return fail_errno(printable(path));
    }
    return {};
}

}  // namespace synchost::images
