#include "host/engine/verify.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <utility>

#include "base/rel_path.hpp"
#include "host/engine/detail/compare.hpp"

namespace synchost::host {
namespace {

using protocol::ChangeKind;
using protocol::InventoryEntry;

ChangeKind kind_of(images::FileKind kind) {
    switch (kind) {
        case images::FileKind::folder:
            return ChangeKind::make_folder;
        case images::FileKind::symlink:
            return ChangeKind::put_symlink;
        default:
            return ChangeKind::put_file;  // nothing else is synced
    }
}

EntryKind entry_kind_of(images::FileKind kind) {
    return kind == images::FileKind::symlink ? EntryKind::symlink : EntryKind::file;
}

std::string_view name_of(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::make_folder:
            return "a folder";
        case ChangeKind::put_symlink:
            return "a symlink";
        default:
            return "a file";
    }
}

Result<Xxh3> hash_of_source(const Node& node, FileIndex& index) {
    TRY_ASSIGN(const Entry entry, read_source(node, index, Want::hash));
    if (entry.kind == entry_kind_of(node.kind)) return entry.hash;
    return fail(Errc::conflict, printable(node.source) + ": it changed meanwhile", "Ask again.");
}

// What differs, in words; empty where nothing does.
std::string difference(const ExpectedPath& expected, const InventoryEntry& held) {
    if (held.kind != expected.kind)
        return fmt::format("{}, not {}", name_of(held.kind), name_of(expected.kind));
    if (expected.kind != ChangeKind::put_symlink && held.mode != expected.mode)
        return fmt::format("mode {:04o}, not {:04o}", held.mode, expected.mode);
    if (expected.kind == ChangeKind::make_folder || held.hash == expected.hash) return {};
    return expected.kind == ChangeKind::put_symlink ? "another link target" : "another content";
}

struct Held {
    const InventoryEntry* entry = nullptr;
    bool ours = false;
};

}  // namespace

Result<std::vector<ExpectedPath>> expected_paths(const Mirror& mirror, FileIndex& index) {
    std::vector<ExpectedPath> out;
    for (const auto& [image_path, node] : mirror.nodes()) {
        if (!place(image_path, mirror.managed_paths())) continue;
        ExpectedPath expected{image_path, kind_of(node.kind), node.mode, {}};
        if (node.kind != images::FileKind::folder) {
            if (node.hash) {
                expected.hash = *node.hash;
            } else {
                TRY_ASSIGN(expected.hash, hash_of_source(node, index));
            }
        }
        out.push_back(std::move(expected));
    }
    return out;
}

protocol::TreeDigest digest_of(const std::vector<ExpectedPath>& expected,
                               const std::vector<std::string>& managed_paths, protocol::GenerationId id) {
    protocol::TreeDigest digest{.id = id};
    for (const ExpectedPath& one : expected) {
        auto placed = place(one.image_path, managed_paths);
        if (!placed) continue;
        add_to(digest, managed_paths[placed->root],
               {placed->root, std::move(placed->path), one.kind, one.mode, one.hash, false});
    }
    return digest;
}

Verification compare_inventory(const protocol::Inventory& inventory,
                               const std::vector<ExpectedPath>& expected) {
    // Managed paths may lie in one another; then an entry is reported below each of them.
    std::map<std::string, Held> held;
    for (const InventoryEntry& entry : inventory.entries) {
        Held& one = held[image_path_of(inventory.roots.at(entry.root), entry.path)];
        one.entry = &entry;
        one.ours = one.ours || entry.ours;
    }
    Verification out{.paths = expected.size()};
    const auto differs = [&](const std::string& path, std::string what) {
        ++out.differing;
        if (out.differences.size() < kMaxListedPaths)
            out.differences.push_back({printable(path), std::move(what)});
    };
    for (const ExpectedPath& one : expected) {
        const auto found = held.find(one.image_path);
        if (found == held.end()) {
            differs(one.image_path, "missing");
            continue;
        }
        if (std::string what = difference(one, *found->second.entry); !what.empty())
            differs(one.image_path, std::move(what));
        held.erase(found);
    }
    for (const auto& [path, one] : held) {
        if (one.ours) {
            differs(path, "left over");
            continue;
        }
        ++out.foreign;
        if (out.foreign_paths.size() < kMaxListedPaths) out.foreign_paths.push_back(printable(path));
    }
    return out;
}

}  // namespace synchost::host
