#include "agent/apply/seed.hpp"
#include "agent/apply/folders.hpp"
#include "agent/cli/arguments.hpp"
#include "base/log.hpp"

namespace synchost::agent {

Result<int> seed_command_line(Arguments words) {
    std::string volume;
    std::vector<std::string> folders;
    while (const auto word = words.next()) {
        if (*word == "--to") {
            TRY_ASSIGN(volume, words.value_of(*word));
        } else if (*word == "--folder") {
            TRY_ASSIGN(std::string folder, words.value_of(*word));
            TRY(check_root(folder));
            folders.push_back(std::move(folder));
        } else {
            return unknown_option(*word);
        }
    }
    if (volume.empty() || folders.empty())
        return fail(Errc::invalid_input, "seed needs --to DIR and at least one --folder PATH");
    for (std::size_t i = 0; i < folders.size(); ++i) {
        auto seeded = seed_folder(folders[i], volume, std::to_string(i));
        if (!seeded)
            return std::unexpected(std::move(seeded).error().context("seed " + printable(folders[i])));
        log(LogLevel::info, "agent", seeded->was_there ? "seeded before" : "seeded",
            {{"folder", printable(folders[i])}, {"copied", seeded->copied}, {"skipped", seeded->skipped}});
    }
    return 0;
}

}  // namespace synchost::agent
