// HEALTHCHECK: its flags and its two forms, as the config holds them (docker's image config: durations in
// nanoseconds, 0 where nothing was said).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "images/config/image_config.hpp"
#include "images/dockerfile/parser.hpp"

namespace synchost::images {

// Go's time.ParseDuration: "1h30m", "2.5s", "0", in nanoseconds. invalid_input for what is none, or is
// negative.
Result<std::int64_t> parse_duration(std::string_view text);

// Errors are invalid_input and come without the line.
Result<Healthcheck> parse_healthcheck(const Instruction& instruction);

}  // namespace synchost::images
