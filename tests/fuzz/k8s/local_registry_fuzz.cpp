// The value of localRegistryHosting.v1 of any bytes: an error that names the ConfigMap, or hosts that can
// stand in front of an image's name.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "k8s/cluster/local_registry.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost;
    k8s::Json config_map;
    config_map["data"]["localRegistryHosting.v1"] = std::string(reinterpret_cast<const char*>(data), size);
    const auto registry = k8s::parse_local_registry(config_map);
    if (!registry) {
        if (!registry.error().message.starts_with("ConfigMap kube-public/local-registry-hosting"))
            std::abort();
        return 0;
    }
    if (!*registry) return 0;
    const k8s::LocalRegistry& found = **registry;
    for (const auto from : {k8s::PushesFrom::this_machine, k8s::PushesFrom::cluster_network}) {
        const auto chosen = k8s::choose_registry(found, from);
        if (chosen && (chosen->push.empty() || chosen->pull.empty())) std::abort();
    }
    for (const std::string_view host :
         {found.host, found.host_from_container_runtime, found.host_from_cluster_network}) {
        if (host.find_first_of("/@ \t\r\n\\\"'?#") != std::string_view::npos) std::abort();
    }
    if (found.help.contains('\n')) std::abort();
    return 0;
}
