#include "images/context/ignore.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/context/glob.hpp"
#include "images/dockerfile/words.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxIgnoreBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxRules = 10'000;

// Go's path.Clean for a relative pattern: no ".", no "//", ".." taken back where that is possible.
std::string clean(std::string_view path) {
    const bool rooted = path.starts_with('/');
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == ".." && !parts.empty() && parts.back() != "..") {
            parts.pop_back();
        } else if (part != ".." || !rooted) {
            parts.push_back(part);
        }
    }
    std::string out;
    for (const std::string_view part : parts) {
        if (!out.empty()) out += '/';
        out += part;
    }
    return out;
}

// Matches with wildcards. moby turns a pattern into a regular expression, in which "**" at the end is ".*",
// "**" elsewhere (with a '/' behind it, if there is one) is "(.*/)?", '*' is "[^/]*" and '?' is "[^/]".
//
// reached[s] says that the pattern so far matches the first s bytes of the path; each token makes the next
// row from the last, so that no pattern costs more than the product of both lengths.
class PatternMatch {
  public:
    explicit PatternMatch(std::string_view path) : path_(path), reached_(path.size() + 1) {
        reached_[0] = true;
    }
    bool run(std::string_view pattern);

  private:
    void star();
    void double_star();
    template <typename Matches>
    void one_byte(Matches&& matches);
    std::string_view path_;
    std::vector<bool> reached_;
};

void PatternMatch::star() {
    for (std::size_t s = 0; s < path_.size(); ++s) {
        if (reached_[s] && path_[s] != '/') reached_[s + 1] = true;
    }
}

void PatternMatch::double_star() {
    bool from_before = false;
    for (std::size_t s = 0; s < path_.size(); ++s) {
        from_before = from_before || reached_[s];
        if (from_before && path_[s] == '/') reached_[s + 1] = true;
    }
}

template <typename Matches>
void PatternMatch::one_byte(Matches&& matches) {
    for (std::size_t s = path_.size(); s > 0; --s) reached_[s] = reached_[s - 1] && matches(path_[s - 1]);
    reached_[0] = false;
}

bool PatternMatch::run(std::string_view pattern) {
    while (!pattern.empty()) {
        const char c = pattern.front();
        if (pattern.starts_with("**")) {
            pattern.remove_prefix(2);
            if (pattern.starts_with('/')) pattern.remove_prefix(1);
            if (pattern.empty()) return std::ranges::find(reached_, true) != reached_.end();
            double_star();
        } else if (c == '*') {
            pattern.remove_prefix(1);
            star();
        } else if (c == '[') {
            const std::string_view from_here = pattern;
            if (!match_class(pattern, 'x').valid) return false;
            one_byte([&](char byte) {
                std::string_view text = from_here;
                return match_class(text, byte).matches;
            });
        } else if (c == '?') {
            pattern.remove_prefix(1);
            one_byte([](char byte) { return byte != '/'; });
        } else {
            if (c == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
            one_byte([plain = pattern.front()](char byte) { return byte == plain; });
            pattern.remove_prefix(1);
        }
    }
    return reached_.back();
}

}  // namespace

IgnoreRules::Match IgnoreRules::kind_of(std::string_view pattern) {
    Match out = Match::exact;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '*' && i + 1 < pattern.size() && pattern[i + 1] == '*') {
            const std::size_t start = i++;
            if (i + 1 < pattern.size() && pattern[i + 1] == '/') ++i;
            const bool at_end = i + 1 == pattern.size();
            out = at_end && out == Match::exact ? Match::prefix : Match::pattern;
            if (start == 0) out = Match::suffix;
        } else if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\') {
            out = Match::pattern;
        }
    }
    return out;
}

bool IgnoreRules::Rule::matches(std::string_view path) const {
    switch (match) {
        case Match::exact:
            return path == text;
        case Match::prefix:
            return path.starts_with(std::string_view(text).substr(0, text.find("**")));
        case Match::suffix: {
            const std::string_view tail = std::string_view(text).substr(2);
            return path.ends_with(tail) || (tail.starts_with('/') && path == tail.substr(1));
        }
        case Match::pattern:
            return PatternMatch(path).run(text);
    }
    return false;
}

