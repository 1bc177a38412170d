#include "host/runtime/podman/record.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "host/runtime/podman/json_fields.hpp"

namespace synchost::host::podman {

Result<> Record::save(const std::filesystem::path& file) const {
    Json object = {{"network", network}, {"registry", registry}, {"pods", Json::object()}};
    for (const auto& [name, pod] : pods) {
        object["pods"][name] = {
            {"id", pod.id}, {"workload", pod.workload}, {"name", pod.name}, {"containers", pod.containers}};
    }
    return write_file_atomic(file, object.dump(2) + "\n", 0600);
}

Record Record::load(const std::filesystem::path& file) {
    Record out;
    const auto text_of_file = read_file(file, std::size_t{1} << 20);
    if (!text_of_file) return out;
    const Json object = Json::parse(*text_of_file, nullptr, false);
    out.network = text(object, "network");
    out.registry = static_cast<pid_t>(integer(object, "registry", 0));
    for (const auto& [podman_name, pod] : field(object, "pods").items()) {
        if (!pod.is_object()) continue;
        PodRecord& record = out.pods[podman_name];
        record = {.id = text(pod, "id"),
                  .workload = text(pod, "workload"),
                  .name = text(pod, "name"),
                  .containers = {}};
        for (const Json& container : field(pod, "containers")) {
            if (container.is_string()) record.containers.push_back(container.get<std::string>());
        }
    }
    return out;
}

}  // namespace synchost::host::podman
