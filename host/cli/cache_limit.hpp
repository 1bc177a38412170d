// What the store of layers may grow to: the words of the command line and the environment, and the default.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::host {

// "512", "20 GB", "1.5gb" (1000s), "20GiB" (1024s); a unit without 'i' may leave out its 'B'. invalid_input
// for anything else, and for what no disk could hold.
Result<std::uint64_t> parse_byte_size(std::string_view text);

// 20 GB, or a tenth of the disk of `store` where that is less.
std::uint64_t default_cache_limit(const std::filesystem::path& store);

// `option`, else SYNCHOST_CACHE_LIMIT, else the default; nullopt for "none". Errors name which of them it
// was.
Result<std::optional<std::uint64_t>> choose_cache_limit(const std::string& option,
                                                        const std::filesystem::path& store);

}  // namespace synchost::host
