// A list of path patterns in the language of .dockerignore, for the overrides of synchost.yaml. There is one
// implementation of that language, images/context/ignore.hpp; this takes single patterns in place of a file,
// and refuses those that a file would let pass and that can match nothing in a folder.
//
//   *      any part of one name            api/*.py
//   **     any number of folders           **/*.lock
//   ?      one character of a name         a?.txt
//   [a-z]  one of these; [^a-z] another    log[0-9]
//   \x     x itself                        \*.txt
//   !      at the front: takes back what the patterns before it matched
//
// A pattern that matches a folder matches all below it. The last pattern that matches decides.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/context/ignore.hpp"

namespace synchost::host {

class PathPatterns {
  public:
    PathPatterns() = default;  // matches nothing

    // Appends one pattern. invalid_input where it is empty, absolute, leads out of the folder ("..") or is
    // broken; the message ("is absolute") goes on from the pattern, which it does not repeat.
    Result<> add(std::string_view pattern);

    // `path` is relative, '/'-separated and normal.
    [[nodiscard]] bool matches(std::string_view path) const { return rules_.excluded(path); }

    [[nodiscard]] bool empty() const { return texts_.empty(); }
    [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }  // as they were added
    bool operator==(const PathPatterns& other) const { return texts_ == other.texts_; }

  private:
    std::vector<std::string> texts_;
    std::string file_;  // the patterns as lines of an ignore file
    images::IgnoreRules rules_;
};

}  // namespace synchost::host
