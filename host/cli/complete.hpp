// What a shell may put at the cursor of a `synchost` command line. The scripts that `synchost completion`
// prints are thin: at each TAB they run `synchost __complete WORD...` and read
//
//     :files                       first line: what the shell adds by itself (:none, :files, :folders)
//     --tag<TAB>Name for it        then a candidate in each line, and what it is
//
// so an installed script knows the commands of the program that runs, whatever its version.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/cli/command_table.hpp"

namespace synchost::host {

inline constexpr std::string_view kCompleteCommand = "__complete";

enum class PathKind : std::uint8_t { none, files, folders };

struct Candidate {
    std::string word;
    std::string summary;
    bool operator==(const Candidate&) const = default;
};

struct Candidates {
    PathKind paths = PathKind::none;  // of the file system, for the shell to add
    std::vector<Candidate> words;
};

// The words for a kind that only the machine knows: CONTEXT and IMAGE.
using WordSource = std::function<std::vector<std::string>(std::string_view kind)>;

// `words` are those after the program's name; the last one is being written and may be empty.
Candidates complete(const CommandSpec& root, std::span<const std::string> words, const WordSource& source);

// The answer of `synchost __complete`; control characters are left out of it.
std::string format_candidates(const Candidates& candidates);

// Answers `synchost __complete` with what this machine knows: contexts of the kubeconfig, images of the
// synchost.yaml at or above the current folder. What cannot be read offers nothing. 0, the exit code.
int print_candidates(const CommandSpec& root, const std::vector<std::string>& words);

// The script for "bash", "zsh" or "fish"; nothing for another word.
std::string_view completion_script(std::string_view shell);

}  // namespace synchost::host
