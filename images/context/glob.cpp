#include "images/context/glob.hpp"

#include <string>

#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

// One member of a class, with its escape; false at the end or at what must be escaped.
bool take_member(std::string_view& pattern, char& out) {
    if (pattern.empty() || pattern.front() == '-' || pattern.front() == ']') return false;
    if (pattern.front() == '\\') {
        pattern.remove_prefix(1);
        if (pattern.empty()) return false;
    }
    out = pattern.front();
    pattern.remove_prefix(1);
    return true;
}

}  // namespace

bool has_wildcard(std::string_view pattern) {
    return pattern.find_first_of("*?[\\") != std::string_view::npos;
}

std::string literal_pattern(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("*?[\\").contains(c)) out += '\\';
        out += c;
    }
    return out;
}

ClassMatch match_class(std::string_view& pattern, char c) {
    pattern.remove_prefix(1);
    const bool negated = pattern.starts_with('^');
    if (negated) pattern.remove_prefix(1);
    bool matched = false;
    for (int members = 0;; ++members) {
        if (pattern.starts_with(']') && members > 0) {
            pattern.remove_prefix(1);
            return {true, matched != negated};
        }
        char low = 0;
        if (!take_member(pattern, low)) return {};
        char high = low;
        if (pattern.starts_with('-')) {
            pattern.remove_prefix(1);
            if (!take_member(pattern, high)) return {};
        }
        const auto byte = static_cast<unsigned char>(c);
        if (static_cast<unsigned char>(low) <= byte && byte <= static_cast<unsigned char>(high))
            matched = true;
    }
}

Result<> check_glob(std::string_view pattern) {
    const std::string_view whole = pattern;
    while (!pattern.empty()) {
        if (pattern.front() == '[') {
            if (!match_class(pattern, 'x').valid) {
                return fail(Errc::invalid_input, "broken [...] in the pattern \"" + printable(whole) + "\"");
            }
            continue;
        }
        if (pattern.front() == '\\') {
            pattern.remove_prefix(1);
            if (pattern.empty())
                return fail(Errc::invalid_input,
                            "the pattern \"" + printable(whole) + "\" ends in a backslash");
        }
        pattern.remove_prefix(1);
    }
    return {};
}

// Linear but for '*', to which it returns: the classic two-pointer match, so no pattern costs more than a
// product of both lengths.
bool glob_match(std::string_view pattern, std::string_view name) {
    std::string_view star_pattern;
    std::string_view star_name;
    bool starred = false;
    for (;;) {
        if (pattern.starts_with('*')) {
            pattern.remove_prefix(1);
            star_pattern = pattern;
            star_name = name;
            starred = true;
            continue;
        }
        if (pattern.empty() && name.empty()) return true;
        bool matched = false;
        if (!pattern.empty() && !name.empty()) {
            const char c = name.front();
            if (pattern.front() == '[') {
                const ClassMatch in_class = match_class(pattern, c);
                if (!in_class.valid) return false;
                matched = in_class.matches && c != '/';
            } else if (pattern.front() == '?') {
                pattern.remove_prefix(1);
                matched = c != '/';
            } else {
                if (pattern.front() == '\\') {
                    pattern.remove_prefix(1);
                    if (pattern.empty()) return false;
                }
                matched = pattern.front() == c;
                pattern.remove_prefix(1);
            }
        }
        if (matched) {
            name.remove_prefix(1);
            continue;
        }
        if (!starred || star_name.empty() || star_name.front() == '/') return false;
        star_name.remove_prefix(1);
        pattern = star_pattern;
        name = star_name;
    }
}

}  // namespace synchost::images
