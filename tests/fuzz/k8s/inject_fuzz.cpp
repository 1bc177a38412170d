// Manifests, read and injected: whatever the bytes are, there is an error that names the file, or manifests
// which are the same when injected twice and when written and read back.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "k8s/inject.hpp"

namespace {

using namespace synchost;

k8s::InjectOptions options() {
    k8s::InjectOptions out;
    out.agent_image = "agent@sha256:0";
    out.secret_name = "synchost-key";
    out.images["api"] = {.pinned = "api@sha256:0",
                         .entrypoint = {"python"},
                         .cmd = {"$(x)"},
                         .uid = 1000,
                         .gid = 1000,
                         .managed_paths = {"/app/", "/etc/app.conf"}};
    out.images["foreign"] = out.images["api"];
    out.images["foreign"].seed_folders = true;
    out.images["static"] = {.pinned = "static@sha256:0"};
    return out;
}

const k8s::PodTemplates templates = {{"Rollout", "spec.template"}, {"Own.group.test", "spec.a.b"}};

template <typename T>
bool names_file(const Result<T>& result) {
    return result || result.error().message.starts_with("in.yaml:");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto manifests = k8s::parse_manifests(text, "in.yaml", templates);
    if (!names_file(manifests)) std::abort();
    if (!manifests) return 0;
    for (const k8s::SidecarForm form : {k8s::SidecarForm::native, k8s::SidecarForm::init_and_sidecar}) {
        k8s::InjectOptions with = options();
        with.form = form;
        const auto once = k8s::inject(*manifests, with);
        if (!names_file(once)) std::abort();
        if (!once) continue;
        const auto twice = k8s::inject(*once, with);
        const std::string yaml = k8s::to_yaml(*once);
        if (!twice || k8s::to_yaml(*twice) != yaml) std::abort();
        const auto again = k8s::parse_manifests(yaml, "in.yaml", templates);
        if (!again || again->size() != once->size()) std::abort();
        for (std::size_t i = 0; i < once->size(); ++i) {
            if ((*again)[i].object != (*once)[i].object) std::abort();
        }
    }
    return 0;
}
