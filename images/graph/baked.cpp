#include "images/graph/baked.hpp"

#include <algorithm>

#include "images/context/glob.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

void BakedSources::add(BakedSource source) {
    if (std::ranges::find(baked, source.pattern, &BakedSource::pattern) == baked.end())
        baked.push_back(std::move(source));
}

void BakedSources::add_fresh(std::string pattern) {
    pattern = clean_path(pattern);
    if (std::ranges::find(fresh, pattern) == fresh.end()) fresh.push_back(std::move(pattern));
}

void BakedSources::bake(const std::string& reason) {
    for (std::string& pattern : fresh) add({std::move(pattern), reason});
    fresh.clear();
}

void BakedSources::take(const BakedSources& other, const std::string& reason, bool all) {
    for (const BakedSource& source : other.baked) add(source);
    for (const std::string& pattern : other.fresh) {
        if (all || other.has_unknown_files) {
            add({pattern, reason});
        } else {
            add_fresh(pattern);
        }
    }
    has_unknown_files = has_unknown_files || other.has_unknown_files;
}

bool may_name(std::string_view pattern, std::string_view path) {
    while (!pattern.empty() && !path.empty()) {
        const std::size_t pattern_end = std::min(pattern.find('/'), pattern.size());
        const std::size_t path_end = std::min(path.find('/'), path.size());
        const std::string_view part = pattern.substr(0, pattern_end);
        if (part == "**") return true;
        if (!glob_match(part, path.substr(0, path_end))) return false;
        pattern.remove_prefix(std::min(pattern_end + 1, pattern.size()));
        path.remove_prefix(std::min(path_end + 1, path.size()));
    }
    return true;
}

const BakedSource* find_baked(const std::vector<BakedSource>& baked, std::string_view path) {
    const auto found = std::ranges::find_if(
        baked, [&](const BakedSource& source) { return may_name(source.pattern, path); });
    return found == baked.end() ? nullptr : &*found;
}

}  // namespace synchost::images
