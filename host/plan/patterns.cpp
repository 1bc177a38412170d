#include "host/plan/patterns.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace synchost::host {
namespace {

constexpr std::size_t kMaxPatternBytes = 4095;

// One value per UTF-8 character; a byte that belongs to none becomes a value of its own beyond Unicode.
std::u32string decode(std::string_view bytes) {
    constexpr char32_t kStray = 0x110000;
    std::u32string out;
    for (std::size_t i = 0; i < bytes.size();) {
        const auto lead = static_cast<unsigned char>(bytes[i]);
        const std::size_t length = lead < 0x80   ? 1
                                   : lead < 0xC2 ? 0
                                   : lead < 0xE0 ? 2
                                   : lead < 0xF0 ? 3
                                   : lead < 0xF5 ? 4
                                                 : 0;
        char32_t value = length == 1 ? lead : lead & (0x7Fu >> length);
        bool whole = length > 0 && i + length <= bytes.size();
        for (std::size_t k = 1; whole && k < length; ++k) {
            const auto next = static_cast<unsigned char>(bytes[i + k]);
            whole = (next & 0xC0) == 0x80;
            value = value << 6 | (next & 0x3F);
        }
        out += whole ? value : kStray + lead;
        i += whole ? length : 1;
    }
    return out;
}

// "./a//b/" is "a/b": empty and "." components go.
Result<std::string> normalise(std::string_view pattern) {
    std::string out;
    for (std::size_t start = 0; start <= pattern.size();) {
        const std::size_t end = std::min(pattern.find('/', start), pattern.size());
        const std::string_view part = pattern.substr(start, end - start);
        start = end + 1;
        if (part.empty() || part == ".") continue;
        if (part == "..") return fail(Errc::invalid_input, "leads out of the folder (\"..\")");
        if (!out.empty()) out += '/';
        out += part;
    }
    if (out.empty()) return fail(Errc::invalid_input, "is empty");
    return out;
}

}  // namespace

Result<> PathPatterns::add(std::string_view pattern) {
    Pattern added{std::string(pattern), pattern.starts_with('!'), {}};
    if (added.takes_back) pattern.remove_prefix(1);
    if (pattern.size() > kMaxPatternBytes) return fail(Errc::invalid_input, "is longer than 4095 bytes");
    if (pattern.starts_with('/')) return fail(Errc::invalid_input, "is absolute");
    TRY_ASSIGN(const std::string normal, normalise(pattern));
    TRY_ASSIGN(added.steps, compile(decode(normal)));
    patterns_.push_back(std::move(added));
    return {};
}

Result<std::vector<PathPatterns::Step>> PathPatterns::compile(std::u32string_view pattern) {
    std::vector<Step> steps;
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        const char32_t c = pattern[at];
        const bool doubled = pattern.substr(at).starts_with(U"**");
        if (doubled && at + 2 == pattern.size()) {
            steps.push_back({Kind::everything, 0, {}});
            break;
        } else if (doubled) {
            // As docker reads it, "**x" is "**/x".
            steps.push_back({Kind::folders, 0, {}});
            at += pattern[at + 2] == U'/' ? 2 : 1;
        } else if (c == U'*') {
            steps.push_back({Kind::name_rest, 0, {}});
        } else if (c == U'?') {
            steps.push_back({Kind::any, 0, {}});
        } else if (c == U'[') {
            TRY_ASSIGN(Step step, compile_class(pattern, at));
            steps.push_back(std::move(step));
        } else {
            if (c == U'\\' && ++at == pattern.size()) return fail(Errc::invalid_input, "ends in a \\");
            steps.push_back({Kind::character, pattern[at], {}});
        }
    }
    return steps;
}

// From the '[' at `at` to its ']', where `at` is left.
Result<PathPatterns::Step> PathPatterns::compile_class(std::u32string_view pattern, std::size_t& at) {
    const auto unfinished = [] { return fail(Errc::invalid_input, "has a [ without its ]"); };
    Step step{Kind::one_of, 0, {}};
    if (++at < pattern.size() && pattern[at] == U'^') {
        step.kind = Kind::none_of;
        ++at;
    }
    const auto next = [&]() -> std::optional<char32_t> {
        if (at < pattern.size() && pattern[at] == U'\\') ++at;
        return at < pattern.size() ? std::optional(pattern[at++]) : std::nullopt;
    };
    while (at < pattern.size() && pattern[at] != U']') {
        const auto from = next();
        if (!from) return unfinished();
        auto to = from;
        if (at + 1 < pattern.size() && pattern[at] == U'-' && pattern[at + 1] != U']') {
            ++at;
            to = next();
        }
        if (!to) return unfinished();
        if (*to < *from) return fail(Errc::invalid_input, "has a range in [ ] that ends before it begins");
        step.ranges.push_back({*from, *to});
    }
    if (at >= pattern.size()) return unfinished();
    if (step.ranges.empty()) return fail(Errc::invalid_input, "has an empty [ ]");
    return step;
}

bool PathPatterns::accepts(const Step& step, char32_t character) {
    const auto in = [&](const Range& range) { return range.from <= character && character <= range.to; };
    switch (step.kind) {
        case Kind::character:
            return character == step.from;
        case Kind::any:
            return character != U'/';
        case Kind::one_of:
            return character != U'/' && std::ranges::any_of(step.ranges, in);
        case Kind::none_of:
            return character != U'/' && std::ranges::none_of(step.ranges, in);
        case Kind::name_rest:
            return character != U'/';
        case Kind::folders:
        case Kind::everything:
            return true;
    }
    return false;
}

bool PathPatterns::matches(const std::vector<Step>& steps, std::u32string_view path) {
    // before[k]: the path so far can stand before step k. inside[k]: in a component that step k (folders)
    // eats.
    std::vector<bool> before(steps.size() + 1);
    std::vector<bool> inside(steps.size() + 1);
    const auto repeats = [&](std::size_t k) {
        return steps[k].kind == Kind::name_rest || steps[k].kind == Kind::folders ||
               steps[k].kind == Kind::everything;
    };
    const auto skip_repeats = [&](std::vector<bool>& states) {
        for (std::size_t k = 0; k < steps.size(); ++k)
            states[k + 1] = states[k + 1] || (states[k] && repeats(k));
    };
    before[0] = true;
    skip_repeats(before);
    for (const char32_t c : path) {
        if (c == U'/' && before[steps.size()]) return true;  // a folder above the path
        std::vector<bool> next(steps.size() + 1);
        std::vector<bool> next_inside(steps.size() + 1);
        for (std::size_t k = 0; k < steps.size(); ++k) {
            if (steps[k].kind == Kind::folders) {
                const bool here = before[k] || inside[k];
                next[k] = next[k] || (here && c == U'/');
                next_inside[k] = here && c != U'/';
            } else if (before[k] && accepts(steps[k], c)) {
                next[repeats(k) ? k : k + 1] = true;
            }
        }
        skip_repeats(next);
        before.swap(next);
        inside.swap(next_inside);
    }
    return before[steps.size()];
}

bool PathPatterns::matches(std::string_view path) const {
    const std::u32string decoded = decode(path);
    const auto last = std::ranges::find_if(patterns_.rbegin(), patterns_.rend(), [&](const Pattern& pattern) {
        return matches(pattern.steps, decoded);
    });
    return last != patterns_.rend() && !last->takes_back;
}

std::vector<std::string> PathPatterns::texts() const {
    std::vector<std::string> out;
    for (const Pattern& pattern : patterns_) out.push_back(pattern.text);
    return out;
}

}  // namespace synchost::host
