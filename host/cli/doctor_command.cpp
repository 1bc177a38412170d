// `synchost doctor`: each part that a `watch` of this project leans on, measured.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/doctor/probes.hpp"
#include "host/engine/embedded_agent.hpp"
#include "k8s/kubeconfig/kubeconfig.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

struct Project {
    Finding finding;
    std::vector<fs::path> roots;
    std::vector<std::string> contexts;  // that synchost.yaml allows
    std::string registry;
};

// A machine is asked about without a project too; a project that is broken is a problem like another.
Project look_at_project(const fs::path& folder, const std::vector<std::string>& profiles) {
    const auto file = find_config(folder);
    if (!file) {
        return {
            {"project", Verdict::warning, file.error().message, "synchost watch needs one; see README.md"},
            {folder},
            {},
            {}};
    }
    const auto config = load_config(*file, profiles);
    if (!config)
        return {{"project", Verdict::problem, config.error().message, config.error().next_step},
                {folder},
                {},
                {}};
    Project project{{"project", Verdict::ok, config->file.native() + " is well-formed", {}},
                    {},
                    config->cluster.contexts,
                    config->registry.value_or("")};
    for (const ImageConfig& image : config->images) {
        if (std::ranges::find(project.roots, image.context) == project.roots.end())
            project.roots.push_back(image.context);
    }
    return project;
}

Finding look_at_registry(const DoctorFlags& flags, const Project& project, const ClusterLook& cluster) {
    std::string host = !flags.registry.empty()     ? flags.registry
                       : !project.registry.empty() ? project.registry
                                                   : cluster.registry;
    if (host.empty() && cluster.usable) {
        return {"registry", Verdict::problem, "the cluster announces none, and none is named",
                "Name one that both reach: registry: HOST:PORT in synchost.yaml"};
    }
    if (host.empty()) return {"registry", Verdict::ok, "watch starts one of its own beside podman", {}};
    return probe_registry(make_connector(flags.registries), host.substr(0, host.find('/')));
}

}  // namespace

Result<> run_doctor(const DoctorFlags& flags) {
    const Project project = look_at_project(flags.folder, flags.profiles);
    std::vector<Finding> findings{project.finding, probe_inotify(project.roots, "/proc/sys/fs/inotify")};
    const auto cache = cache_folder();
    findings.push_back(
        cache ? probe_disk(*cache)
              : Finding{"disk", Verdict::problem, cache.error().message, cache.error().next_step});
    const auto kubeconfig =
        flags.runtime.kubeconfig.empty()
            ? k8s::Kubeconfig::default_files(std::getenv("KUBECONFIG"), std::getenv("HOME"))
            : std::vector{flags.runtime.kubeconfig};
    const ClusterLook cluster = probe_cluster(kubeconfig, flags.runtime.context, project.contexts);
    findings.push_back(cluster.finding);
    findings.push_back(probe_podman(!cluster.usable));
    findings.push_back(look_at_registry(flags, project, cluster));
    findings.push_back(probe_agent(embedded_agent()));
    findings.push_back(probe_run_steps());
    std::fputs((flags.json ? findings_json(findings) : findings_text(findings)).c_str(), stdout);
    std::fflush(stdout);  // before what main() says of it
    if (!has_problem(findings)) return {};
    return fail(Errc::conflict, "this machine is not ready for synchost watch",
                "The command that mends each problem stands below it.");
}

}  // namespace synchost::host
