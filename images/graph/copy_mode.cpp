#include "images/graph/copy_mode.hpp"

#include <algorithm>
#include <string>

#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

constexpr std::uint32_t kAll = 07777;
constexpr std::uint32_t kUmask = 022;
constexpr std::size_t kMaxText = 200;

std::uint32_t class_bits(char c) {
    switch (c) {
        case 'u':
            return 04700;
        case 'g':
            return 02070;
        case 'o':
            return 01007;
        case 'a':
            return kAll;
        default:
            return 0;
    }
}

std::uint32_t permission_bits(char c) {
    switch (c) {
        case 'r':
            return 0444;
        case 'w':
            return 0222;
        case 'x':
            return 0111;
        case 's':
            return 06000;
        case 't':
            return 01000;
        default:
            return 0;
    }
}

// The rwx bits of one class, given to all three.
std::uint32_t spread(std::uint32_t mode, std::uint32_t from) {
    const std::uint32_t three = (mode & from & 0700) >> 6 | (mode & from & 070) >> 3 | (mode & from & 07);
    return three << 6 | three << 3 | three;
}

}  // namespace

Result<ModeChange> ModeChange::parse(std::string_view text) {
    const auto refuse = [&] {
        return fail(Errc::invalid_input,
                    "--chmod=" + printable(text.substr(0, kMaxText)) + " is no mode of files",
                    "Give an octal number up to 07777, or a form like u=rwX,go=rX.");
    };
    if (text.empty() || text.size() > kMaxText) return refuse();
    ModeChange out;
    if (text.find_first_not_of("0123456789") == std::string_view::npos) {
        std::uint32_t mode = 0;
        for (const char c : text) {
            mode = mode * 8 + static_cast<std::uint32_t>(c - '0');
            if (c > '7' || mode > kAll) return refuse();
        }
        out.steps_.push_back({.operation = '=', .who = kAll, .gives = kAll, .bits = mode});
        return out;
    }
    for (;;) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const auto rest = parse_clause(text.substr(0, comma), out.steps_);
        if (!rest || !rest->empty()) return refuse();
        if (comma == text.size()) return out;
        text.remove_prefix(comma + 1);
    }
}

// Returns what of the clause is not understood.
Result<std::string_view> ModeChange::parse_clause(std::string_view clause, std::vector<Step>& out) {
    std::uint32_t who = 0;
    for (; !clause.empty() && class_bits(clause.front()) != 0; clause.remove_prefix(1))
        who |= class_bits(clause.front());
    const std::uint32_t gives = who == 0 ? kAll & ~kUmask : who;
    if (who == 0) who = kAll;
    if (clause.empty()) return fail(Errc::invalid_input, "no operation");
    while (!clause.empty() && (clause.front() == '=' || clause.front() == '+' || clause.front() == '-')) {
        Step step{.operation = clause.front(), .who = who, .gives = gives};
        clause.remove_prefix(1);
        for (; !clause.empty(); clause.remove_prefix(1)) {
            const char c = clause.front();
            if (permission_bits(c) != 0) {
                step.bits |= permission_bits(c);
            } else if (c == 'X') {
                step.execute_if = true;
            } else if (c == 'u' || c == 'g' || c == 'o') {
                step.copied |= class_bits(c) & 0777;
            } else {
                break;
            }
        }
        out.push_back(step);
    }
    return clause;
}

std::uint32_t ModeChange::apply(std::uint32_t mode, FileKind kind) const {
    if (kind == FileKind::symlink) return mode;
    for (const Step& step : steps_) {
        std::uint32_t bits = step.bits | spread(mode, step.copied);
        if (step.execute_if && (kind == FileKind::folder || (mode & 0111) != 0)) bits |= 0111;
        bits &= step.gives;
        if (step.operation == '+') {
            mode |= bits;
        } else if (step.operation == '-') {
            mode &= ~bits;
        } else {
            mode = (mode & ~step.who) | bits;
        }
    }
    return mode;
}

}  // namespace synchost::images
