#include "images/graph/copy_rules.hpp"

#include <algorithm>
#include <iterator>

#include "images/context/glob.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {
namespace {

template <typename T>
void append(std::vector<T>& to, std::vector<T> more) {
    to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool overlap(std::string_view a, std::string_view b) {
    return is_at_or_below(a, b) || is_at_or_below(b, a);
}

// `path` lies at or below `from`: the same path below `to`.
std::string moved(std::string_view path, std::string_view from, std::string_view to) {
    path.remove_prefix(from.size());
    if (path.starts_with('/')) path.remove_prefix(1);
    return join_path(to, path);
}

}  // namespace

void CopyRules::add(CopyRules more) {
    known = known && more.known;
    append(rules, std::move(more.rules));
    append(patterns, std::move(more.patterns));
    append(anchors, std::move(more.anchors));
    append(staged, std::move(more.staged));
    append(foreign, std::move(more.foreign));
}

void CopyRules::add_from_stage(const CopyRules& stage, const CopyRules& copy) {
    known = known && stage.known && copy.known;
    for (const CopyRule& rule : stage.rules) staged.push_back(rule.source);
    append(staged, stage.staged);
    append(patterns, stage.patterns);
    append(foreign, copy.anchors);
}

bool CopyRules::is_named(std::string_view source) const {
    return std::ranges::any_of(rules,
                               [&](const CopyRule& rule) { return is_at_or_below(rule.source, source); }) ||
           std::ranges::any_of(staged, [&](const std::string& other) { return overlap(other, source); }) ||
           std::ranges::any_of(patterns, [&](const std::string& pattern) {
               const std::string_view folder = parent_path(pattern);
               return is_at_or_below(folder, source) ||
                      (parent_path(source) == folder && glob_match(base_name(pattern), base_name(source)));
           });
}

bool CopyRules::is_contested(std::string_view source, std::string_view image_path) const {
    return std::ranges::any_of(
               anchors, [&](const std::string& anchor) { return is_at_or_below(anchor, image_path); }) ||
           std::ranges::any_of(foreign,
                               [&](const std::string& other) { return overlap(other, image_path); }) ||
           std::ranges::any_of(rules, [&](const CopyRule& rule) {
               return is_at_or_below(image_path, rule.image_path) &&
                      moved(image_path, rule.image_path, rule.source) != source;
           });
}

std::optional<std::vector<std::string>> CopyRules::places(std::string_view source) const {
    if (!known || is_named(source)) return std::nullopt;
    std::vector<std::string> out;
    for (const CopyRule& rule : rules) {
        if (!rule.folder || !is_at_or_below(source, rule.source)) continue;
        const std::string image_path = moved(source, rule.source, rule.image_path);
        if (is_contested(source, image_path)) return std::nullopt;
        out.push_back("/" + image_path);
    }
    std::ranges::sort(out);
    const auto [first, last] = std::ranges::unique(out);
    out.erase(first, last);
    return out;
}

int CopyRules::line_of(std::string_view source, std::string_view image_path) const {
    if (image_path.starts_with('/')) image_path.remove_prefix(1);
    int line = 0;  // of several the last one
    for (const CopyRule& rule : rules) {
        const bool is_it = rule.folder ? is_at_or_below(source, rule.source) &&
                                             moved(source, rule.source, rule.image_path) == image_path
                                       : source == rule.source && image_path == rule.image_path;
        if (is_it) line = rule.line;
    }
    return line;
}

}  // namespace synchost::images
