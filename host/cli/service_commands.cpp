// The commands that a running watch does for a service: restart, trigger, pause, resume, stop and start.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/control/client.hpp"
#include "host/control/query.hpp"
#include "host/control/server.hpp"
#include "host/control/token.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::minutes kRestartPatience{3};  // a grace time is in it
constexpr std::chrono::hours kBuildPatience{2};
constexpr std::chrono::seconds kAnswerPatience{30};

// The answers for each service, in their order, once all are there. The first error ends it.
Result<std::vector<Json>> command_watch(const ServiceFlags& flags, const char* command,
                                        std::chrono::milliseconds patience) {
    TRY_ASSIGN(const ProjectParts project, open_project(flags.folder));
    const auto socket = project.folders.state / kControlSocket;
    const std::string token = load_token(project.folders.state).value_or("");
    std::vector<Json> out;
    for (const std::string& service : flags.services) {
        const std::string target = fmt::format("/api/v1/services/{}/{}", percent_encoded(service), command);
        TRY_ASSIGN(const std::string answer,
                   ask_watch(socket, {.target = target, .method = "POST", .token = token}, patience));
        Json json = Json::parse(answer, nullptr, false);
        if (!json.is_object())
            return fail(Errc::protocol, "the answer of `synchost watch` is not what it should be");
        if (flags.json) std::printf("%s\n", answer.c_str());
        out.push_back(std::move(json));
    }
    return out;
}

std::uint64_t number_of(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string text_of(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Result<> run_restart(const ServiceFlags& flags) {
    TRY_ASSIGN(const std::vector<Json> answers, command_watch(flags, "restart", kRestartPatience));
    for (const Json& answer : answers) {
        const std::uint64_t containers = number_of(answer, "containers");
        if (!flags.json)
            fmt::print("restarted {}: {} container{} in {} ms\n", text_of(answer, "service"), containers,
                       containers == 1 ? "" : "s", number_of(answer, "ms"));
    }
    return {};
}

namespace {

// Of a command that is done once it is answered; `done` says so: "paused".
Result<> run_at_once(const ServiceFlags& flags, const char* command, const char* done) {
    TRY_ASSIGN(const std::vector<Json> answers, command_watch(flags, command, kAnswerPatience));
    if (flags.json) return {};
    for (const Json& answer : answers) fmt::print("{} {}\n", done, text_of(answer, "service"));
    return {};
}

}  // namespace

Result<> run_pause(const ServiceFlags& flags) {
    return run_at_once(flags, "pause", "paused");
}

Result<> run_resume(const ServiceFlags& flags) {
    return run_at_once(flags, "resume", "resumed");
}

Result<> run_stop(const ServiceFlags& flags) {
    return run_at_once(flags, "stop", "stopped");
}

Result<> run_start(const ServiceFlags& flags) {
    return run_at_once(flags, "start", "started");
}

Result<> run_trigger(const ServiceFlags& flags) {
    TRY_ASSIGN(const std::vector<Json> answers, command_watch(flags, "trigger", kBuildPatience));
    std::string failed;
    for (const Json& answer : answers) {
        for (const Json& image : answer.value("images", Json::array())) {
            const std::string name = text_of(image, "name");
            const std::string outcome = text_of(image, "outcome");
            if (outcome == "failed") failed += (failed.empty() ? "" : ", ") + name;
            if (flags.json || outcome == "failed") continue;
            fmt::print("{} {}{}\n", outcome, name,
                       outcome == "built"
                           ? ": its pods are replaced; synchost status --wait 60 waits for them"
                           : ": the new image equals the old one; no pod is replaced");
        }
    }
    std::fflush(stdout);  // before what main() says
    if (failed.empty()) return {};
    return fail(Errc::conflict, "the build of " + failed + " failed",
                "Its error is in the output of synchost watch.");
}

}  // namespace synchost::host
