// Ignore rules from the first part of the input, judged on a path from the rest, both ways to judge agreeing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "images/context/glob.hpp"
#include "images/context/ignore.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    const std::string_view text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 4096));
    const std::size_t cut = std::min(text.rfind('\n'), text.size());
    const std::string_view path = text.substr(std::min(cut + 1, text.size())).substr(0, 300);
    (void)glob_match(text.substr(0, 300), path);
    const auto rules = IgnoreRules::parse(text.substr(0, cut), ".dockerignore");
    if (!rules || path.empty() || path.starts_with('/')) return 0;
    const bool excluded = rules->excluded(path);
    if (excluded != rules->rule_that_excludes(path).has_value()) std::abort();
    (void)rules->may_include_below(path);
    return 0;
}
