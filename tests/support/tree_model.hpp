// A folder tree in memory, to compare with what an agent made of it: read from the disk, told apart, hashed
// as the protocol hashes it, and turned into the generation that leads from one tree to the next.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "protocol/generation.hpp"

namespace synchost::test {

// How a file's bytes come from another file's: what a host sends as copies and inserts.
struct Difference {
    std::shared_ptr<const std::string> base;
    std::vector<std::variant<std::string, protocol::CopyRange>> pieces;
};

struct TreeNode {
    protocol::ChangeKind kind = protocol::ChangeKind::make_folder;
    std::uint32_t mode = 0;                         // 0 of symlinks
    std::shared_ptr<const std::string> bytes = {};  // of a file
    std::string target = {};                        // of a symlink
    std::shared_ptr<const Difference> difference = {};
};

// By path below the root.
using Tree = std::map<std::string, TreeNode>;

TreeNode file_node(std::string bytes, std::uint32_t mode = 0644);

Tree read_tree(const std::filesystem::path& root);
// What differs, the first paths of it; "" where the trees are equal.
std::string differences(const Tree& expected, const Tree& found);
protocol::TreeDigest digest_of(const Tree& tree, const std::string& root, protocol::GenerationId id);
Tree tree_of(const protocol::Inventory& inventory);  // with hashes, in hex, instead of contents
Tree hashed(const Tree& tree);                       // likewise

// Leads from one tree to the other. Which of the forms that the protocol allows a change has (a removed
// folder with or without all that it held, in any order), `random` says. Files that have a difference against
// what lay at the path before are sent as that.
protocol::Generation generation_between(const Tree& before, const Tree& after, protocol::GenerationId id,
                                        const std::string& root, std::mt19937& random);

}  // namespace synchost::test
