// Injects the manifests on stdin as if every image below "app.test/" were ours (manifests/README.md says what
// such an image is), and prints them. Fails when injecting what it printed gives another text. No image is
// built or pushed.
//   inject_corpus native|init < MANIFESTS
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "k8s/image_name.hpp"
#include "k8s/inject.hpp"
#include "k8s/manifest.hpp"

namespace synchost::k8s {
namespace {

constexpr std::size_t kMaxInputBytes = std::size_t{16} << 20;

std::string digest() {
    return "@sha256:" + std::string(64, '1');
}

const PodTemplates& pod_templates() {
    static const PodTemplates templates = {{"Rollout", "spec.template"},
                                           {"ServerlessService", "spec.template"},
                                           {"TrainingJob", "spec.worker.template"}};
    return templates;
}

void collect(const Json& containers, InjectOptions& options) {
    for (const Json& container : containers) {
        const std::string image = container.value("image", "");
        if (!image.starts_with("app.test/")) continue;
        options.images[image] = {.pinned = full_image_name(image) + digest(),
                                 .entrypoint = {"/app"},
                                 .cmd = {},
                                 .uid = 1000,
                                 .gid = 1000,
                                 .managed_paths = {"/srv/app/"}};
    }
}

Result<std::string> injected(std::string_view text, const InjectOptions& options) {
    TRY_ASSIGN(auto manifests, parse_manifests(text, "manifests", pod_templates()));
    TRY_ASSIGN(const auto done, inject(std::move(manifests), options));
    return to_yaml(done);
}

Result<std::string> run(SidecarForm form) {
    TRY_ASSIGN(const std::string text, read_all(STDIN_FILENO, kMaxInputBytes));
    InjectOptions options{
        .agent_image = "app.test/synchost-agent" + digest(), .secret_name = "synchost-key", .form = form};
    TRY_ASSIGN(const auto manifests, parse_manifests(text, "manifests", pod_templates()));
    for (const Manifest& manifest : manifests) {
        const Json* spec = pod_spec(manifest);
        if (spec == nullptr) continue;
        for (const char* key : {"initContainers", "containers"}) {
            if (spec->contains(key)) collect(spec->at(key), options);
        }
    }
    if (options.images.empty()) return fail(Errc::invalid_input, "no image below app.test/ in it");
    TRY_ASSIGN(std::string once, injected(text, options));
    TRY_ASSIGN(const std::string twice, injected(once, options));
    if (once != twice) return fail(Errc::conflict, "injected a second time it is another text:\n" + twice);
    return once;
}

}  // namespace
}  // namespace synchost::k8s

int main(int argc, char** argv) {
    using synchost::k8s::SidecarForm;
    const std::string form = argc == 2 ? argv[1] : "";
    if (form != "native" && form != "init") {
        std::fputs("usage: inject_corpus native|init < MANIFESTS\n", stderr);
        return 2;
    }
    const auto result =
        synchost::k8s::run(form == "native" ? SidecarForm::native : SidecarForm::init_and_sidecar);
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message.c_str());
        return 1;
    }
    std::fputs(result->c_str(), stdout);
    return 0;
}
