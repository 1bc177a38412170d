#include "host/engine/workloads.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "k8s/image_name.hpp"
#include "k8s/inject.hpp"

namespace synchost::host {
namespace {

std::vector<std::string> images_of(const k8s::Json& pod_spec, const Config& config) {
    std::vector<std::string> out;
    for (const char* key : {"initContainers", "containers"}) {
        const auto containers = pod_spec.find(key);
        if (containers == pod_spec.end() || !containers->is_array()) continue;
        for (const k8s::Json& container : *containers) {
            if (!container.is_object() || !container.contains("image") || !container["image"].is_string())
                continue;
            for (const ImageConfig& image : config.images) {
                if (k8s::same_image(container["image"].get<std::string>(), image.name) &&
                    std::ranges::find(out, image.name) == out.end())
                    out.push_back(image.name);
            }
        }
    }
    return out;
}

std::string own_name(const std::string& id) {
    return id.substr(id.find('/') + 1);
}

std::unexpected<Error> refuse(const Config& config, const ServiceConfig& service, const std::string& why,
                              std::string step) {
    const std::string key = "services > " + service.name;
    const std::string below = key + " > workload";
    return fail(Errc::invalid_input,
                config.where(config.lines.contains(below) ? below : key) + ": service " + service.name + why,
                std::move(step));
}

// The one that the service is.
Result<Workload*> find_workload(const Config& config, const ServiceConfig& service,
                                std::vector<Workload>& workloads) {
    std::vector<Workload*> found;
    std::vector<std::string_view> known;
    for (Workload& workload : workloads) {
        known.push_back(workload.id);
        if (service.workload.empty() ? own_name(workload.id) == service.name
                                     : workload.id == service.workload)
            found.push_back(&workload);
    }
    if (found.size() == 1) return found[0];
    if (found.size() > 1) {
        return refuse(config, service, " could be " + found[0]->id + " or " + found[1]->id,
                      "Say which: " + service.name + ": {workload: " + found[0]->id + "}");
    }
    const std::string wanted = service.workload.empty() ? "workload of that name" : service.workload;
    std::string step = did_you_mean(service.workload, known);
    if (step.empty()) step = "Name one of the manifests' workloads: workload: Kind/name";
    return refuse(config, service, ": the manifests have no " + wanted, std::move(step));
}

// The container that the service's `run` is for.
Result<k8s::Json*> container_of(k8s::Json& pod_spec, const Workload& workload) {
    const ServiceConfig& service = workload.service;
    std::vector<k8s::Json*> found;
    std::string names;
    k8s::Json none = k8s::Json::array();
    const auto listed = pod_spec.find("containers");
    for (k8s::Json& container : listed != pod_spec.end() && listed->is_array() ? *listed : none) {
        if (!container.is_object()) continue;
        const k8s::Json name = container.value("name", k8s::Json());
        const std::string text = name.is_string() ? name.get<std::string>() : "";
        names += (names.empty() ? "" : ", ") + printable(text);
        const k8s::Json image = container.value("image", k8s::Json());
        const bool is_meant =
            service.container.empty()
                ? image.is_string() &&
                      std::ranges::any_of(workload.images,
                                          [&](const std::string& ours) {
                                              return k8s::same_image(image.get<std::string>(), ours);
                                          })
                : text == service.container;
        if (is_meant) found.push_back(&container);
    }
    if (found.size() == 1) return found.front();
    const std::string why = found.empty() ? " has no such container" : " has several such containers";
    return fail(Errc::invalid_input, "service " + service.name + ": run: " + workload.id + why,
                "Name one of them: container: NAME. It has: " + names);
}

}  // namespace

Result<std::vector<Workload>> resolve_workloads(const Config& config,
                                                const std::vector<k8s::Manifest>& manifests) {
    std::vector<Workload> out;
    for (const k8s::Manifest& manifest : manifests) {
        const k8s::Json* spec = k8s::pod_spec(manifest);
        if (spec == nullptr) continue;
        const std::string id = k8s::workload_name(manifest.object);
        out.push_back({.id = id, .name = own_name(id), .images = images_of(*spec, config), .depends_on = {}});
    }
    std::map<std::string, std::string> ids;  // of services
    for (const ServiceConfig& service : config.services) {
        TRY_ASSIGN(Workload * workload, find_workload(config, service, out));
        if (!workload->service.name.empty()) {
            return refuse(config, service,
                          " is " + workload->id + ", as service " + workload->service.name + " is",
                          "Keep one of the two.");
        }
        workload->name = service.name;
        workload->service = service;
        ids[service.name] = workload->id;
    }
    std::map<std::string, int> named;
    for (const Workload& workload : out) ++named[workload.name];
    for (Workload& workload : out) {
        for (const std::string& name : workload.service.depends_on)
            workload.depends_on.push_back(ids.at(name));
        // Two of one name are told apart by their ids.
        if (named.at(workload.name) > 1 && workload.service.name.empty()) workload.name = workload.id;
    }
    std::vector<k8s::Manifest> tried = manifests;  // so that what is wrong is told before anything is built
    TRY(set_commands(tried, out));
    return out;
}

Result<std::set<std::string>> select_workloads(const std::vector<Workload>& workloads,
                                               const std::vector<std::string>& names) {
    std::set<std::string> out;
    std::vector<const Workload*> todo;
    std::vector<std::string_view> known;
    for (const Workload& workload : workloads) {
        known.push_back(workload.name);
        if (names.empty()) out.insert(workload.id);
    }
    for (const std::string& name : names) {
        const auto found = std::ranges::find_if(workloads, [&](const Workload& workload) {
            return workload.name == name || workload.id == name;
        });
        if (found == workloads.end()) {
            std::string step = did_you_mean(name, known);
            if (step.empty()) {
                step = "There are:";
                for (const std::string_view one : known) step += " " + std::string(one);
            }
            return fail(Errc::not_found, "there is no service " + printable(name.substr(0, 100)),
                        std::move(step));
        }
        todo.push_back(&*found);
    }
    while (!todo.empty()) {
        const Workload* next = todo.back();
        todo.pop_back();
        if (!out.insert(next->id).second) continue;
        for (const std::string& id : next->depends_on)
            todo.push_back(&*std::ranges::find(workloads, id, &Workload::id));
    }
    return out;
}

std::vector<k8s::Manifest> manifests_of(const std::vector<k8s::Manifest>& manifests,
                                        const std::set<std::string>& ids) {
    std::vector<k8s::Manifest> out;
    for (const k8s::Manifest& manifest : manifests) {
        if (k8s::pod_spec(manifest) == nullptr || ids.contains(k8s::workload_name(manifest.object)))
            out.push_back(manifest);
    }
    return out;
}

Result<> set_commands(std::vector<k8s::Manifest>& manifests, const std::vector<Workload>& workloads) {
    for (k8s::Manifest& manifest : manifests) {
        k8s::Json* spec = k8s::pod_spec(manifest);
        if (spec == nullptr) continue;
        const auto workload =
            std::ranges::find(workloads, k8s::workload_name(manifest.object), &Workload::id);
        if (workload == workloads.end() || workload->service.run.empty()) continue;
        TRY_ASSIGN(k8s::Json * container, container_of(*spec, *workload));
        (*container)["command"] = workload->service.run;
        container->erase("args");
    }
    return {};
}

std::map<std::string, std::chrono::milliseconds> gates_of(const std::vector<Workload>& workloads) {
    std::map<std::string, std::chrono::milliseconds> out;
    for (const Workload& workload : workloads) {
        if (workload.service.gate) out[workload.id] = *workload.service.gate;
    }
    return out;
}

}  // namespace synchost::host
