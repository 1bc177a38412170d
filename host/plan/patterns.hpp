// A list of path patterns in the language of .dockerignore, for the overrides of synchost.yaml.
//
//   *      any part of one name            api/*.py
//   **     any number of folders           **/*.lock
//   ?      one character of a name         a?.txt
//   [a-z]  one of these; [^a-z] another    log[0-9]
//   \x     x itself                        \*.txt
//   !      at the front: takes back what the patterns before it matched
//
// A pattern that matches a folder matches all below it. The last pattern that matches decides. Matching steps
// through all states of a pattern at once, so its cost is (length of pattern) x (length of path) whatever the
// pattern is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::host {

class PathPatterns {
  public:
    PathPatterns() = default;  // matches nothing

    // Appends one pattern. invalid_input where it is empty, absolute, leads out of the folder ("..") or does
    // not end its [ or \; the message does not name the place, which the caller knows.
    Result<> add(std::string_view pattern);

    // `path` is relative, '/'-separated and normal. Bytes that are not UTF-8 match ? and * one by one.
    [[nodiscard]] bool matches(std::string_view path) const;

    [[nodiscard]] bool empty() const { return patterns_.empty(); }
    [[nodiscard]] std::vector<std::string> texts() const;  // as they were added

  private:
    enum class Kind : std::uint8_t {
        character,  // `from`
        any,        // one character but '/'
        one_of,     // in one of `ranges`, but not '/'
        none_of,
        name_rest,  // any number of characters but '/'
        folders,    // any number of whole components with their '/'
        everything,
    };
    struct Range {
        char32_t from = 0;
        char32_t to = 0;
    };
    struct Step {
        Kind kind = Kind::character;
        char32_t from = 0;
        std::vector<Range> ranges;
    };
    struct Pattern {
        std::string text;
        bool takes_back = false;
        std::vector<Step> steps;
    };

    static Result<std::vector<Step>> compile(std::u32string_view pattern);
    static Result<Step> compile_class(std::u32string_view pattern, std::size_t& at);
    static bool accepts(const Step& step, char32_t character);
    // True where the steps match the path, or a folder above it.
    static bool matches(const std::vector<Step>& steps, std::u32string_view path);

    std::vector<Pattern> patterns_;
};

}  // namespace synchost::host
