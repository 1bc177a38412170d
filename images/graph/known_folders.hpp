// What can be said of a base image's folders without reading its layers.
//
// A layer must say what the folders above its files are, or unpacking makes them anew with other attributes:
// /tmp loses its sticky bit, /home/app its owner. To know them means to fetch every layer of the base. Three
// cases, by path:
//   - Folders of every distribution are what they always are ("usr" 0755, "tmp" 1777, "root" 0700).
//   - Where the base's config speaks of the path (WORKDIR, a volume, HOME, the history's commands), or where
//   symlinks
//     and private folders are usual ("bin", "lib", "home/..."), only the layers tell: `unsure`.
//   - Everything else is taken to be new, as COPY --link takes it.
#pragma once

#include <cstdint>
#include <string_view>

namespace synchost::images {

enum class FolderGuess : std::uint8_t { usual, unsure, absent };

struct GuessedFolder {
    FolderGuess guess = FolderGuess::absent;
    std::uint32_t mode = 0755;  // where usual; the owner is root
};

// `path` relative to the root; `config` the JSON of the base's config blob.
GuessedFolder guess_folder(std::string_view path, std::string_view config);

}  // namespace synchost::images
