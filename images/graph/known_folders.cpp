#include "images/graph/known_folders.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace synchost::images {
namespace {

constexpr std::array<std::string_view, 24> kUsual = {"etc",
                                                     "home",
                                                     "media",
                                                     "mnt",
                                                     "opt",
                                                     "run",
                                                     "srv",
                                                     "usr",
                                                     "usr/bin",
                                                     "usr/include",
                                                     "usr/lib",
                                                     "usr/local",
                                                     "usr/local/bin",
                                                     "usr/local/etc",
                                                     "usr/local/include",
                                                     "usr/local/lib",
                                                     "usr/local/sbin",
                                                     "usr/local/share",
                                                     "usr/sbin",
                                                     "usr/share",
                                                     "var",
                                                     "var/cache",
                                                     "var/lib",
                                                     "var/log"};
constexpr std::array<std::string_view, 10> kUnsure = {
    "bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32", "var/run", "var/lock", "etc/alternatives"};

bool speaks_of(std::string_view config, std::string_view path) {
    const std::string needle = "/" + std::string(path);
    for (std::size_t at = config.find(needle); at != std::string_view::npos;
         at = config.find(needle, at + 1)) {
        const std::size_t end = at + needle.size();
        const char next = end < config.size() ? config[end] : '"';
        const bool word = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ||
                          (next >= '0' && next <= '9') || next == '-' || next == '_' || next == '.';
        if (!word) return true;
    }
    return false;
}

}  // namespace

GuessedFolder guess_folder(std::string_view path, std::string_view config) {
    if (path == "tmp" || path == "var/tmp") return {FolderGuess::usual, 01777};
    if (path == "root") return {FolderGuess::usual, 0700};
    if (std::ranges::find(kUsual, path) != kUsual.end()) return {FolderGuess::usual, 0755};
    if (std::ranges::find(kUnsure, path) != kUnsure.end() || path.starts_with("home/"))
        return {FolderGuess::unsure};
    if (speaks_of(config, path)) return {FolderGuess::unsure};
    return {FolderGuess::absent};
}

}  // namespace synchost::images
