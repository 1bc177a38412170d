// "Did you mean COPY?": the nearest known word to a mistyped one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace synchost {

// The candidate at the least edit distance (insert, delete, replace, swap of neighbours), if that is at most
// two and less than half of the word. Case counts for nothing.
[[nodiscard]] std::optional<std::string> nearest_word(std::string_view word,
                                                      std::span<const std::string_view> candidates);

// nearest_word() as a next step, or "" where nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace synchost
