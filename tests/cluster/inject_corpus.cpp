// Injects the manifests on stdin as if every image below "app.test/" were ours, and prints them. Fails when
// injecting what it printed gives another text. No image is built and nothing is pushed: what an image is like
// is said in manifests/README.md.
//   inject_corpus native|init < MANIFESTS
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "k8s/inject.hpp"
#include "k8s/manifest.hpp"

namespace synchost::k8s {
namespace {

constexpr std::string_view kOurs = "app.test/";
constexpr std::size_t kMaxInputBytes = std::size_t{16} << 20;
const std::string kDigest = "@sha256:" + std::string(64, '1');

// As manifests/README.md says of its custom resources.
const PodTemplates kPodTemplates = {{"Rollout", "spec.template"},
                                    {"ServerlessService", "spec.template"},
                                    {"TrainingJob.corpus.test", "spec.worker.template"}};

InjectedImage image_named(const std::string& name) {
    const std::string base = name.substr(kOurs.size(), name.find_first_of(":@") - kOurs.size());
    return {.pinned = std::string(kOurs) + base + kDigest,
            .entrypoint = {"/app"},
            .cmd = {"--serve"},
            .uid = 1000,
            .gid = 1000,
            .managed_paths = {"/srv/app/"}};
}

// Every image of ours, wherever in the object it is named.
void collect(const Json& value, InjectOptions& options) {
    for (const auto& [key, item] : value.items()) {
        if (item.is_structured()) collect(item, options);
        if (key != "image" || !item.is_string()) continue;
        const auto name = item.get<std::string>();
        if (name.starts_with(kOurs)) options.images.emplace(name, image_named(name));
    }
}

Result<std::string> injected(std::string_view text, const InjectOptions& options) {
    TRY_ASSIGN(auto manifests, parse_manifests(text, "manifests", kPodTemplates));
    TRY_ASSIGN(const auto done, inject(std::move(manifests), options));
    return to_yaml(done);
}

Result<std::string> run(SidecarForm form) {
    TRY_ASSIGN(const std::string text, read_all(STDIN_FILENO, kMaxInputBytes));
    InjectOptions options{
        .agent_image = "app.test/synchost-agent" + kDigest, .secret_name = "synchost-key", .form = form};
    TRY_ASSIGN(const auto manifests, parse_manifests(text, "manifests", kPodTemplates));
    for (const Manifest& manifest : manifests) collect(manifest.object, options);
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
