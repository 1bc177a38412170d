#include "host/engine/detail/compare.hpp"

#include <filesystem>
#include <utility>

#include "base/file.hpp"
#include "host/engine/detail/examine_paths.hpp"

namespace synchost::host {

Result<Entry> read_source(const Node& node, FileIndex& index, Want want) {
    TRY_ASSIGN(RelPath path, RelPath::parse(node.source));
    for (int hops = 0; hops < 40; ++hops) {
        TRY_ASSIGN(Entry entry, index.read(path, want));
        if (entry.kind != EntryKind::symlink || node.kind == images::FileKind::symlink) return entry;
        const auto target = (std::filesystem::path(path.parent()) / entry.link_target).lexically_normal();
        TRY_ASSIGN(path, RelPath::parse(target.native()));
    }
    return fail(Errc::invalid_input, node.source + ": too many symlinks");
}

Result<> compare_content(const std::string& image_path, Node node, Look look, TreeUpdate& update) {
    if (node.kind == images::FileKind::folder) return {};
    if (look.contents != nullptr && node.kind == images::FileKind::file) {
        if (auto difference = look.contents->difference(node)) {
            node.stamp.reset();
            const bool changed = node.hash != difference->comparison->signature.hash;
            node.hash = difference->comparison->signature.hash;
            if (changed) update.differences[image_path] = *std::move(difference);
            (changed ? update.put : update.refreshed)[image_path] = std::move(node);
            return {};
        }
    }
    auto read = read_source(node, look.index, Want::hash);
    if (!read && read.error().code == Errc::conflict) return {};
    if (!read) return std::unexpected(std::move(read.error()));
    const EntryKind expected = node.kind == images::FileKind::symlink ? EntryKind::symlink : EntryKind::file;
    if (read->kind != expected) return {};
    const bool changed = node.hash != read->hash;
    node.hash = read->hash;
    node.stamp.reset();
    if (!changed) {
        update.refreshed[image_path] = std::move(node);
        return {};
    }
    if (read->content && update.contents_bytes + read->content->size() <= kMaxRecentBytes) {
        update.contents_bytes += read->content->size();
        update.contents[image_path] = read->content;
    }
    update.put.insert_or_assign(update.put.end(), image_path, std::move(node));
    return {};
}

void put_fresh(const std::string& image_path, Node node, TreeUpdate& update) {
    node.hash.reset();
    node.stamp.reset();
    update.put.insert_or_assign(update.put.end(), image_path, std::move(node));
}

Xxh3 inputs_of(const images::BuildRequest& request) {
    constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
    const std::filesystem::path dockerfile = dockerfile_of(request);
    std::filesystem::path own_ignore = dockerfile;
    own_ignore += ".dockerignore";
    Xxh3Hasher hasher;
    for (const std::filesystem::path& path : {dockerfile, own_ignore, request.context / ".dockerignore"}) {
        const auto text = read_file(path, kMaxBytes);
        hasher.update(text ? std::to_string(text->size()) + ":" + *text : "-");
    }
    return hasher.value();
}

}  // namespace synchost::host
