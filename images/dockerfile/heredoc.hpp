// Heredocs: texts that follow an instruction, up to a line that holds their name alone. RUN, COPY and ADD
// have them, also behind ONBUILD, and not in the JSON form (BuildKit frontend/dockerfile/parser/parser.go).
//
//   RUN cat <<A <<-'B' >/both      two heredocs: A, and B, quoted (no variables in it) and without leading
//   tabs one $X
//   A
//   <TAB>two $X
//   B
//
// A word opens one when it is digits, "<<", an optional "-", and a name; `1 << 2` is none, and neither is any
// where the line's quotes do not close.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::images {

struct Heredoc {
    std::string name;         // without its quotes: the last line, and the file's name for COPY and ADD
    std::string content;      // with its line ends; leading tabs are gone where `strip_tabs`
    bool expand = true;       // no part of the name was quoted: COPY and ADD replace variables
    bool strip_tabs = false;  // <<-
    unsigned descriptor = 0;  // the digits before "<<"
};

// The heredoc that this word opens, without its content; nothing where it opens none. A text with blanks that
// are not quoted is more than a word.
std::optional<Heredoc> parse_heredoc_word(std::string_view word);

// Those that the rest of an instruction opens, in order, without their content.
std::vector<Heredoc> find_heredocs(std::string_view rest);

}  // namespace synchost::images
