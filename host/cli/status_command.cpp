// `synchost status`: what the `watch` that runs for this project knows, and whether the pods are the tree.
#include <fmt/format.h>

#include <cstdio>

#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/control/client.hpp"
#include "host/control/server.hpp"
#include "host/control/status.hpp"

namespace synchost::host {
namespace {

constexpr std::chrono::seconds kStatusPatience{10};
constexpr std::chrono::minutes kVerifyPatience{10};

// Why the exit code is not 0.
Result<> judge(const Status& status) {
    std::size_t differing = 0;
    std::size_t unknown = 0;
    std::size_t late = 0;
    std::size_t all = 0;
    for (const PodStatus& pod : status.pods) {
        for (const ContainerStatus& container : pod.containers) {
            ++all;
            if (container.verified && !container.verified->problem.empty()) ++unknown;
            if (container.verified && container.verified->differing > 0) ++differing;
            if (!container.current) ++late;
        }
    }
    if (all == 0)
        return fail(Errc::not_found, "there are no pods yet",
                    "Ask again when synchost watch has deployed them.");
    const std::string of = fmt::format(" of {} container{}", all, all == 1 ? "" : "s");
    if (differing > 0) {
        return fail(Errc::conflict,
                    fmt::format("{}{} differ{} from your tree", differing, of, differing == 1 ? "s" : ""),
                    "A file that is saved is sent again; a new pod begins with all of them.");
    }
    if (late > 0) {
        return fail(Errc::conflict, fmt::format("{}{} {} not current", late, of, late == 1 ? "is" : "are"),
                    "What is in the way stands above, and in the output of synchost watch.");
    }
    if (unknown > 0)
        return fail(Errc::conflict, fmt::format("{}{} could not be verified", unknown, of), "Ask again.");
    if (status.all_well()) return {};
    return fail(Errc::conflict, "the last build of an image failed",
                "Its error is in the output of synchost watch.");
}

}  // namespace

Result<> run_status(const StatusFlags& flags) {
    TRY_ASSIGN(const ProjectParts project, open_project(flags.folder, {}, {}));
    const ControlRequest request = flags.verify ? ControlRequest::verify : ControlRequest::status;
    TRY_ASSIGN(const std::string json,
               ask_watch(project.folders.state / kControlSocket, request,
                         flags.verify ? std::chrono::seconds(kVerifyPatience) : kStatusPatience));
    TRY_ASSIGN(const Status status, parse_status(json));
    std::printf("%s", (flags.json ? json + '\n' : to_text(status)).c_str());
    std::fflush(stdout);  // before what main() says of it
    return judge(status);
}

}  // namespace synchost::host
