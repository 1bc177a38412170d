// The value of --chmod: an octal number, or chmod(1)'s symbolic form ("u=rwX,go=rX", "+x", "g-w"), which
// changes what a source's own mode is.
//
// As with BuildKit a clause without u, g, o and a means all three, with the bits of umask 022 left alone; 'X'
// is 'x' for folders and for what has an 'x' already; in "g=u" the right side stands for that class's bits.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/image.hpp"

namespace synchost::images {

class ModeChange {
  public:
    // invalid_input with what is wrong.
    static Result<ModeChange> parse(std::string_view text);
    // Permission bits with setuid, setgid and sticky. A symlink has no mode of its own: it keeps `mode`.
    [[nodiscard]] std::uint32_t apply(std::uint32_t mode, FileKind kind) const;

  private:
    // One "u=rwX" of a symbolic mode.
    struct Step {
        char operation = '=';      // '=', '+' or '-'
        std::uint32_t who = 0;     // the bits that it may clear
        std::uint32_t gives = 0;   // those that it may set: without the umask's where no class is named
        std::uint32_t bits = 0;    // r, w, x of all three classes, setuid and setgid, sticky
        bool execute_if = false;   // 'X'
        std::uint32_t copied = 0;  // for "g=u": the rwx bits of this class; 0 where none is named
    };
    static Result<std::string_view> parse_clause(std::string_view clause, std::vector<Step>& out);

    std::vector<Step> steps_;
};

}  // namespace synchost::images
