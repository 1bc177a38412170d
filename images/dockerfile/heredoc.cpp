#include "images/dockerfile/heredoc.hpp"

#include <charconv>

#include "images/dockerfile/words.hpp"

namespace synchost::images {
namespace {

constexpr char kEscape = '\\';  // whatever the Dockerfile's own is

struct Unquoted {
    std::string text;
    bool quoted = false;
    bool closed = true;
};

Unquoted unquote(std::string_view word) {
    Unquoted out;
    char quote = '\0';
    for (std::size_t at = 0; at < word.size(); ++at) {
        const char c = word[at];
        if (c == kEscape && quote != '\'') {
            out.quoted = true;
            if (at + 1 == word.size()) continue;
            const char next = word[at + 1];
            if (quote == '\0' || next == '"' || next == '$' || next == kEscape) ++at;
            out.text += word[at];
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
            out.quoted = true;
        } else if (quote != '\0' && c == quote) {
            quote = '\0';
        } else {
            out.text += c;
        }
    }
    out.closed = quote == '\0';
    return out;
}

}  // namespace

std::optional<Heredoc> parse_heredoc_word(std::string_view word) {
    Heredoc out;
    std::size_t digits = 0;
    while (digits < word.size() && word[digits] >= '0' && word[digits] <= '9') ++digits;
    (void)std::from_chars(word.data(), word.data() + digits, out.descriptor);
    word.remove_prefix(digits);
    if (!word.starts_with("<<")) return std::nullopt;
    word.remove_prefix(2);
    if (word.starts_with('-')) {
        out.strip_tabs = true;
        word.remove_prefix(1);
    }
    if (word.contains('<') || word.contains('\n') || split_words(word, kEscape).size() != 1)
        return std::nullopt;
    Unquoted name = unquote(trim_blanks(word));
    if (name.text.empty() || !name.closed) return std::nullopt;
    out.name = std::move(name.text);
    out.expand = !name.quoted;
    return out;
}

std::vector<Heredoc> find_heredocs(std::string_view rest) {
    std::vector<Heredoc> out;
    if (!rest.contains("<<") || !unquote(rest).closed) return out;
    for (const std::string& word : split_words(rest, kEscape)) {
        if (auto heredoc = parse_heredoc_word(word)) out.push_back(*std::move(heredoc));
    }
    return out;
}

}  // namespace synchost::images
