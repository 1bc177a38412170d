// Random edits of a tree, as people and their tools make them: the same ones for the same seed.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "support/tree_model.hpp"

namespace synchost::test {

class TreeEdits {
  public:
    struct Limits {
        std::size_t entries = 400;
        std::size_t file_bytes = 300'000;
    };
    TreeEdits(std::uint32_t seed, Limits limits) : random_(seed), limits_(limits) {}

    // One operation that changes the tree.
    void edit(Tree& tree);
    // The tree is what the agent has from now on: the next differences are against its files.
    static void settle(Tree& tree);
    [[nodiscard]] std::mt19937& random() { return random_; }

  private:
    using Operation = bool (TreeEdits::*)(Tree&);  // false: there was nothing to do it with
    std::uint32_t below(std::size_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
    std::string bytes(std::size_t size);
    std::size_t size();
    std::string name();
    std::uint32_t file_mode();
    std::uint32_t folder_mode();
    std::string path_of(const Tree& tree, const std::function<bool(const TreeNode&)>& accept);
    std::string new_path(const Tree& tree);

    bool put_file(Tree& tree);
    bool overwrite(Tree& tree);
    bool change_some_bytes(Tree& tree);
    bool make_folder(Tree& tree);
    bool remove(Tree& tree);
    bool rename(Tree& tree);
    bool put_symlink(Tree& tree);
    bool change_kind(Tree& tree);
    bool change_mode(Tree& tree);

    std::mt19937 random_;
    Limits limits_;
};

}  // namespace synchost::test
