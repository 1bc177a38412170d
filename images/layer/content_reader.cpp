#include "images/layer/content_reader.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/base_image/base_image.hpp"

namespace synchost::images {
namespace {

// A symlink that took a folder's place since the scan must not lead out of the context.
Fd open_beneath(int folder, const std::string& path) {
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    return Fd(static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how)));
}

}  // namespace

Result<ContentReader> ContentReader::make(const NodeMap& nodes, const std::filesystem::path& context,
                                          const std::filesystem::path& scratch) {
    ContentReader out;
    std::map<BaseImage*, std::map<std::size_t, std::set<std::string>>> wanted;
    bool from_context = false;
    for (const auto& [path, node] : nodes) {
        if (const auto* file = std::get_if<ContextFile>(&node.content)) {
            from_context |= !file->root;
            if (file->root && !out.named_contexts_.contains(*file->root)) {
                if (file->lazy) TRY(file->lazy->make());
                TRY_ASSIGN(out.named_contexts_[*file->root], open_file(*file->root, O_RDONLY | O_DIRECTORY));
            }
        }
        if (const auto* member = std::get_if<LayerMember>(&node.content)) {
            wanted[member->image.get()][member->layer].insert(member->path);
        }
    }
    if (from_context) {
        TRY_ASSIGN(out.context_, open_file(context, O_RDONLY | O_DIRECTORY));
    }
    if (wanted.empty()) return out;
    TRY_ASSIGN(out.spool_, open_file(scratch, O_RDWR | O_TMPFILE, 0600));
    std::uint64_t end = 0;
    for (const auto& [image, layers] : wanted) {
        for (const auto& [layer, paths] : layers) {
            TRY(image->each_entry(layer, [&](const TarEntry& entry, TarContent& content) -> Result<TarWalk> {
                if (entry.kind != TarKind::file || !paths.contains(entry.path)) return TarWalk::go_on;
                const std::uint64_t start = end;
                TRY(content.read([&](std::string_view bytes) -> Result<> {
                    end += bytes.size();
                    return write_all(out.spool_.get(), bytes);
                }));
                out.members_[{image, {layer, entry.path}}] = {start, end - start};
                return TarWalk::go_on;
            }));
        }
    }
    return out;
}

Result<OpenContent> ContentReader::open(const Node& node) const {
    OpenContent out;
    if (const auto* bytes = std::get_if<std::shared_ptr<const std::string>>(&node.content)) {
        out.memory = **bytes;
        out.size = out.memory.size();
        return out;
    }
    if (const auto* member = std::get_if<LayerMember>(&node.content)) {
        const auto found = members_.find({member->image.get(), {member->layer, member->path}});
        if (found == members_.end())
            return fail(Errc::protocol, printable(member->path) + ": not in its layer any more");
        out.fd = spool_.get();
        out.offset = found->second.offset;
        out.size = found->second.size;
        return out;
    }
    const auto* file = std::get_if<ContextFile>(&node.content);
    if (file == nullptr) return out;
    const Fd& root = file->root ? named_contexts_.at(*file->root) : context_;
    out.own = open_beneath(root.get(), file->path);
    if (!out.own) return fail_errno(printable(file->path));
    struct stat info{};
    if (::fstat(out.own.get(), &info) != 0) return fail_errno(printable(file->path));
    if (!S_ISREG(info.st_mode)) {
        return fail(Errc::conflict, printable(file->path) + ": it was a file a moment ago", "Build again.");
    }
    out.fd = out.own.get();
    out.stamp = stamp_of(info);
    out.size = static_cast<std::uint64_t>(info.st_size);
    return out;
}

Result<std::string> ContentReader::read(const Node& node, std::size_t max_bytes) const {
    TRY_ASSIGN(const OpenContent content, open(node));
    if (content.size > max_bytes)
        return fail(Errc::invalid_input, "larger than " + std::to_string(max_bytes) + " bytes");
    if (content.fd < 0) return std::string(content.memory);
    std::string out(static_cast<std::size_t>(content.size), '\0');
    std::size_t have = 0;
    while (have < out.size()) {
        const ssize_t got = ::pread(content.fd, out.data() + have, out.size() - have,
                                    static_cast<off_t>(content.offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno("read");
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
}

}  // namespace synchost::images
