// The managed paths of an image, each with the file of the context that it comes from: a sorted map that
// stays small over a hundred thousand files.
//
// A record has a fixed size and its image path lies in one long text. The source is not kept: what a COPY
// lays differs from its source only in the first folders, so that a record names its mapping, one of a few
// pairs, and both paths are such a first part and what they have in common:
//
//     COPY src/ /app/      src/a/b.js  ->  /app/a/b.js       mapping: "src" -> "/app", in common: "/a/b.js"
//     COPY lib/ /app/lib/  lib/c.js    ->  /app/lib/c.js     mapping: ""    -> "/app", in common: "lib/c.js"
//
// The way from a source to its image paths is the same, backwards: the mappings that fit, and a look whether
// such a path is there. Measured: 110,000 paths take 15 MB, where a map of strings took 93.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/xxh3.hpp"
#include "host/tree/entry.hpp"
#include "images/image.hpp"
#include "protocol/generation.hpp"

namespace synchost::host {

// One managed path of the image and the file of the context that it comes from.
struct Node {
    std::string source;  // relative to the context; "" is the context itself
    images::FileKind kind = images::FileKind::file;
    std::uint32_t mode = 0;
    std::optional<StampPrint>
        stamp;                 // of the source before the build read it; none where it was too fresh to trust
    std::optional<Xxh3> hash;  // of its content or link target; unknown until it was read for the first time
};
using NodeMap = std::map<std::string, Node, std::less<>>;  // by absolute image path

class NodeTable {
  public:
    using value_type = std::pair<std::string, Node>;

    // Gives values: a node is put together when it is looked at.
    class const_iterator {
      public:
        using value_type = NodeTable::value_type;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        class Arrow {
          public:
            explicit Arrow(value_type value) : value_(std::move(value)) {}
            const value_type* operator->() const { return &value_; }

          private:
            value_type value_;
        };

        const_iterator() = default;
        value_type operator*() const { return table_->value_at(at_); }
        Arrow operator->() const { return Arrow(**this); }
        [[nodiscard]] std::string_view path() const { return table_->path_at(at_); }  // without a copy
        const_iterator& operator++() {
            ++at_;
            return *this;
        }
        const_iterator operator++(int) {
            const const_iterator before = *this;
            ++at_;
            return before;
        }
        bool operator==(const const_iterator&) const = default;

      private:
        friend class NodeTable;
        const_iterator(const NodeTable* table, std::size_t at) : table_(table), at_(at) {}
        const NodeTable* table_ = nullptr;
        std::size_t at_ = 0;
    };

    NodeTable() = default;
    // Implicit: a map is the handy form of a few.
    NodeTable(const NodeMap& nodes);
    NodeTable(std::initializer_list<NodeMap::value_type> nodes) : NodeTable(NodeMap(nodes)) {}

    [[nodiscard]] std::size_t size() const { return records_.size(); }
    [[nodiscard]] bool empty() const { return records_.empty(); }
    [[nodiscard]] const_iterator begin() const { return {this, 0}; }
    [[nodiscard]] const_iterator end() const { return {this, records_.size()}; }
    [[nodiscard]] const_iterator find(std::string_view image_path) const;
    [[nodiscard]] const_iterator lower_bound(std::string_view image_path) const;
    // The same from `from` on, which it does not lie before: who asks for many paths in their order looks at
    // each record about once.
    [[nodiscard]] const_iterator lower_bound(std::string_view image_path, const_iterator from) const;
    [[nodiscard]] bool contains(std::string_view image_path) const { return find(image_path) != end(); }
    [[nodiscard]] Node at(std::string_view image_path) const {
        return find(image_path)->second;
    }  // it is there
    // Sorted; empty where none comes from there.
    [[nodiscard]] std::vector<std::string> image_paths_of(std::string_view source) const;

    // Behind all that are there.
    void append(std::string_view image_path, const Node& node);
    void reserve(std::size_t nodes);
    // Removes first. Few are moved into their place, many in one pass over all.
    // Gives the hashes that nodes had which were replaced, in the order of `put`.
    using Replaced = std::vector<std::pair<std::string, Xxh3>>;
    Replaced update(const NodeMap& put, const std::vector<std::string>& removed,
                    protocol::GenerationId generation);
    // Takes what was learned of a node that is there; its generation stays.
    void refresh(std::string_view image_path, const Node& node);
    void set_hash(const const_iterator& at, std::optional<Xxh3> hash) {
        records_[at.at_].has_hash = hash.has_value();
        records_[at.at_].hash = hash.value_or(Xxh3{});
    }
    // When the node was put; 0 since the beginning.
    [[nodiscard]] protocol::GenerationId changed_at(const const_iterator& at) const {
        return records_[at.at_].changed_at;
    }

  private:
    struct Record {
        std::uint64_t path_at = 0;  // in text_
        std::uint32_t path_bytes = 0;
        std::uint32_t mapping = 0;
        StampPrint stamp{};
        Xxh3 hash;
        protocol::GenerationId changed_at{};
        std::uint32_t mode = 0;
        images::FileKind kind = images::FileKind::file;
        bool has_stamp = false;
        bool has_hash = false;
    };
    struct Mapping {
        std::string source;
        std::string image;
    };

    [[nodiscard]] std::string_view path_at(std::size_t at) const;
    [[nodiscard]] value_type value_at(std::size_t at) const;
    [[nodiscard]] std::string_view path_of(const Record& record) const;
    [[nodiscard]] std::string source_of(const Record& record) const;
    void fill(Record& record, std::string_view image_path, const Node& node);
    Record make(std::string_view image_path, const Node& node);
    std::uint32_t mapping_for(std::string_view source, std::string_view image_path);
    void insert(Record record);
    void rebuild(std::vector<Record> fresh, const std::vector<std::string>& removed);
    void tidy_text();

    std::vector<Record> records_;  // sorted by path
    std::string text_;             // image paths, one after the other
    std::size_t unused_text_ = 0;  // bytes of paths that are gone
    std::vector<Mapping> mappings_;
    std::multimap<std::string, std::uint32_t, std::less<>> by_source_;  // mappings by their source part
};

}  // namespace synchost::host
