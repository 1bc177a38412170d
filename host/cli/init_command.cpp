// `synchost init`: looks at a folder and writes the synchost.yaml that follows from it.
#include <algorithm>
#include <cstdio>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "host/cli/commands.hpp"
#include "host/init/carried.hpp"
#include "host/init/proposal.hpp"
#include "host/init/survey.hpp"
#include "host/plan/config.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

// Of the Tiltfile or the skaffold.yaml that lies beside the synchost.yaml to be; what was read is no longer
// among the survey's files of other tools.
Carried carry_over(const fs::path& folder, Survey& survey) {
    Carried carried;
    const auto take = [&](const char* name, auto read) {
        if (std::erase(survey.other_tools, name) == 0) return;
        const auto text = read_file(folder / name, kMaxTiltfileBytes);
        auto found = text ? read(*text) : Result<Carried>(std::unexpected(text.error()));
        if (found)
            carried = *std::move(found);
        else
            survey.notes.push_back(found.error().message);
    };
    const auto read_tiltfile = [](std::string_view text) -> Result<Carried> {
        TRY_ASSIGN(const Tiltfile file, parse_tiltfile(text));
        return carry_tiltfile(file);
    };
    if (std::ranges::find(survey.other_tools, std::string("Tiltfile")) != survey.other_tools.end())
        take("Tiltfile", read_tiltfile);
    else
        take("skaffold.yaml", carry_skaffold);
    return carried;
}

}  // namespace

Result<> run_init(const InitFlags& flags) {
    std::error_code why;
    const fs::path folder = fs::canonical(flags.folder, why);
    if (why) return fail_errno(printable(flags.folder.native()), why.value());
    const fs::path file = folder / kConfigName;
    const bool exists = fs::symlink_status(file, why).type() != fs::file_type::not_found;
    if (exists && !flags.force && !flags.print) {
        return fail(Errc::conflict, printable(file.native()) + ": is there already",
                    "synchost init --print shows what it would write; --force overwrites it");
    }
    TRY_ASSIGN(Survey survey, survey_folder(folder));
    const Carried carried = carry_over(folder, survey);
    TRY_ASSIGN(const std::string text, propose_config(survey, carried, folder.filename().native()));
    if (flags.print) {
        std::fputs(text.c_str(), stdout);
        return {};
    }
    TRY(write_file_atomic(file, text));
    std::printf("%s: written; read it, then: synchost watch\n", printable(file.native()).c_str());
    return {};
}

}  // namespace synchost::host
