// The calls of a Tiltfile, as text: what stands in it at the top level as `name(arguments)`, with arguments
// that are literals or calls themselves. A Tiltfile is a program (Starlark); this runs none of it: what is
// not a literal call (an assignment, def, if, for, an expression) is told by its line and skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::host {

struct TiltValue;
struct TiltArgument;  // that has a name

struct TiltCall {
    std::string name;  // "docker_build", "os.getcwd"
    int line = 0;
    std::vector<TiltValue> args;
    std::vector<TiltArgument> named;

    // By position, or by name; nullptr where it is not given.
    [[nodiscard]] const TiltValue* argument(std::size_t position, std::string_view name) const;
};

enum class TiltKind : std::uint8_t { other, text, number, list, map, call };

struct TiltValue {
    TiltKind kind = TiltKind::other;
    std::string text;              // text and number
    std::vector<TiltValue> items;  // list; of a map its keys and values in turn
    std::vector<TiltCall> call;    // of a call exactly one
    // The text, or the texts of a list; nothing for anything else in it.
    [[nodiscard]] std::vector<std::string> texts() const;
};

struct TiltArgument {
    std::string name;
    TiltValue value;
};

struct Tiltfile {
    std::vector<TiltCall> calls;
    std::vector<int> skipped;  // lines of statements that are no literal call, at most 100
};

inline constexpr std::size_t kMaxTiltfileBytes = std::size_t{1} << 20;

// invalid_input past kMaxTiltfileBytes, 32 levels or 100,000 values, and where a text or a bracket never
// ends.
Result<Tiltfile> parse_tiltfile(std::string_view text);

}  // namespace synchost::host
