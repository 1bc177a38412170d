#include "host/engine/node_table.hpp"

#include <algorithm>

namespace synchost::host {
namespace {

// Up to so many are inserted or taken out one by one; each moves half of the records.
constexpr std::size_t kFew = 32;

std::string absolute(std::string_view source) {
    return source.empty() ? std::string() : "/" + std::string(source);
}

// Bytes of what both paths end with, cut before a '/'.
std::size_t common_tail(std::string_view a, std::string_view b) {
    std::size_t tail = 0;
    for (std::size_t i = 1; i <= std::min(a.size(), b.size()) && a[a.size() - i] == b[b.size() - i]; ++i) {
        if (a[a.size() - i] == '/') tail = i;
    }
    return tail;
}

}  // namespace

NodeTable::NodeTable(const NodeMap& nodes) {
    reserve(nodes.size());
    for (const auto& [image_path, node] : nodes) append(image_path, node);
}

std::string_view NodeTable::path_of(const Record& record) const {
    return std::string_view(text_).substr(record.path_at, record.path_bytes);
}

std::string_view NodeTable::path_at(std::size_t at) const {
    return path_of(records_[at]);
}

std::string NodeTable::source_of(const Record& record) const {
    const Mapping& mapping = mappings_[record.mapping];
    std::string source = mapping.source;
    source += path_of(record).substr(mapping.image.size());
    return source.empty() ? source : source.substr(1);
}

NodeTable::value_type NodeTable::value_at(std::size_t at) const {
    const Record& record = records_[at];
    Node node{.source = source_of(record), .kind = record.kind, .mode = record.mode};
    if (record.has_stamp) node.stamp = record.stamp;
    if (record.has_hash) node.hash = record.hash;
    return {std::string(path_of(record)), std::move(node)};
}

NodeTable::const_iterator NodeTable::lower_bound(std::string_view image_path) const {
    const auto found = std::ranges::lower_bound(records_, image_path, {},
                                                [this](const Record& record) { return path_of(record); });
    return {this, static_cast<std::size_t>(found - records_.begin())};
}

// Steps that double until one is too far, then a search between the last two.
NodeTable::const_iterator NodeTable::lower_bound(std::string_view image_path, const_iterator from) const {
    std::size_t low = from.at_;
    std::size_t step = 1;
    while (low + step <= records_.size() && path_at(low + step - 1) < image_path) {
        low += step;
        step *= 2;
    }
    const auto begin = records_.begin() + static_cast<std::ptrdiff_t>(low);
    const auto end = records_.begin() + static_cast<std::ptrdiff_t>(std::min(low + step, records_.size()));
    const auto found = std::lower_bound(
        begin, end, image_path,
        [this](const Record& record, std::string_view path) { return path_of(record) < path; });
    return {this, static_cast<std::size_t>(found - records_.begin())};
}

NodeTable::const_iterator NodeTable::find(std::string_view image_path) const {
    const const_iterator found = lower_bound(image_path);
    return found != end() && found.path() == image_path ? found : end();
}

std::vector<std::string> NodeTable::image_paths_of(std::string_view source) const {
    std::vector<std::string> out;
    const std::string whole = absolute(source);
    for (std::size_t cut = 0;; cut = std::min(whole.find('/', cut + 1), whole.size())) {
        const auto [first, last] = by_source_.equal_range(std::string_view(whole).substr(0, cut));
        for (auto it = first; it != last; ++it) {
            std::string image_path = mappings_[it->second].image + whole.substr(cut);
            const const_iterator found = find(image_path);
            if (found != end() && records_[found.at_].mapping == it->second)
                out.push_back(std::move(image_path));
        }
        if (cut == whole.size()) break;
    }
    std::ranges::sort(out);
    return out;
}

std::uint32_t NodeTable::mapping_for(std::string_view source, std::string_view image_path) {
    const std::string whole = absolute(source);
    const std::size_t tail = common_tail(whole, image_path);
    const std::string_view from = std::string_view(whole).substr(0, whole.size() - tail);
    const std::string_view to = image_path.substr(0, image_path.size() - tail);
    const auto [first, last] = by_source_.equal_range(from);
    for (auto it = first; it != last; ++it) {
        if (mappings_[it->second].image == to) return it->second;
    }
    const auto fresh = static_cast<std::uint32_t>(mappings_.size());
    mappings_.push_back({std::string(from), std::string(to)});
    by_source_.emplace(from, fresh);
    return fresh;
}

void NodeTable::fill(Record& record, std::string_view image_path, const Node& node) {
    record.mapping = mapping_for(node.source, image_path);
    record.mode = node.mode;
    record.kind = node.kind;
    record.has_stamp = node.stamp.has_value();
    record.stamp = node.stamp.value_or(StampPrint{});
    record.has_hash = node.hash.has_value();
    record.hash = node.hash.value_or(Xxh3{});
}

NodeTable::Record NodeTable::make(std::string_view image_path, const Node& node) {
    Record record{.path_at = text_.size(), .path_bytes = static_cast<std::uint32_t>(image_path.size())};
    fill(record, image_path, node);
    text_ += image_path;
    return record;
}

void NodeTable::reserve(std::size_t nodes) {
    records_.reserve(nodes);
}

void NodeTable::append(std::string_view image_path, const Node& node) {
    records_.push_back(make(image_path, node));
}

void NodeTable::insert(Record record) {
    // Doubling would hold twice the memory for the sake of a few.
    if (records_.size() == records_.capacity())
        records_.reserve(records_.size() + records_.size() / 16 + kFew);
    const auto at = static_cast<std::ptrdiff_t>(lower_bound(path_of(record)).at_);
    records_.insert(records_.begin() + at, record);
}

void NodeTable::refresh(std::string_view image_path, const Node& node) {
    const const_iterator found = find(image_path);
    if (found != end()) fill(records_[found.at_], image_path, node);
}

NodeTable::Replaced NodeTable::update(const NodeMap& put, const std::vector<std::string>& removed,
                                      protocol::GenerationId generation) {
    Replaced replaced;
    std::vector<Record> fresh;
    const_iterator found = begin();
    for (const auto& [image_path, node] : put) {
        found = lower_bound(image_path, found);
        if (found != end() && found.path() == image_path) {
            Record& record = records_[found.at_];
            if (record.has_hash) replaced.emplace_back(image_path, record.hash);
            fill(record, image_path, node);
            record.changed_at = generation;
        } else {
            fresh.push_back(make(image_path, node));
            fresh.back().changed_at = generation;
        }
    }
    if (fresh.size() + removed.size() > kFew) {
        rebuild(std::move(fresh), removed);
    } else {
        for (const std::string& image_path : removed) {
            const const_iterator gone = find(image_path);
            if (gone == end()) continue;
            unused_text_ += image_path.size();
            records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(gone.at_));
        }
        for (const Record& record : fresh) insert(record);
    }
    if (unused_text_ > text_.size() / 2) tidy_text();
    return replaced;
}

// `fresh` is sorted.
void NodeTable::rebuild(std::vector<Record> fresh, const std::vector<std::string>& removed) {
    std::vector<bool> gone(records_.size());
    for (const std::string& image_path : removed) {
        const const_iterator found = find(image_path);
        if (found == end() || gone[found.at_]) continue;
        gone[found.at_] = true;
        unused_text_ += image_path.size();
    }
    std::vector<Record> all;
    all.reserve(records_.size() + fresh.size());
    auto next = fresh.begin();
    for (std::size_t i = 0; i < records_.size(); ++i) {
        while (next != fresh.end() && path_of(*next) < path_at(i)) all.push_back(*next++);
        if (!gone[i]) all.push_back(records_[i]);
    }
    all.insert(all.end(), next, fresh.end());
    all.shrink_to_fit();
    records_ = std::move(all);
}

void NodeTable::tidy_text() {
    std::string text;
    text.reserve(text_.size() - unused_text_);
    for (Record& record : records_) {
        const std::string_view path = path_of(record);
        const std::uint64_t at = text.size();
        text += path;
        record.path_at = at;
    }
    text_ = std::move(text);
    unused_text_ = 0;
}

}  // namespace synchost::host
