#include "base/suggest.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace synchost {
namespace {

constexpr std::size_t kMaxWord = 64;

std::string upper(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return out;
}

// Damerau's distance with three rows (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

}  // namespace

std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string_view> candidates) {
    if (word.size() > kMaxWord) return std::nullopt;
    std::optional<std::string> best;
    std::size_t least = 3;
    for (const std::string_view candidate : candidates) {
        const std::size_t d = distance(upper(word), upper(candidate));
        if (d >= least || 2 * d >= std::max(word.size(), candidate.size())) continue;
        least = d;
        best = candidate;
    }
    return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    const auto near = nearest_word(word, candidates);
    return near ? "Did you mean " + *near + "?" : std::string();
}

}  // namespace synchost