Result<IgnoreRules> IgnoreRules::parse(std::string_view text, std::string_view name) {
    IgnoreRules out;
    out.name_ = name;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    for (int line = 1; !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view pattern = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pattern.starts_with('#')) continue;
        pattern = trim_blanks(pattern);
        const auto refuse = [&](std::string_view why) {
            return fail(Errc::invalid_input,
                        out.name_ + ":" + std::to_string(line) + ": " + std::string(why));
        };
        if (pattern.empty()) continue;
        const bool include = pattern.starts_with('!');
        if (include) pattern = trim_blanks(pattern.substr(1));
        if (pattern.empty()) return refuse("\"!\" without a pattern");
        if (auto good = check_glob(pattern); !good) return refuse(good.error().message);
        std::string cleaned = clean(pattern);
        if (cleaned.empty()) continue;  // "." and "/" match no path below the context
        if (out.rules_.size() == kMaxRules) return refuse("more than 10000 rules");
        const Match match = kind_of(cleaned);
        out.rules_.push_back({std::move(cleaned), include, match, line});
        out.any_include_ |= include;
    }
    return out;
}

Result<IgnoreRules> IgnoreRules::load(const std::filesystem::path& context,
                                      const std::filesystem::path& dockerfile) {
    std::filesystem::path own = dockerfile;
    own += ".dockerignore";
    for (const std::filesystem::path& path : {own, context / ".dockerignore"}) {
        const auto text = read_file(path, kMaxIgnoreBytes);
        if (!text && text.error().code == Errc::not_found) continue;
        if (!text) return std::unexpected(text.error());
        TRY_ASSIGN(IgnoreRules out, parse(*text, printable(path.filename().native())));
        out.file_ = path;
        return out;
    }
    return IgnoreRules();
}

IgnoreRules::Verdict IgnoreRules::judge(std::string_view path, const Verdict* folder) const {
    Verdict out;
    out.matched.resize(rules_.size());
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Rule& rule = rules_[i];
        bool match = folder != nullptr && folder->matched[i];
        if (!match) {
            if (rule.include != out.excluded) continue;  // it could change nothing
            match = rule.matches(path);
        }
        out.matched[i] = match;
        if (match) out.excluded = !rule.include;
    }
    return out;
}

bool IgnoreRules::excluded(std::string_view path) const {
    if (rules_.empty()) return false;
    Verdict verdict;
    bool first = true;
    for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
        verdict = judge(path.substr(0, slash), first ? nullptr : &verdict);
        first = false;
        if (slash == std::string_view::npos) return verdict.excluded;
    }
}

bool IgnoreRules::may_include_below(std::string_view folder) const {
    if (!any_include_) return false;
    return std::ranges::any_of(rules_, [&](const Rule& rule) {
        if (!rule.include) return false;
        // Only the folders that the pattern names without wildcards can rule it out.
        std::string_view plain = rule.text;
        if (const std::size_t wild = plain.find_first_of("*?[\\"); wild != std::string_view::npos) {
            const std::size_t slash = plain.rfind('/', wild);
            plain = plain.substr(0, slash == std::string_view::npos ? 0 : slash);
            if (plain.empty()) return true;
            if (folder == plain || (folder.starts_with(plain) && folder[plain.size()] == '/')) return true;
        }
        return plain.starts_with(folder) && plain.size() > folder.size() && plain[folder.size()] == '/';
    });
}

std::optional<std::string> IgnoreRules::rule_that_excludes(std::string_view path) const {
    if (!excluded(path)) return std::nullopt;
    const Rule* last = nullptr;
    for (const Rule& rule : rules_) {
        if (rule.include) continue;
        for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
            if (rule.matches(path.substr(0, slash))) last = &rule;
            if (slash == std::string_view::npos) break;
        }
    }
    if (last == nullptr) return std::nullopt;
    return name_ + ":" + std::to_string(last->line) + ": " + printable(last->text);
}

}  // namespace synchost::images
