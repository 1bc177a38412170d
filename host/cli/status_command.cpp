// `synchost status`: what the `watch` that runs for this project knows, and whether the pods are the tree.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/control/client.hpp"
#include "host/control/server.hpp"
#include "host/control/status.hpp"

namespace synchost::host {
namespace {

constexpr std::chrono::seconds kStatusPatience{10};
constexpr std::chrono::minutes kVerifyPatience{10};

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenQuestions{100};

bool is_building(const Status& status) {
    return std::ranges::any_of(status.images, &ImageStatus::building);
}

// What another question would only tell again: all is well, or a build has failed that nobody mends by
// waiting.
bool is_settled(const Status& status) {
    const bool failed = std::ranges::any_of(status.images, &ImageStatus::build_failed);
    return !is_building(status) && (status.all_well() || failed);
}

struct Answer {
    std::string json;
    Status status;
};
Result<Answer> ask(const std::filesystem::path& socket, const StatusFlags& flags) {
    const std::chrono::seconds patience = flags.verify ? kVerifyPatience : kStatusPatience;
    const char* target = flags.verify ? "/api/v1/status?verify=true" : "/api/v1/status";
    TRY_ASSIGN(std::string json, ask_watch(socket, {.target = target}, patience));
    TRY_ASSIGN(Status status, parse_status(json));
    return Answer{std::move(json), std::move(status)};
}

// The last answer when the time is over; a watch may still have to come.
Result<Answer> ask_until_settled(const std::filesystem::path& socket, const StatusFlags& flags) {
    const auto end = Clock::now() + std::chrono::seconds(flags.wait);
    while (true) {
        auto answer = ask(socket, flags);
        const bool may_come =
            answer || answer.error().code == Errc::not_found || answer.error().code == Errc::timeout;
        if (Clock::now() >= end || !may_come || (answer && is_settled(answer->status))) return answer;
        std::this_thread::sleep_for(kBetweenQuestions);
    }
}

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
    if (status.deploying)
        return fail(Errc::conflict, "a deployment is under way", "Wait for it: --wait SECONDS.");
    return fail(Errc::conflict, "the last build of an image failed",
                "Its error is in the output of synchost watch.");
}

}  // namespace

Result<> run_status(const StatusFlags& flags) {
    TRY_ASSIGN(const ProjectParts project, open_project(flags.folder));
    TRY_ASSIGN(const Answer answer, ask_until_settled(project.folders.state / kControlSocket, flags));
    std::printf("%s", (flags.json ? answer.json + '\n' : to_text(answer.status)).c_str());
    std::fflush(stdout);  // before what main() says of it
    TRY(judge(answer.status));
    if (flags.wait == 0 || !is_building(answer.status)) return {};
    return fail(Errc::timeout, fmt::format("an image is still being built after {} seconds", flags.wait),
                "Give it longer: --wait SECONDS.");
}

}  // namespace synchost::host
