#include "unit/k8s/inject_options.hpp"

#include <nlohmann/json.hpp>

namespace synchost::k8s::test {
namespace {

// A digest that is short enough to read in golden files; inject() does not look inside.
std::string pinned(const std::string& name) {
    return "registry.local:5000/" + name + "@sha256:" + name;
}

InjectedImage image(const std::string& name, std::uint32_t user, std::vector<std::string> cmd) {
    return {.pinned = pinned(name),
            .entrypoint = {"python"},
            .cmd = std::move(cmd),
            .uid = user,
            .gid = user,
            .managed_paths = {"/app/", "/etc/app.conf"}};
}

}  // namespace

InjectOptions options_of(SidecarForm form) {
    InjectOptions out;
    out.agent_image = pinned("agent");
    out.secret_name = "synchost-key";
    out.form = form;
    out.gates = {{"Deployment/waits", std::chrono::milliseconds::max()},
                 {"Job/at-once", std::chrono::milliseconds(0)},
                 {"CronJob/at-once", std::chrono::milliseconds(1'500)}};
    out.images["api"] = image("api", 1000, {"app.py"});
    out.images["worker"] = image("worker", 2000, {"worker.py"});
    out.images["web"] = image("web", 0, {"web.py"});
    out.images["shell"] = image("shell", 1000, {"-c", "echo $(date) $$(id)"});
    out.images["static"] = image("static", 101, {"serve.py"});
    out.images["static"].managed_paths.clear();
    out.images["node"] = image("node", 1500, {"app.py"});  // USER node: the number and group are its passwd's
    out.images["node"].gid = 1501;
    out.images["cmdonly"] = image("cmdonly", 1000, {"/srv/bin/server", "--dev"});
    out.images["cmdonly"].entrypoint.clear();
    out.images["foreign"] = image("foreign", 1000, {"app.py"});
    out.images["foreign"].seed_folders = true;
    return out;
}

}  // namespace synchost::k8s::test
