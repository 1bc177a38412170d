// `synchost down`: takes away what a `watch` left that could not do it itself.
#include "host/cli/choose_runtime.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/engine/kept_image.hpp"
#include "host/engine/project.hpp"

namespace synchost::host {

Result<> run_down(const DownFlags& flags) {
    TRY_ASSIGN(const ProjectParts project, open_project(flags.folder, flags.profiles));
    TRY_ASSIGN(const protocol::PskKey key, load_or_make_key(project.folders.state));
    TRY_ASSIGN(const ChosenRuntime chosen, choose_runtime(flags.runtime, project, key));
    TRY(chosen.runtime->down());
    forget_kept_images(project.folders.state);
    return {};
}

}  // namespace synchost::host
